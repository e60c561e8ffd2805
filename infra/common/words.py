"""Singular and plural."""


def counted(number, noun, plural=None):
    """A number and its noun: 1 create, 2 creates."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def joined(*parts):
    """Parts as one text; empty ones are left out."""
    return ", ".join(part for part in parts if part)

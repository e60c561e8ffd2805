"""docs/SETUP.md as steps: the commands, the files that its reader writes, and what is to be seen.

Marks are HTML comments in front of a block, which no reader of the page sees:
`<!-- file: path -->` (the block is that file's text), `<!-- again: folder -->` (the files of that
folder are written once more before the block), `<!-- not run by the test: why -->`.
"""

import re
from dataclasses import dataclass

from common.places import ROOT

SETUP = ROOT / "docs" / "SETUP.md"
# sh is run, json and yaml are files, text is what a command shows.
LANGUAGES = {"sh", "json", "yaml", "text"}
MARK = re.compile(r"<!-- (file|again|not run by the test)(?:: (.+?))? -->")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text and its marks."""

    line: int
    section: str
    language: str
    text: str
    marks: dict[str, str]

    @property
    def is_run(self):
        """True if the test runs it."""
        return self.language == "sh" and "not run by the test" not in self.marks

    @property
    def place(self):
        """Where a reader finds it."""
        return f"docs/SETUP.md:{self.line} ({self.section})"


def blocks(text=None):
    """All blocks of the document, in order."""
    lines = (SETUP.read_text() if text is None else text).splitlines()
    found, marks, section, rest = [], {}, "", enumerate(lines, 1)
    for number, line in rest:
        if mark := MARK.fullmatch(line.strip()):
            marks[mark[1]] = (mark[2] or "").strip()
        elif line.startswith("```"):
            inside = []
            for _, inner in rest:
                if inner == "```":
                    break
                inside.append(inner)
            found.append(Block(number, section, line[3:], "\n".join(inside), marks))
            marks = {}
        elif line.strip():
            marks = {}
            section = line.strip("# ") if line.startswith("#") else section
    return found


def commands_of(section):
    """The commands of a section, a text for each block, also of those that another test runs."""
    return [one.text for one in blocks() if one.section == section and one.language == "sh"]


def functions():
    """The shell functions that the page's reader keeps in .local/functions.sh."""
    return next(one.text for one in blocks() if "functions.sh <<" in one.text)


def shown(pattern, output):
    """The lines of a `text` block that no line of an output fits.

    Numbers stand for any number, and `...` for anything.
    """
    return [
        line.strip()
        for line in pattern.splitlines()
        if line.strip() and not re.search(fitting(line.strip()), output)
    ]


def fitting(line):
    parts = (re.sub(r"\d+", r"\\d+", re.escape(part)) for part in line.split("..."))
    return ".*".join(parts)

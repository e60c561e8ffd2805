"""What a part of the bench finds: figures with goals, and the samples they are made from."""

import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime


@dataclass
class Figure:
    """A row of the table."""

    name: str
    goal: str
    # In words, with units.
    measured: str
    # The number that the goal speaks of, if it is another one.
    share: str = ""
    # None if there is no goal.
    met: bool | None = None
    floor: str = ""
    before: str = ""


@dataclass
class Part:
    """What one part found. Kept as JSON, so that parts can be measured on different days."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    # A row for each program and size: what, who, how often, wall, CPU, and memory in words.
    samples: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # Of the programs that were measured.
    digest: str = ""
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")

    def add_samples(self, what, samples, wall="wall"):
        """Medians and ranges of what was measured, by name."""
        for name, these in samples.items():
            columns = (spread(these, wall), spread(these, "cpu"), spread(these, "peak", "MiB", 1))
            self.samples.append([what, name, str(len(these)), *columns])

    def kept(self):
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, kept):
        """A part that was kept."""
        return cls(**{**kept, "figures": [Figure(**one) for one in kept["figures"]]})


def spread(samples, key, unit="s", digits=3):
    """The median of a number, and from where to where it went."""
    values = [getattr(sample, key) for sample in samples]
    values = [value for value in values if value is not None]
    if not values:
        return ""
    middle = f"{statistics.median(values):,.{digits}f} {unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(one, other):
    """How many times the one is the other."""
    return f"{one / other:.3f}" if one < other else f"{one / other:.2f}"


def at_most(found, most):
    """True if a goal is met."""
    return bool(found <= most)

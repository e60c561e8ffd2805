"""What is measured, with what, and how often; from the environment of make bench."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from common.places import ROOT
from common.programs import FUNCTIONS, LAMBDA, binary

from .remote import Remote

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"

PARTS = ["scan", "calls", "compare", "sync", "start", "size"]
SIZES = [10_000, 100_000, 300_000, 1_000_000]
REPEATS = 5


@dataclass
class Bench:
    """One run of the bench."""

    parts: list[str]
    sizes: list[int]
    repeats: int
    # A folder with the programs of another version, and the sizes that it is asked for.
    before: Path | None
    before_sizes: list[int]
    # True if docs/PERFORMANCE.md is to be written.
    writes: bool
    folder: Path = None
    remote: Remote = None
    missing: list[str] = field(default_factory=list)

    @property
    def log(self):
        """Where the measured programs write to."""
        return self.folder / "measured.log"

    def repeats_of(self, count):
        """The largest sizes take minutes, and vary little."""
        return min(self.repeats, 3) if count > 100_000 else self.repeats

    def has_floor(self, name):
        """True if a program that does the least there is to do was built."""
        if (LAMBDA / name / "bootstrap").exists():
            return True
        if name not in self.missing:
            self.missing.append(name)
            print(f"  {name} is not built: its column is left out", flush=True)
        return False


def bench(environ=os.environ):
    """What the environment asks for. Raises SystemExit if it cannot be had."""
    wanted = listed(environ, "ONLY", PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        raise SystemExit(f"ONLY: {', '.join(unknown)}: there are {', '.join(PARTS)}")
    before = environ.get("BEFORE")
    before = ROOT / before if before else None
    refuse_what_is_missing(wanted, before)
    sizes = [int(size) for size in listed(environ, "SIZES", SIZES)]
    repeats = int(environ.get("REPEATS") or REPEATS)
    is_whole = wanted == PARTS and sizes == SIZES and repeats >= REPEATS
    return Bench(
        parts=wanted,
        sizes=sizes,
        repeats=repeats,
        before=before,
        before_sizes=[int(one) for one in listed(environ, "BEFORE_SIZES", [10_000, 100_000])],
        writes=is_whole or bool(environ.get("WRITE")),
    )


def refuse_what_is_missing(parts, before):
    """Says so before minutes of measuring are lost."""
    needed = [binary(name, folder) for folder in (None, before) for name in FUNCTIONS]
    if {"scan", "compare"} & set(parts):
        needed.append(PEERS_PYTHON)
    if missing := [str(path) for path in needed if not path.exists()]:
        raise SystemExit(f"missing: {', '.join(dict.fromkeys(missing))}; make bench makes ours")


def listed(environ, name, default):
    """A list of the environment, with commas."""
    text = environ.get(name, "")
    return [one.strip() for one in text.split(",") if one.strip()] or list(default)

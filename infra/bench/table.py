"""docs/PERFORMANCE.md: what was measured last of each part, as tables."""

import json

from common.places import ROOT

from .figures import Part
from .machine import machine
from .measure import KEPT
from .options import PARTS
from .stages import digest

FIGURES = KEPT / "figures"
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
COLUMNS = ["figure", "goal", "measured", "ratio", "goal met", "floor", "before"]
WORDS = """# Performance

What `make bench` measured on the machine named below. `ONLY=scan`, `SIZES=10000,100000` and
`REPEATS=1` make it shorter, `BEFORE=<folder>` compares with other programs. All options are in
`infra/bench/__main__.py`.

- Each program runs alone beside the server that it talks to, in turn with those it is compared
  with. A figure is the median of its runs.
- Our programs are the same binaries that are deployed, behind a small runtime API, with all of this
  machine's processors and memory: a Lambda of the template's size has less of both. Their processor
  time is that of the whole process, including its start.
- A cold start is the time from exec to the first request for an event. It does not include what is
  only made at the first call.
- The server (Zendesk, S3, Secrets Manager) is a process of its own, on loopback, without TLS. Its
  processor time is not counted, and it waits as long as a figure says, 0 ms if it says nothing.
- Peers do no more than our programs, in the way one would write it with that library; the counts
  of what they found are checked. Peers of the comparison leave out clashes, clocks, the guard and
  digests.
- "Before", where a table has it, are the programs of another version, in the folder that `BEFORE`
  named.
- A floor is the least that must be done: for a scan, to decompress and read every page; for a
  start, an empty Lambda; for gather-orgs, as many calls by a bare socket; for sync, its calls
  repeated by reqwest and the AWS SDK.
- Organizations have about 1.2 KB of JSON each, 100 a page, gzip.
"""
SAMPLES = ["what", "who", "runs", "wall", "CPU", "peak memory"]


def keep(part):
    """Remembers a part for the document."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    said = {**part.kept(), "digest": digest(), "machine": machine()}
    (FIGURES / f"{part.name}.json").write_text(json.dumps(said, indent=1))


def known():
    """The parts that were measured of this build on this machine, in their order."""
    parts = []
    for name in PARTS:
        path = FIGURES / f"{name}.json"
        said = json.loads(path.read_text()) if path.exists() else {}
        if said.pop("machine", None) == machine() and said["digest"] == digest():
            parts.append(Part.read(said))
    return parts


def show(parts):
    """The tables of some parts."""
    lines = []
    for part in parts:
        lines += [f"### {part.title}", "", f"Measured on {part.date}.", ""]
        lines += [*table(COLUMNS, [row(figure) for figure in part.figures]), ""]
        if part.samples:
            lines += [*table(SAMPLES, part.samples), ""]
        lines += [line for note in part.notes for line in (note, "")]
    return "\n".join(lines)


def row(figure):
    """A figure's cells."""
    met = {None: "", True: "yes", False: "**no**"}[figure.met]
    cells = [figure.name, figure.goal, figure.measured, figure.share, met]
    return [*cells, figure.floor, figure.before]


def table(columns, rows):
    """Lines of a table, without the columns that say nothing."""
    used = [place for place, _ in enumerate(columns) if any(row[place] for row in rows)]
    yield "| " + " | ".join(columns[place] for place in used) + " |"
    yield "|" + "---|" * len(used)
    for row in rows:
        yield "| " + " | ".join(row[place] for place in used) + " |"


def write(parts, bench):
    """Writes the document anew."""
    head = [f"| {name} | {value} |" for name, value in machine().items()]
    lines = ["| machine | |", "|---|---|", *head, "", show(parts)]
    if bench.missing:
        lines += [f"Not built, and left out: {', '.join(bench.missing)}.", ""]
    DOCUMENT.write_text("\n".join([WORDS, *lines]))
    print(f"written: {DOCUMENT.relative_to(ROOT)}")

"""How often and in which order programs are measured, and what is made of it."""

import hashlib
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from common.places import ROOT, TARGET

from .child import run
from .documents import REFERENCES
from .options import PEERS_PYTHON
from .runtime import Sample

KEPT = TARGET / "bench"
# Made once; 1,000,000 organizations are more than a gigabyte of JSON.
DATA = KEPT / "data"
MADE_BY = ["vocabulary", "data", "pages", "documents"]
PEERS = Path(__file__).parent / "peers"


@dataclass
class Subject:
    """A program that is measured, by a call that returns a Sample."""

    name: str
    run: callable
    # More repeats would tell nothing new.
    most: int = 1000


def of_versions(bench, run):
    """Our programs, and those of the version before, which a call runs from a folder."""
    versions = {"partner-sync": None} | ({"before": bench.before} if bench.before else {})
    return [Subject(name, partial(run, folder)) for name, folder in versions.items()]


def alternately(repeats, subjects, tells=True):
    """Each in turn, again and again, so that a disturbance of the machine hits all; by name."""
    samples = {subject.name: [] for subject in subjects}
    for number in range(repeats):
        for subject in subjects:
            if number < subject.most:
                samples[subject.name].append(subject.run())
                if tells:
                    tell(subject.name, samples[subject.name][-1])
    return samples


def tell(name, sample):
    """A line while it is measured."""
    peak = f"{sample.peak:7.1f} MiB" if sample.peak else ""
    line = f"    {name:24} wall {sample.wall:8.3f} s  CPU {sample.cpu:8.3f} s  {peak}"
    print(line.rstrip(), flush=True)


def median(samples, key):
    """The median of one of the numbers; None if there is none."""
    values = [getattr(sample, key) for sample in samples]
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def peer(script, *arguments, same, log):
    """Runs a peer, and checks by what it wrote that it did the same work."""
    used, took = run([PEERS_PYTHON, PEERS / script, *arguments], log)
    same()
    return Sample(wall=took, whole=took, cpu=used.cpu, peak=used.peak)


def drop_what_is_stale():
    """Forgets the data that other code made."""
    sources = [(Path(__file__).parent / f"{name}.py").read_bytes() for name in MADE_BY]
    digest = hashlib.sha256(b"".join(sources)).hexdigest()
    mark = DATA / "made-by"
    if not mark.exists() or mark.read_text() != digest:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(parents=True)
        mark.write_text(digest)


def pages(count, partners):
    """The file of an instance's pages."""
    path = DATA / f"pages-{count}-{partners}.gz"
    if not path.exists():
        made("pages", count, partners, path)
    return path


def documents(folder, shape=None, host="stand-in.example"):
    """A folder with the documents of a shape, or with the accounts of a scan."""
    if not (folder / REFERENCES).exists():
        made("documents", folder, json.dumps(asdict(shape) if shape else {}), host)
    return folder


def made(module, *arguments):
    """Makes data in a process of its own."""
    print(f"  makes {' '.join(str(one) for one in arguments[:2])}", flush=True)
    command = [sys.executable, "-m", f"bench.{module}", *(str(one) for one in arguments)]
    subprocess.run(command, cwd=ROOT / "infra", check=True)

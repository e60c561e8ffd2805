"""make bench: speed and memory, measured beside floors, peers, and the version before.

    ONLY=scan,calls,compare,sync,start,size   some parts
    SIZES=10000,100000   REPEATS=1            less of them
    BEFORE=<folder>                           other programs, <folder>/<function>/bootstrap
    BEFORE_SIZES=10000,100000                 the sizes that those are asked for
    WRITE=1                                   docs/PERFORMANCE.md, though not all was measured

Figures, no assertions: a goal that is missed is said and fails nothing. The whole takes some
fifteen minutes, and leaves a gigabyte of data in bench/data of cargo's target folder.
"""

import tempfile
from importlib import import_module
from pathlib import Path

from common.processes import end_on_signals

from .measure import drop_what_is_stale
from .options import bench
from .remote import serving
from .table import keep, known, show, write


def main():
    end_on_signals()
    this = bench()
    drop_what_is_stale()
    with tempfile.TemporaryDirectory() as name, serving() as remote:
        this.folder, this.remote = Path(name), remote
        for part in this.parts:
            print(part, flush=True)
            keep(import_module(f".{part}", __package__).measure(this))
    print(show([part for part in known() if part.name in this.parts]))
    if this.writes:
        write(known(), this)


if __name__ == "__main__":
    main()

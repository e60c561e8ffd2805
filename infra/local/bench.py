"""make bench: how long runs take on this machine's local AWS. Figures, no assertions."""

import statistics
import tempfile
import time
from pathlib import Path

from .processes import ROOT, local_aws
from .stack import FUNCTIONS, Stack, zipped
from .standins import standins

RUNS = 5


def main():
    for name in FUNCTIONS:
        binary = ROOT / "target" / "lambda" / name / "bootstrap"
        print(
            f"{name:16} {binary.stat().st_size / 1e6:6.1f} MB, "
            f"zipped {len(zipped(binary, 9)) / 1e6:5.1f} MB"
        )
    with (
        tempfile.TemporaryDirectory() as name,
        local_aws(Path(name), 0) as endpoint,
        standins(Path(name)) as remote,
    ):
        # The runs come faster than hours, and the limit is one a real minute.
        remote.put_world(kind="demo", rate_limit=100_000)
        stack = Stack(endpoint)
        stack.put_secrets(remote.secrets())
        stack.deploy()
        times = []
        for run in range(RUNS):
            began = time.monotonic()
            output = stack.run(f"bench-{run}")["output"]
            times.append(time.monotonic() - began)
            print(f"run {run}: {times[-1]:.2f} s, {output['verdict']}")
        print(
            f"first (cold) {times[0]:.2f} s; the others {min(times[1:]):.2f} / "
            f"{statistics.median(times[1:]):.2f} / {max(times[1:]):.2f} s"
        )


if __name__ == "__main__":
    main()

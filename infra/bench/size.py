"""The size of what is released: each program as `make package` packs it."""

from common.places import SYNC_TOML
from common.programs import FUNCTIONS, binary
from common.zips import function_zip

from .figures import Figure, Part, at_most

MOST_BYTES = 3_000_000


def zipped(path):
    """Bytes of a program's zip."""
    return len(function_zip(path.read_bytes(), SYNC_TOML.read_bytes()))


def measure(bench):
    """Every function."""
    part = Part("size", "The size of the zips")
    for function in FUNCTIONS:
        path = binary(function)
        size = zipped(path)
        before = zipped(binary(function, bench.before)) if bench.before else None
        part.figures.append(
            Figure(
                name=f"zip of {function}",
                goal=f"at most {MOST_BYTES / 1e6:.1f} MB",
                measured=f"{size / 1e6:.2f} MB, of {path.stat().st_size / 1e6:.2f} MB",
                met=at_most(size, MOST_BYTES),
                before=f"{before / 1e6:.2f} MB" if before else "",
            )
        )
    return part

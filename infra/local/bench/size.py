"""The size of what is uploaded: each program, deflated."""

import zlib

from .figures import Figure, Part, at_most
from .stages import FUNCTIONS, binary

MOST_BYTES = 3_000_000
# Names and places of the one file in a zip.
AROUND = 130


def zipped(path):
    """Bytes of a zip with this file alone, deflated as well as can be."""
    packer, size = zlib.compressobj(9, zlib.DEFLATED, -15), AROUND
    with open(path, "rb") as file:
        while part := file.read(1 << 16):
            size += len(packer.compress(part))
    return size + len(packer.flush())


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

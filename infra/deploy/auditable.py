"""make build's last step: each program carries the list of its crates.

cargo audit, Trivy, Syft and others look for it in the section `.dep-v0` of a program: JSON,
compressed by zlib, as cargo auditable writes it. That tool takes the place of cargo and rustc,
which cargo lambda does as well, and names what only the compiler needs. So the section is added
here, after the link. It is never loaded: a start reads none of it.
"""

import json
import shutil
import struct
import sys
import zlib

from common.programs import FUNCTIONS, binary

from .crates import linked, reached

SECTION = ".dep-v0"
# Of the format's revisions the one that tells what is linked from what only the compiler needs.
FORMAT = 1
# Of a 64-bit ELF file, little-endian: the header as far as the table of sections, and a section.
ELF = b"\x7fELF\x02\x01"
TABLE, TABLE_AT = struct.Struct("<Q"), 0x28
COUNTS, COUNTS_AT = struct.Struct("<HHH"), 0x3A
HEADER = struct.Struct("<IIQQQQIIQQ")
KIND_PROGBITS, KIND_NOBITS = 1, 8
OFFSET, SIZE = 4, 5


def crates_of(function, crates, needs):
    """The list of one program's crates, in the words of the format."""
    (root,) = (key for key in crates if key[0] == function)
    keys = reached(root, needs)
    place = {key: at for at, key in enumerate(keys)}
    return {
        "packages": [package(crates[key], key == root, needs[key], place) for key in keys],
        "format": FORMAT,
    }


def package(crate, is_root, needs, place):
    """One crate; what the format allows to leave out is left out."""
    source = "crates.io" if crate.checksum else "local"
    made = {"name": crate.name, "version": crate.version, "source": source}
    if needs:
        made["dependencies"] = sorted(place[key] for key in needs)
    if is_root:
        made["root"] = True
    return made


def packed(document):
    """The bytes of the section."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9)


def sections(program):
    """The sections of a program, with their names; the table of names is one of them."""
    if program[: len(ELF)] != ELF:
        raise SystemExit("a program is no 64-bit ELF file, little-endian: make build")
    (table,) = TABLE.unpack_from(program, TABLE_AT)
    size, count, at = COUNTS.unpack_from(program, COUNTS_AT)
    found = [list(HEADER.unpack_from(program, table + size * one)) for one in range(count)]
    names = content(program, found[at])
    return [(names[one[0] : names.index(b"\0", one[0])].decode(), one) for one in found], at


def content(program, header):
    """The bytes of a section."""
    return program[header[OFFSET] : header[OFFSET] + header[SIZE]]


def with_list(program, data):
    """The program with the list as its last section, in the place of one that it has already."""
    found, at = sections(program)
    kept = [header for name, header in found if name != SECTION]
    if len(kept) < len(found) and found[-1][0] != SECTION:
        raise SystemExit(f"a program has a section {SECTION} that is not ours")
    names = content(program, kept[at]).removesuffix(f"{SECTION}\0".encode())
    loaded = [one for one in kept if one is not kept[at] and one[1] != KIND_NOBITS]
    made = program[: max(one[OFFSET] + one[SIZE] for one in loaded)]
    kept.append([len(names), KIND_PROGBITS, 0, 0, len(made), len(data), 0, 0, 1, 0])
    names += f"{SECTION}\0".encode()
    made += data
    kept[at][OFFSET], kept[at][SIZE] = len(made), len(names)
    made += names
    made += bytes(-len(made) % 8)
    table = len(made)
    made = bytearray(made + b"".join(HEADER.pack(*one) for one in kept))
    TABLE.pack_into(made, TABLE_AT, table)
    COUNTS.pack_into(made, COUNTS_AT, HEADER.size, len(kept), at)
    return bytes(made)


def write(path, data):
    """Adds the list to a program's file, which is there as a whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(with_list(path.read_bytes(), data))
    shutil.copymode(path, part)
    part.replace(path)


if __name__ == "__main__":
    everything = linked(sys.argv[1])
    for name in FUNCTIONS:
        write(binary(name), packed(crates_of(name, *everything)))

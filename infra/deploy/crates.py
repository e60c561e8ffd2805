"""The crates that the functions are linked of, as cargo says and as Cargo.lock pins them."""

import re
import subprocess
import tomllib
from dataclasses import dataclass

from common.places import ROOT
from common.programs import FUNCTIONS

LINE = re.compile(r"(?P<depth>\d+)(?P<name>\S+) v(?P<version>\S+)(?P<rest>.*)\|(?P<licence>.*)")


@dataclass(frozen=True)
class Crate:
    """Name, version and licence; a checksum only if it comes from the registry."""

    name: str
    version: str
    licence: str
    checksum: str | None

    @property
    def key(self):
        return self.name, self.version


def linked(architecture):
    """Every crate that the functions are linked of, by its key, and the keys of what each needs.

    What only runs in the compiler (build scripts, procedural macros) is not among them.
    """
    target = f"{architecture.replace('arm64', 'aarch64')}-unknown-linux-gnu"
    selected = [word for name in FUNCTIONS for word in ("-p", name)]
    # Not cargo metadata: it adds the features that the tests alone switch on.
    command = ["cargo", "tree", "--locked", "--target", target, *selected]
    command += ["-e", "normal,no-proc-macro", "--prefix", "depth", "-f", "{p}|{l}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cargo tree does not say what is linked: {done.stderr.strip()}")
    checksums, crates, needs, above = locked(), {}, {}, []
    for line in filter(None, done.stdout.splitlines()):
        found = LINE.fullmatch(line.removesuffix(" (*)"))
        key = (found["name"], found["version"])
        crates[key] = Crate(*key, found["licence"], checksums.get(key))
        needs.setdefault(key, set())
        del above[int(found["depth"]) :]
        if above:
            needs[above[-1]].add(key)
        above.append(key)
    return crates, needs


def reached(key, needs):
    """The keys of a crate and of all that it needs, and what they need, in order."""
    found, queue = set(), [key]
    while queue:
        one = queue.pop()
        if one not in found:
            found.add(one)
            queue += needs[one]
    return sorted(found)


def locked():
    """Name and version to checksum, from Cargo.lock."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(one["name"], one["version"]): one.get("checksum") for one in packages}

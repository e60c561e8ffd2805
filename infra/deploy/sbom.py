"""make sbom: what is linked into the four functions, as a CycloneDX document."""

import os
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import UTC, datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from common.places import ROOT
from common.programs import FUNCTIONS
from common.version import this_version

LINE = re.compile(r"(?P<depth>\d+)(?P<name>\S+) v(?P<version>\S+)(?P<rest>.*)\|(?P<licence>.*)")


def document(architecture):
    """The text of the document: the same for the same commit, without a random number or the time
    of day. What only runs in the compiler (build scripts, procedural macros) is not in it."""
    bom = Bom(serial_number=uuid.UUID(int=0))
    bom.metadata.timestamp = moment()
    product = Component(
        name="partner-sync",
        version=this_version(),
        type=ComponentType.APPLICATION,
        bom_ref="partner-sync",
    )
    bom.metadata.component = product
    components, needs = linked(architecture)
    standard = standard_library()
    for component in [*components.values(), standard]:
        bom.components.add(component)
    for key, component in components.items():
        bom.register_dependency(component, [components[need] for need in needs[key]])
    functions = [one for one in components.values() if one.name in FUNCTIONS]
    bom.register_dependency(product, functions)
    for function in functions:
        bom.register_dependency(function, [standard])
    # The number identifies a document: it follows from what is in it.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, JsonV1Dot6(bom).output_as_string())
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def linked(architecture):
    """Every crate that the functions are linked of, and the keys of what each needs."""
    target = f"{architecture.replace('arm64', 'aarch64')}-unknown-linux-gnu"
    selected = [word for name in FUNCTIONS for word in ("-p", name)]
    # Not cargo metadata: it adds the features that the tests alone switch on.
    command = ["cargo", "tree", "--locked", "--target", target, *selected]
    command += ["-e", "normal,no-proc-macro", "--prefix", "depth", "-f", "{p}|{l}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cargo tree does not say what is linked: {done.stderr.strip()}")
    checksums, components, needs, above = locked(), {}, {}, []
    for line in filter(None, done.stdout.splitlines()):
        found = LINE.fullmatch(line.removesuffix(" (*)"))
        key = (found["name"], found["version"])
        if key not in components:
            components[key] = component(*key, found["licence"], checksums.get(key))
        needs.setdefault(key, set())
        del above[int(found["depth"]) :]
        if above:
            needs[above[-1]].add(key)
        above.append(key)
    return components, needs


def component(name, version, licence, checksum):
    """A crate. Only what comes from the registry, with a checksum, has a public address."""
    licence = re.sub(r"\s*/\s*", " OR ", licence)  # the way it was written before SPDX
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY if name not in FUNCTIONS else ComponentType.APPLICATION,
        bom_ref=f"{name}@{version}",
        licenses=[LicenseFactory().make_from_string(licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        purl=PackageURL("cargo", None, name, version) if checksum else None,
    )


def standard_library():
    """Rust's own library, which every binary holds and no lock file names."""
    toolchain = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]
    return component("std", toolchain["channel"], "MIT OR Apache-2.0", None)


def locked():
    """Name and version to checksum, from Cargo.lock."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(one["name"], one["version"]): one.get("checksum") for one in packages}


def moment():
    """When the sources were committed, or what SOURCE_DATE_EPOCH says."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if not seconds:
        command = ["git", "log", "-1", "--format=%ct"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        seconds = done.stdout.strip()
        if done.returncode or not seconds:
            raise SystemExit("no git history to take the time from: set SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(seconds), UTC)


def write(path, architecture):
    """The document as a file, which is there as a whole or not at all."""
    text = document(architecture)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


if __name__ == "__main__":
    write(ROOT / "target" / "package" / "sbom.cdx.json", sys.argv[1])

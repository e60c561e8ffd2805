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
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from common.places import ROOT
from common.programs import FUNCTIONS
from common.version import this_version

from .crates import Crate, linked


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
    crates, needs = linked(architecture)
    components = {key: component(crate) for key, crate in crates.items()}
    standard = component(standard_library())
    for key, crate in components.items():
        bom.components.add(crate)
        bom.register_dependency(crate, [components[need] for need in needs[key]])
    bom.components.add(standard)
    functions = [one for one in components.values() if one.name in FUNCTIONS]
    bom.register_dependency(product, functions)
    for function in functions:
        bom.register_dependency(function, [standard])
    # The number identifies a document: it follows from what is in it.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, JsonV1Dot6(bom).output_as_string())
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def component(crate):
    """A crate. Only what comes from the registry, with a checksum, has a public address."""
    licence = re.sub(r"\s*/\s*", " OR ", crate.licence)  # the way it was written before SPDX
    is_function = crate.name in FUNCTIONS
    checksum = HashType(alg=HashAlgorithm.SHA_256, content=crate.checksum or "")
    return Component(
        name=crate.name,
        version=crate.version,
        type=ComponentType.APPLICATION if is_function else ComponentType.LIBRARY,
        bom_ref=f"{crate.name}@{crate.version}",
        licenses=[LicenseFactory().make_from_string(licence)],
        hashes=[checksum] if crate.checksum else [],
        purl=public(crate) if crate.checksum else None,
        pedigree=None if crate.checksum else modified().get(crate.name),
    )


def public(crate):
    """The address of a crate in the registry."""
    return PackageURL("cargo", None, crate.name, crate.version)


def modified():
    """Crates of ours that stand in for one of the registry, and what they come from.

    A scanner then asks for the advisories of the original as well.
    """
    patches = tomllib.loads((ROOT / "Cargo.toml").read_text())["patch"]["crates-io"]
    return {name: pedigree(ROOT / patch["path"]) for name, patch in patches.items()}


def pedigree(folder):
    """What a crate of ours stands in for: the original of the same name and version."""
    package = tomllib.loads((folder / "Cargo.toml").read_text())["package"]
    original = Crate(package["name"], package["version"], "", None)
    ancestor = Component(
        name=original.name,
        version=original.version,
        type=ComponentType.LIBRARY,
        purl=public(original),
    )
    path = folder.relative_to(ROOT).as_posix()
    notes = f"Not the original: {path} stands in for it. {package['description']}."
    return Pedigree(ancestors=[ancestor], notes=notes)


def standard_library():
    """Rust's own library, which every binary holds and no lock file names."""
    toolchain = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]
    return Crate("std", toolchain["channel"], "MIT OR Apache-2.0", None)


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

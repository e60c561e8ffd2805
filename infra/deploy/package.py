"""make package: one archive that deploys without a build, and what shows where it comes from.

It is laid out as the repository is, so that samconfig.toml, the environments and the documents
hold in it as they are. The same inputs give the same bytes.
"""

import argparse
import hashlib
import io
import re
import zipfile
from pathlib import Path

from checks.validate import version_problems
from common.places import ROOT
from common.programs import FUNCTIONS, binary, mapping
from common.template import template
from common.version import this_version
from common.zips import entry, function_zip

from . import provenance, sbom
from .signing import beside, signed

FILES = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "docs/*.md",
    "docs/*.png",
    "docs/examples/*.toml",
    "docs/pipelines/*",
    "docs/sync.schema.json",
    "docs/policies/*",
    "infra/*.asl.json",
    "infra/RUNBOOK.md",
    "infra/environments/*.yaml",
    "infra/pipeline-roles.yaml",
    "infra/sync.toml",
    "samconfig.toml",
    "tests/README.md",
]
# Of an ELF file: where it says its processor, and what it says.
MACHINE = slice(18, 20)
PROCESSORS = {b"\x3e\x00": "x86_64", b"\xb7\x00": "arm64"}


def version():
    """The release: the version in Cargo.toml, which the stack and the change log name too."""
    if found := list(version_problems(template())):
        raise SystemExit("\n".join(found))
    return this_version()


def contents():
    """Path in the archive to bytes."""
    processor = architecture()
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for pattern in FILES
        for path in found(pattern)
    }
    for name in FUNCTIONS:
        files[f"target/lambda/{name}.zip"] = function_zip(
            binary(name).read_bytes(), mapping(name).read_bytes()
        )
    text = (ROOT / "infra" / "template.yaml").read_text()
    files["infra/template.yaml"] = without_build(text, processor).encode()
    files["sbom.cdx.json"] = sbom.document(processor).encode()
    sums = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items())]
    files["SHA256SUMS"] = "".join(sums).encode()
    return files


def found(pattern):
    """The files of a pattern; a release without one of them is none."""
    paths = sorted(ROOT.glob(pattern))
    if not paths:
        raise SystemExit(f"{pattern} belongs into the archive and is not there")
    return paths


def architecture():
    """What the four binaries are built for, in the words of the parameter Architecture."""
    built = set()
    for name in FUNCTIONS:
        if not binary(name).exists():
            raise SystemExit(f"{binary(name)} is not there: make build")
        with binary(name).open("rb") as file:
            built.add(PROCESSORS.get(file.read(MACHINE.stop)[MACHINE]))
    if len(built) != 1 or None in built:
        raise SystemExit("the functions are built for different processors: make build")
    return built.pop()


def without_build(text, processor):
    """The template with its functions' code as zips, for the processor they are built for."""
    for name in FUNCTIONS:
        text = text.replace(f"/target/lambda/{name}/\n", f"/target/lambda/{name}.zip\n")
    # How `sam build` is to build them: here it has nothing to build.
    text = re.sub(r"^    (#.*sam build.*|Metadata: \{BuildMethod.*)\n", "", text, flags=re.M)
    text, changed = re.subn(
        r"(\n  Architecture:\n(?:    .*\n)*?    Default: )\w+", rf"\g<1>{processor}", text
    )
    if changed != 1 or text.count(".zip\n") != len(FUNCTIONS) or "BuildMethod" in text:
        raise SystemExit("infra/template.yaml is not written as infra/deploy/package.py reads it")
    return text


def archive(name, files):
    """A zip with everything in one folder. Dates are fixed and the order is the alphabet's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for path, data in sorted(files.items()):
            is_packed = path.endswith(".zip")
            how = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            made.writestr(entry(f"{name}/{path}", 0o644, how), data, compresslevel=9)
    return buffer.getvalue()


def make(folder):
    """Writes the archive and its checksum into a folder and returns the archive's path."""
    name = f"partner-sync-{version()}" + ("-arm64" if architecture() == "arm64" else "")
    data = archive(name, contents())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.zip"
    path.write_bytes(data)
    path.with_suffix(".zip.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {path.name}\n")
    return path


def release(folder, key=None, **origin):
    """The archive, the statement of its origin beside it, and with a key the signatures of both."""
    if key and (more := provenance.changed()):
        raise SystemExit(f"a signed release is of a commit, and this is not committed:\n{more}")
    archive = make(folder)
    statement = archive.with_name(f"{archive.name}.provenance.json")
    statement.write_text(provenance.document(archive, architecture(), **origin))
    for path in (archive, statement):
        # One of an earlier archive of this name would be worse than none.
        beside(path).unlink(missing_ok=True)
        if key:
            beside(path).write_bytes(signed(path.read_bytes(), key))
    return archive


def main():
    parser = argparse.ArgumentParser(prog="make package")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--builder", default=provenance.LOCAL)
    parser.add_argument("--source")
    parser.add_argument("--build")
    said = vars(parser.parse_args())
    path = release(ROOT / "target" / "package", **said)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    print("Signed." if said["key"] else "Not signed: KEY=<an SSH key> signs it.")


if __name__ == "__main__":
    main()

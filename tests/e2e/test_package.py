"""A release: one archive that holds everything, deploys without a build, and can be made again."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import tomllib
import zipfile

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from checks import validate
from common.places import ROOT
from common.processes import signed_in
from common.programs import FUNCTIONS
from common.template import Loader
from common.version import this_version
from deploy import package, sbom
from local.ministack import local_aws
from local.stack import Stack
from local.standins import standins

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The archive of this very tree."""
    return package.make(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def unpacked(made):
    """The archive's only folder, as a deployer has it."""
    with zipfile.ZipFile(made) as archive:
        archive.extractall(made.parent)
    return made.with_suffix("")


@pytest.fixture(scope="module")
def bill(unpacked):
    """The bill of materials."""
    return json.loads((unpacked / "sbom.cdx.json").read_text())


def test_the_archive_holds_what_a_deployer_needs(unpacked):
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert held >= {
        *(f"target/lambda/{name}.zip" for name in FUNCTIONS),
        "infra/template.yaml",
        "infra/statemachine.asl.json",
        "infra/starter.asl.json",
        "infra/environments/production.yaml",
        "infra/environments/sandbox.yaml",
        "infra/RUNBOOK.md",
        "infra/sync.toml",
        "docs/sync.schema.json",
        "samconfig.toml",
        "docs/SETUP.md",
        "docs/REFERENCE.md",
        "docs/CONTRACT.md",
        "CHANGELOG.md",
        "LICENSE",
        "sbom.cdx.json",
        "SHA256SUMS",
    }


def test_it_is_named_after_the_version_that_the_stack_shows(made, unpacked):
    outputs = yaml.load((unpacked / "infra" / "template.yaml").read_text(), Loader)["Outputs"]
    assert made.stem.removesuffix("-arm64") == f"partner-sync-{outputs['Version']['Value']}"


def test_a_template_of_another_version_is_not_packed(monkeypatch):
    other = {"Outputs": {"Version": {"Value": "0.0.0"}}}
    monkeypatch.setattr(package, "template", lambda: other)
    with pytest.raises(SystemExit, match="Version is 0.0.0"):
        package.version()


@pytest.mark.parametrize(("newest", "problems"), [(this_version(), 0), ("0.0.0", 1)])
def test_the_newest_part_of_the_change_log_is_of_this_version(
    tmp_path, monkeypatch, newest, problems
):
    text = f"# Changelog\n\n## {newest}\n\n### New\n\n## {this_version()}\n"
    (tmp_path / "CHANGELOG.md").write_text(text)
    monkeypatch.setattr(validate, "ROOT", tmp_path)
    here = {"Outputs": {"Version": {"Value": this_version()}}}
    assert len(list(validate.version_problems(here))) == problems


def test_the_checksums_hold_and_cover_every_file(made, unpacked):
    said = made.with_suffix(".zip.sha256").read_text().split()
    assert said == [hashlib.sha256(made.read_bytes()).hexdigest(), made.name]
    lines = (unpacked / "SHA256SUMS").read_text().splitlines()
    sums = {path: digest for digest, path in (line.split("  ") for line in lines)}
    for path in unpacked.rglob("*"):
        name = path.relative_to(unpacked).as_posix()
        if path.is_file() and name != "SHA256SUMS":
            assert sums.pop(name) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not sums


@pytest.fixture
def elsewhere():
    """Another time zone, so far away that it has another date for half of each day."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "NZST-12")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_the_same_inputs_give_the_same_bytes(made, tmp_path):
    assert time.localtime(0).tm_hour == 12, "the time zone holds"
    assert package.make(tmp_path).read_bytes() == made.read_bytes()


def test_no_link_of_its_documents_leads_nowhere(unpacked):
    dead = [
        (document.name, link)
        for document in unpacked.rglob("*.md")
        for link in LINK.findall(document.read_text())
        if not (document.parent / link).exists()
    ]
    assert not dead


def test_a_function_is_the_binary_that_was_built(unpacked):
    for name in FUNCTIONS:
        with zipfile.ZipFile(unpacked / "target" / "lambda" / f"{name}.zip") as function:
            modes = {one.filename: one.external_attr >> 16 for one in function.infolist()}
            assert modes == {"bootstrap": 0o755, "sync.toml": 0o644}
            for file in modes:
                built = ROOT / "target" / "lambda" / name / file
                assert function.read(file) == built.read_bytes()


def test_one_command_of_setup_puts_another_sync_toml_into_every_function(unpacked, tmp_path):
    text = (unpacked / "docs" / "SETUP.md").read_text()
    [command] = [line for line in text.splitlines() if line.startswith("for ZIP in")]
    shutil.copytree(unpacked, tmp_path / "archive")
    own = tmp_path / "archive" / "infra" / "sync.toml"
    own.write_text(f"{own.read_text()}# Another one.\n")
    subprocess.run(["sh", "-ec", command], cwd=tmp_path / "archive", check=True)
    for name in FUNCTIONS:
        file = tmp_path / "archive" / "target" / "lambda" / f"{name}.zip"
        with zipfile.ZipFile(file) as function:
            assert function.read("sync.toml") == own.read_bytes()
            built = ROOT / "target" / "lambda" / name / "bootstrap"
            assert function.read("bootstrap") == built.read_bytes()
            assert function.getinfo("bootstrap").external_attr >> 16 == 0o755


def test_a_function_takes_three_megabytes_at_most(unpacked):
    for name in FUNCTIONS:
        size = (unpacked / "target" / "lambda" / f"{name}.zip").stat().st_size
        assert size <= 3_000_000, f"{name}: {size} bytes; make bench ONLY=size"


def test_the_template_is_for_the_processor_that_was_built_for(unpacked):
    text = (ROOT / "infra" / "template.yaml").read_text()
    for processor in ("x86_64", "arm64"):
        packed = yaml.load(package.without_build(text, processor), Loader)
        assert packed["Parameters"]["Architecture"]["Default"] == processor


def test_binaries_of_two_processors_are_not_packed(tmp_path, monkeypatch):
    for name in FUNCTIONS:
        processor = b"\xb7\x00" if name == "sync" else b"\x3e\x00"
        (tmp_path / name).write_bytes(b"\x7fELF" + bytes(14) + processor)
    monkeypatch.setattr(package, "binary", lambda name: tmp_path / name)
    with pytest.raises(SystemExit, match="different processors"):
        package.architecture()


def test_the_bill_of_materials_fits_its_schema(unpacked):
    text = (unpacked / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_bill_that_cannot_be_made_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "package" / "sbom.cdx.json"
    monkeypatch.setattr(sbom, "document", lambda _: "whole")
    sbom.write(path, "x86_64")
    monkeypatch.setattr(sbom, "document", refuse)
    with pytest.raises(SystemExit):
        sbom.write(path, "x86_64")
    assert [(one, one.read_text()) for one in path.parent.iterdir()] == [(path, "whole")]


def refuse(*_):
    raise SystemExit("cargo tree does not say what is linked")


def test_the_bill_names_what_is_linked_with_version_checksum_and_licence(bill):
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    reqwest = next(one for one in locked if one["name"] == "reqwest")
    found = next(one for one in bill["components"] if one["name"] == "reqwest")
    assert found["version"] == reqwest["version"]
    assert found["hashes"] == [{"alg": "SHA-256", "content": reqwest["checksum"]}]
    assert found["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["purl"] == f"pkg:cargo/reqwest@{reqwest['version']}"


def test_the_bill_names_nothing_that_only_tests_or_the_compiler_need(bill):
    names = {one["name"] for one in bill["components"]}
    assert {"ring", "rustls", "tokio", "domain", "std"} <= names
    # Tests, procedural macros, build scripts' tools, and another platform's.
    assert not names & {"proptest", "insta", "partner-sync-tests", "replay"}
    assert not names & {"serde_derive", "syn", "cc", "windows-sys"}


def test_our_own_crates_are_not_taken_for_strangers_of_the_same_name(bill):
    for one in bill["components"]:
        assert ("purl" in one) == ("hashes" in one)
        if one["name"] in (*FUNCTIONS, "domain"):
            assert "purl" not in one


def test_a_crate_of_ours_in_the_place_of_another_names_the_original(bill):
    patched = tomllib.loads((ROOT / "Cargo.toml").read_text())["patch"]["crates-io"]
    modified = {one["name"]: one for one in bill["components"] if "pedigree" in one}
    assert set(modified) == set(patched) == {"crc-fast"}
    found = modified["crc-fast"]
    (original,) = found["pedigree"]["ancestors"]
    assert original["purl"] == f"pkg:cargo/crc-fast@{found['version']}"
    assert "infra/crc-fast" in found["pedigree"]["notes"]
    # Ours is not the original, and has not its address.
    assert "purl" not in found and "hashes" not in found


def test_everything_in_the_bill_is_reached_from_the_product(bill):
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    reached, queue = set(), ["partner-sync"]
    while queue:
        ref = queue.pop()
        if ref not in reached:
            reached.add(ref)
            queue += needs[ref]
    assert reached == {"partner-sync", *(one["bom-ref"] for one in bill["components"])}


def test_the_bill_of_another_moment_differs_in_time_and_number_alone(bill, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    other = json.loads(sbom.document(package.architecture()))
    assert other["metadata"]["timestamp"] == "1970-01-02T00:00:00+00:00"
    assert other["serialNumber"] != bill["serialNumber"]
    for document in (other, bill):
        del document["metadata"]["timestamp"], document["serialNumber"]
    assert other == bill


def test_sam_deploys_the_unpacked_archive_without_a_build_and_it_runs(unpacked, tmp_path):
    folder = tmp_path / "release"
    shutil.copytree(unpacked, folder)
    with local_aws(tmp_path, 0.02) as endpoint, standins(tmp_path) as remote:
        stack = Stack(endpoint, "partner-sync-sandbox")
        stack.put_secrets(remote.secrets(stack.name))
        sam(folder, endpoint, "build", "--config-env", "sandbox")
        sam(folder, endpoint, "deploy", "--config-env", "sandbox", "--no-confirm-changeset")
        (found,) = stack.cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        stack.state_machine = outputs["StateMachineArn"]
        ended = stack.run("release")
        assert ended["status"] == "SUCCEEDED" and ended["output"]["verdict"] == "OK"


def sam(folder, endpoint, *arguments):
    """One command of the SAM CLI in the archive's folder, where nothing else is on the path:
    neither make nor cargo."""
    tools = ROOT / ".venv-aws" / "bin"
    env = {
        "PATH": os.fspath(tools),
        "HOME": os.fspath(folder.parent),
        "NO_PROXY": "127.0.0.1",
        "SAM_CLI_TELEMETRY": "0",
        **signed_in(endpoint),
    }
    command = [tools / "sam", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

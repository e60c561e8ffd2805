"""A release that can be trusted: who made it, from which commit, of what; and the way back."""

import hashlib
import json
import re
import shutil
import subprocess

import jsonschema
import pytest

from checks.docs import documents
from checks.setup_steps import blocks
from common.places import ROOT
from common.programs import FUNCTIONS, binary
from common.version import this_version
from deploy import package, provenance, signing

DESCRIPTOR = {
    "type": "object",
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
        "digest": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "gitCommit": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            },
        },
        "content": {"type": "string"},
        "downloadLocation": {"type": "string"},
        "mediaType": {"type": "string"},
        "annotations": {"type": "object"},
    },
}
ADDRESS = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"}
# in-toto's statement (v1) with SLSA's provenance (v1), as published, in our words. Strict: what is
# not published is refused, where a reader would pass over it.
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {**DESCRIPTOR, "required": ["digest"]},
        },
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "additionalProperties": False,
            "properties": {
                "buildDefinition": {
                    "type": "object",
                    "required": ["buildType", "externalParameters"],
                    "additionalProperties": False,
                    "properties": {
                        "buildType": ADDRESS,
                        "externalParameters": {"type": "object"},
                        "internalParameters": {"type": "object"},
                        "resolvedDependencies": {"type": "array", "items": DESCRIPTOR},
                    },
                },
                "runDetails": {
                    "type": "object",
                    "required": ["builder"],
                    "additionalProperties": False,
                    "properties": {
                        "builder": {
                            "type": "object",
                            "required": ["id"],
                            "additionalProperties": False,
                            "properties": {
                                "id": ADDRESS,
                                "version": {"type": "object"},
                                "builderDependencies": {"type": "array", "items": DESCRIPTOR},
                            },
                        },
                        "metadata": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "invocationId": {"type": "string"},
                                "startedOn": {"type": "string", "format": "date-time"},
                                "finishedOn": {"type": "string", "format": "date-time"},
                            },
                        },
                        "byproducts": {"type": "array", "items": DESCRIPTOR},
                    },
                },
            },
        },
    },
}
JOB = {
    "builder": "https://git.example.com/-/runners/1",
    "source": "https://git.example.com/partner-sync",
    "build": "https://git.example.com/partner-sync/-/jobs/2",
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two keys, and the file of the signers whose signature counts, which has the first."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "strange"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True)
    public = (folder / "ours.pub").read_text()
    line = f'partner-sync namespaces="partner-sync-release" {public}'
    (folder / "allowed_signers").write_text((ROOT / "docs" / "allowed_signers").read_text() + line)
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory, keys):
    """A signed release, as a pipeline's job makes it of what is committed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(provenance, "changed", str)
        archive = package.release(tmp_path_factory.mktemp("release"), keys / "ours", **JOB)
    shutil.copy(keys / "allowed_signers", archive.parent)
    return archive


@pytest.fixture
def downloaded(released, tmp_path):
    """What a user has: all that was published, to do with as the test likes."""
    shutil.copytree(released.parent, tmp_path / "downloads")
    return tmp_path / "downloads" / released.name


def statement(archive):
    return json.loads(archive.with_name(f"{archive.name}.provenance.json").read_text())


def verified(archive, text):
    """The exit code and the words of the command of a document that verifies a signature."""
    (command,) = re.findall(r"^ssh-keygen -Y verify .*\\\n.*$", text, re.M)
    done = subprocess.run(
        ["bash", "-c", command], cwd=archive.parent, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def setup_commands():
    (block,) = [one.text for one in blocks() if "sam build" in one.text and "unzip" in one.text]
    return block


def test_the_command_of_setup_verifies_the_archive(downloaded):
    code, said = verified(downloaded, setup_commands())
    assert code == 0 and said.startswith('Good "partner-sync-release" signature for partner-sync')
    # Before anything of it is unpacked or run.
    assert setup_commands().startswith("ssh-keygen -Y verify")


def test_the_command_of_security_verifies_the_statement_of_origin(downloaded):
    text = (ROOT / "SECURITY.md").read_text()
    assert verified(downloaded, text)[0] == 0
    path = downloaded.with_name(f"{downloaded.name}.provenance.json")
    path.write_text(path.read_text().replace("runners/1", "runners/7"))
    assert verified(downloaded, text)[0] != 0


def test_a_changed_archive_is_refused(downloaded):
    downloaded.write_bytes(downloaded.read_bytes() + b"\0")
    assert verified(downloaded, setup_commands())[0] != 0


def test_another_key_is_refused(downloaded, keys):
    signature = signing.signed(downloaded.read_bytes(), keys / "strange")
    signing.beside(downloaded).write_bytes(signature)
    assert verified(downloaded, setup_commands())[0] != 0


def test_a_signature_for_something_else_is_refused(downloaded, keys, monkeypatch):
    monkeypatch.setattr(signing, "NAMESPACE", "git")
    signature = signing.signed(downloaded.read_bytes(), keys / "ours")
    signing.beside(downloaded).write_bytes(signature)
    assert verified(downloaded, setup_commands())[0] != 0


def test_nobody_is_trusted_before_the_team_says_whom():
    lines = (ROOT / "docs" / "allowed_signers").read_text().splitlines()
    assert lines and all(line.startswith("#") for line in lines)


def test_the_line_that_contributing_has_one_write_is_one_that_ssh_keygen_reads(tmp_path, keys):
    (line,) = re.findall(r"^    echo (.+) >> docs/allowed_signers$", contributing(), re.M)
    shutil.copy(keys / "ours.pub", tmp_path / "release-key.pub")
    made = subprocess.run(
        ["bash", "-c", f"echo {line}"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (keys / "allowed_signers").read_text().endswith(made.stdout)


def test_the_archive_does_not_bring_the_signers_that_vouch_for_it(released):
    assert "docs/allowed_signers" not in package.contents()


def test_without_a_key_nothing_is_signed_and_an_old_signature_is_gone(tmp_path, monkeypatch, keys):
    monkeypatch.setattr(package, "contents", lambda: {"file": b"text"})
    monkeypatch.setattr(provenance, "changed", str)
    package.release(tmp_path, keys / "ours")
    assert len(list(tmp_path.glob("*.sig"))) == 2
    package.release(tmp_path)
    assert not list(tmp_path.glob("*.sig"))


def test_make_package_says_whether_it_signed(tmp_path, monkeypatch, capsys, keys):
    monkeypatch.setattr(package, "contents", lambda: {"file": b"text"})
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "changed", str)
    for arguments, said in (([], "Not signed"), (["--key", str(keys / "ours")], "Signed.")):
        monkeypatch.setattr("sys.argv", ["package", *arguments])
        package.main()
        assert said in capsys.readouterr().out


def test_what_is_not_committed_is_not_signed(tmp_path, monkeypatch, keys):
    monkeypatch.setattr(provenance, "changed", lambda: " M Cargo.toml")
    with pytest.raises(SystemExit, match=r"not committed:\n M Cargo.toml"):
        package.release(tmp_path, keys / "ours")
    assert not list(tmp_path.iterdir())
    assert provenance.sources()["annotations"] == {"uncommitted": True}


def test_a_key_that_does_not_sign_ends_it_with_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match="not signed: "):
        signing.signed(b"text", tmp_path / "none")


def test_the_statement_of_origin_has_the_published_shape(released):
    jsonschema.validate(statement(released), STATEMENT)


def test_it_is_about_this_archive_and_these_programs(released):
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement(released)["subject"]}
    files = {f"target/lambda/{name}/bootstrap": binary(name) for name in FUNCTIONS}
    files[released.name] = released
    expected = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert subjects == expected


def test_it_says_of_what_by_whom_and_from_which_commit(released):
    said = statement(released)["predicate"]
    build, run = said["buildDefinition"], said["runDetails"]
    sources, *inputs = build["resolvedDependencies"]
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    assert sources["digest"] == {"gitCommit": commit}
    assert sources["uri"] == f"git+{JOB['source']}@{commit}"
    assert "annotations" not in sources
    assert {one["name"] for one in inputs} == {
        "Cargo.lock",
        "requirements.txt",
        "rust-toolchain.toml",
    }
    for one in inputs:
        data = (ROOT / one["name"]).read_bytes()
        assert one["digest"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert build["externalParameters"]["version"] == this_version()
    assert run == {"builder": {"id": JOB["builder"]}, "metadata": {"invocationId": JOB["build"]}}


def test_a_person_s_machine_is_called_local(released):
    said = json.loads(provenance.document(released, "x86_64"))
    assert said["predicate"]["runDetails"] == {"builder": {"id": "urn:partner-sync:local"}}
    jsonschema.validate(said, STATEMENT)


def test_the_same_commit_and_builder_give_the_same_statement(released):
    again = provenance.document(released, package.architecture(), **JOB)
    was = json.loads(again)
    was["predicate"]["buildDefinition"]["resolvedDependencies"][0].pop("annotations", None)
    assert was == statement(released)


def contributing():
    return (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture
def versions(tmp_path):
    """A repository with three versions, and commits between them; the subject of each."""
    folder = tmp_path / "versions"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for version, subject in [
        ("0.1.0", "first"),
        ("0.2.0", "second"),
        ("0.2.0", "second, corrected"),
        ("0.3.0", "third"),
        ("0.3.0", "third, corrected"),
    ]:
        (folder / "Cargo.toml").write_text(f'[workspace.package]\nversion = "{version}"\n')
        (folder / "code").write_text(subject)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", subject)
    return folder


def git(folder, *words):
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("version", "subject"),
    [("0.1.0", "first"), ("0.2.0", "second, corrected"), ("0.3.0", "third, corrected")],
)
def test_the_way_back_of_setup_finds_the_last_commit_of_a_version(versions, version, subject):
    done = rolled_back(versions, version)
    assert done.returncode == 0 and subject in done.stdout
    assert (versions / "code").read_text() == subject


def test_the_way_back_of_setup_moves_nothing_for_a_version_that_never_was(versions):
    assert rolled_back(versions, "9.9.9").returncode != 0
    assert (versions / "code").read_text() == "third, corrected"


def rolled_back(folder, version):
    (block,) = [one.text for one in blocks() if "git checkout" in one.text]
    command = re.sub(r"^VERSION=.*$", f"VERSION={version}", block, flags=re.M)
    assert command != block or version in block
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)


def test_no_document_names_a_tag_but_the_release_that_makes_it():
    tag = re.compile(r"\bv\d+\.\d+\.\d+\b|\bgit (?:checkout|switch|show|tag) \S*v\S+")
    named = {
        (document, found)
        for document in documents()
        for found in tag.findall((ROOT / document).read_text())
    }
    assert named == {("CONTRIBUTING.md", "git tag v<version>`,")}
    assert "`git tag v<version>`, and push the tag" in contributing()

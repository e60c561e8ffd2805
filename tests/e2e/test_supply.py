"""What comes from outside is pinned, hashed, licensed and from one place."""

import re
import subprocess

import pytest

from common.places import BIN, ROOT

CRATE = '[package]\nname = "{}"\nversion = "1.0.0"\nedition = "2024"\nlicense = "{}"\n'


@pytest.mark.parametrize(
    "name",
    ["requirements", "requirements-aws", "requirements-bench", "requirements-security"],
)
def test_every_python_package_is_pinned_with_hashes(name):
    lines = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ").splitlines()
    for line in lines:
        if not line.startswith("#"):
            assert re.fullmatch(r"\S+==\S+( ; .+?)?( +--hash=sha256:[0-9a-f]{64})+", line)
    made = {pin for line in lines if (pin := pinned(line))}
    wanted = {
        pin for line in (ROOT / f"{name}.in").read_text().splitlines() if (pin := pinned(line))
    }
    assert wanted and wanted <= made


def pinned(line):
    """Name and version of a line, the name as the registry compares it."""
    found = re.match(r"([A-Za-z0-9._-]+)==(\S+)", line)
    return found and (re.sub(r"[-_.]+", "-", found[1]).lower(), found[2])


def test_a_crate_of_an_allowed_licence_passes(tmp_path):
    crate(tmp_path / "dependency", "harmless", "MIT OR AGPL-3.0-only")
    crate(tmp_path / "ours", "ours", "MIT", 'harmless = { path = "../dependency" }')
    assert checked(tmp_path / "ours") == ""


@pytest.mark.parametrize(
    ("name", "licence", "complaint"),
    [
        ("aws-lc-sys", "MIT", "one TLS provider: ring"),
        ("harmless", "AGPL-3.0-only", "AGPL-3.0-only"),
    ],
)
def test_a_banned_crate_and_a_strange_licence_are_named(tmp_path, name, licence, complaint):
    crate(tmp_path / "dependency", name, licence)
    crate(tmp_path / "ours", "ours", "MIT", f'{name} = {{ path = "../dependency" }}')
    assert complaint in checked(tmp_path / "ours")


def test_a_crate_from_git_is_refused(tmp_path):
    crate(tmp_path / "dependency", "harmless", "MIT")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path / "dependency", check=True)
    address = f"file://{tmp_path}/dependency"
    crate(tmp_path / "ours", "ours", "MIT", f'harmless = {{ git = "{address}" }}')
    said = checked(tmp_path / "ours")
    assert "source-not-allowed" in said and address in said


def crate(folder, name, licence, dependency=""):
    """Writes the smallest crate there is."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "lib.rs").write_text("")
    text = CRATE.format(name, licence) + f"publish = false\n[dependencies]\n{dependency}\n"
    (folder / "Cargo.toml").write_text(text)


def checked(folder):
    """What cargo-deny has against a crate by our deny.toml; nothing if all is well."""
    # Licences that our tree needs and this crate does not are no fault here.
    what = ["bans", "licenses", "sources", "--allow", "license-not-encountered"]
    command = [BIN / "cargo-deny", "--config", ROOT / "deny.toml", "check", *what]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stderr if done.returncode else ""

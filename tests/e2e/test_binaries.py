"""What is deployed runs on Amazon Linux 2023, and says of which crates it is made."""

import json
import re
import struct
import subprocess
import zlib
from pathlib import Path

import jsonschema
import pytest

from common.places import BIN, ROOT, TARGET
from common.programs import FUNCTIONS
from deploy import auditable, crates, package

# What an advisory is for cargo audit; a folder of them is its list.
ADVISORY = """```toml
[advisory]
id = "{0}"
package = "{1}"
date = "2026-01-01"
[versions]
patched = [">= 999.0.0"]
```
# Invented for this test
It says that each version of `{1}` is unsafe.
"""
# The shape that cargo auditable publishes, in our words.
LIST = {
    "type": "object",
    "required": ["packages"],
    "additionalProperties": False,
    "properties": {
        "format": {"type": "integer", "minimum": 0},
        "packages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "version", "source"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                    "source": {"enum": ["crates.io", "git", "local", "registry"]},
                    "kind": {"enum": ["build", "runtime"]},
                    "dependencies": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "root": {"type": "boolean"},
                },
            },
        },
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_needs_no_newer_glibc_than_al2023_has(function):
    binary = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()
    wanted = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary)]
    assert wanted and max(wanted) <= 34


@pytest.mark.parametrize("function", FUNCTIONS)
def test_names_no_folder_of_the_machine_it_was_built_on(function):
    binary = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()
    folders = [Path.home(), ROOT, TARGET]
    assert not [folder for folder in folders if f"{folder}/".encode() in binary]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_compare_alone_has_no_client_of_the_vendors_and_of_their_secrets(function):
    binary = (ROOT / "target" / "lambda" / function / "bootstrap").read_bytes()
    for part in (b"reqwest", b"GetSecretValue"):
        assert (part in binary) == (function != "compare"), part


@pytest.fixture(scope="module")
def linked():
    """What cargo says is linked into the functions."""
    return crates.linked(package.architecture())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_cargo_audit_reads_in_the_program_itself_that_it_has_an_unsafe_crate(
    function, linked, tmp_path
):
    for number, name in enumerate(["tokio", "proptest", "crc-fast"], 1):
        id = f"RUSTSEC-2026-{number:04}"
        folder = tmp_path / "crates" / name
        folder.mkdir(parents=True)
        (folder / f"{id}.md").write_text(ADVISORY.format(id, name))
    asked = ["--no-fetch", "--stale", "--db", tmp_path, "--json", "bin"]
    command = [BIN / "cargo-audit", "audit", *asked, auditable.binary(function)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    (root,) = (key for key in linked[0] if key[0] == function)
    assert said["lockfile"]["dependency-count"] == len(crates.reached(root, linked[1]))
    # Neither what only the tests have, nor what is ours and has a stranger's name.
    unsafe = [one["package"]["name"] for one in said["vulnerabilities"]["list"]]
    assert unsafe == ["tokio"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_list_in_a_program_names_what_is_linked_and_has_the_published_shape(function, linked):
    found, _ = auditable.sections(auditable.binary(function).read_bytes())
    (header,) = (header for name, header in found if name == ".dep-v0")
    data = auditable.content(auditable.binary(function).read_bytes(), header)
    listed = json.loads(zlib.decompress(data))
    jsonschema.validate(listed, LIST)
    named = {(one["name"], one["version"]) for one in listed["packages"]}
    assert [one["name"] for one in listed["packages"] if one.get("root")] == [function]
    assert named <= set(linked[0])
    assert {name for name, _ in named} >= {"domain", "tokio", "crc-fast"}
    for one in listed["packages"]:
        is_strange = linked[0][one["name"], one["version"]].checksum
        assert one["source"] == ("crates.io" if is_strange else "local")


def test_the_list_changes_nothing_of_what_is_loaded():
    program = auditable.binary("sync").read_bytes()
    other = auditable.with_list(program, b"another list")
    ((_, section),) = [one for one in auditable.sections(other)[0] if one[0] == ".dep-v0"]
    flags, address = section[2:4]
    assert (flags, address) == (0, 0), "AWS would load it"
    end = section[auditable.OFFSET]
    assert max(end for _, end in segments(program)) <= end
    # But for the header, which says where the sections are described.
    assert other[64:end] == program[64:end]
    assert segments(other) == segments(program)


def segments(program):
    """Where each part that is loaded begins and ends in the file."""
    (table,) = struct.unpack_from("<Q", program, 0x20)
    size, count = struct.unpack_from("<HH", program, 0x36)
    parts = [struct.unpack_from("<IIQQQQQQ", program, table + size * one) for one in range(count)]
    return [(part[2], part[2] + part[5]) for part in parts]


def test_a_list_that_is_there_already_is_replaced():
    program = auditable.binary("sync").read_bytes()
    other = auditable.with_list(program, b"another list")
    assert [name for name, _ in auditable.sections(other)[0]].count(".dep-v0") == 1
    (_, section) = auditable.sections(program)[0][-1]
    assert auditable.with_list(other, auditable.content(program, section)) == program


def test_what_is_no_program_gets_no_list():
    with pytest.raises(SystemExit, match="make build"):
        auditable.with_list(b"#!/bin/sh\n", b"")

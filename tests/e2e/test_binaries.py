"""What is deployed runs on Amazon Linux 2023."""

import re
from pathlib import Path

import pytest

from common.places import ROOT, TARGET
from common.programs import FUNCTIONS


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

"""The release that these sources are."""

import tomllib

from .places import ROOT


def this_version():
    """The version in Cargo.toml, which all crates have."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]

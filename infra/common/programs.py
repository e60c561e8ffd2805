"""The functions' programs, as `make build` leaves them."""

from pathlib import Path

from .places import ROOT

FUNCTIONS = ["gather-accounts", "gather-orgs", "compare", "sync"]
LAMBDA = ROOT / "target" / "lambda"


def mapping(name, folder=None):
    """The sync.toml beside a function's program."""
    return binary(name, folder).with_name("sync.toml")


def binary(name, folder=None):
    """A function's program, of this build or of another one's folder."""
    return Path(folder or LAMBDA) / name / "bootstrap"

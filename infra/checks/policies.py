"""make validate: the policies of docs/policies, which an administrator gives to people.

Each is written for stacks whose names begin with `partner-sync`, in the partition `aws`. SETUP has
the command that makes a copy for another name or partition; `copy` does the same.
"""

import json
import re

from common.places import ROOT

FOLDER = ROOT / "docs" / "policies"
# AWS counts the characters of a managed policy without white space.
MOST_CHARACTERS = 6144
# The longest of today's names and partitions, and a name that somebody else may choose.
NAMES = ["partner-sync", "partner-sync-sandbox", "acme-sync"]
PARTITIONS = ["aws", "aws-us-gov", "aws-cn"]
VARIANTS = [(name, partition) for name in NAMES for partition in PARTITIONS]


def texts():
    """Name of a policy to its text, as it lies in the repository."""
    return {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.json"))}


def copy(text, name="partner-sync", partition="aws"):
    """A policy for stacks of another name, or in another partition, as SETUP's `sed` makes it."""
    text = text.replace("partner-sync", name)
    # The bucket for the uploads has one name in all copies.
    text = text.replace(f"{name}-packages", "partner-sync-packages")
    return text.replace("arn:aws:", f"arn:{partition}:")


def policy(file, name="partner-sync", partition="aws"):
    """A policy as data."""
    return json.loads(copy(texts()[file], name, partition))


def problems():
    """What AWS would not take."""
    for file, text in texts().items():
        for name, partition in VARIANTS:
            size = sum(len(part) for part in copy(text, name, partition).split())
            if size > MOST_CHARACTERS:
                yield (
                    f"docs/policies/{file}.json has {size} characters as a copy for {name} in "
                    f"{partition}, and IAM allows {MOST_CHARACTERS}: make two of it"
                )
        sids = [one["Sid"] for one in json.loads(text)["Statement"]]
        if len(set(sids)) != len(sids) or not all(
            re.fullmatch("[A-Za-z0-9]+", one) for one in sids
        ):
            yield f"docs/policies/{file}.json: each statement needs a Sid of its own: {sids}"

"""The template in every partition of AWS, and what make validate asks of all regions."""

import json
import re
import subprocess
from pathlib import Path

import botocore
import pytest
import yaml
from cfnlint.helpers import REGIONS

from common.places import ROOT
from common.template import template

ACCOUNT = "000000000000"
DATA = Path(botocore.__file__).parent / "data" / "partitions.json"
PARTITIONS = {one["id"]: one for one in json.loads(DATA.read_text())["partitions"]}


def test_every_partition_has_its_console_or_none():
    hosts = {name: one["Host"] for name, one in template()["Mappings"]["Console"].items()}
    assert hosts.keys() == PARTITIONS.keys()
    assert {name for name, host in hosts.items() if host == "none"} == {
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
    }
    host = {"FindInMap": ["Console", {"Ref": "AWS::Partition"}, "Host"]}
    assert template()["Conditions"]["HasConsole"] == {"Not": [{"Equals": [host, "none"]}]}
    assert template()["Outputs"]["DashboardUrl"]["Condition"] == "HasConsole"


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_arns_of_every_partition_are_taken(partition):
    region = next(name for name in PARTITIONS[partition]["regions"] if "global" not in name)
    for parameter, arn in {
        "NotificationTopicArn": f"arn:{partition}:sns:{region}:{ACCOUNT}:people",
        "PermissionsBoundaryArn": f"arn:{partition}:iam::{ACCOUNT}:policy/of/team/bounds",
        "KmsKeyArn": f"arn:{partition}:kms:{region}:{ACCOUNT}:key/mrk-1234abcd",
        "BreakGlassRoleArn": f"arn:{partition}:iam::{ACCOUNT}:role/aws-reserved/sso/Repair_1a2b",
    }.items():
        pattern = template()["Parameters"][parameter]["AllowedPattern"]
        assert re.search(pattern, arn) and re.search(pattern, ""), parameter
        assert not re.search(pattern, f"{arn} "), parameter


@pytest.mark.parametrize(
    "role",
    [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/somebody",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        f"arn:aws:iam::{ACCOUNT}:user/somebody",
    ],
)
def test_the_break_glass_role_is_one_role(role):
    pattern = template()["Parameters"]["BreakGlassRoleArn"]["AllowedPattern"]
    assert not re.search(pattern, role)


LINT = yaml.safe_load((ROOT / ".cfnlintrc.yaml").read_text())


def lint(*arguments):
    """What cfn-lint says, run as `make validate` runs it."""
    command = [ROOT / ".venv" / "bin" / "cfn-lint", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout


def test_make_validate_lints_every_template_after_ten_regions_of_four_partitions():
    assert len(set(LINT["regions"])) == 10 and set(LINT["regions"]) <= set(REGIONS)
    of = [
        partition
        for region in LINT["regions"]
        for partition, one in PARTITIONS.items()
        if region in one["regions"]
    ]
    assert set(of) == {"aws", "aws-us-gov", "aws-cn", "aws-eusc"}
    listed = lint("-L").split()
    assert "infra/template.yaml" in listed
    assert set(listed) == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").glob("*.yaml")
    }
    asked = subprocess.run(
        ["make", "-n", "validate"], capture_output=True, text=True, cwd=ROOT
    ).stdout.splitlines()
    assert ".venv/bin/cfn-lint" in asked, "no argument takes the place of the file's"
    assert any("sam validate --lint" in line for line in asked)


def test_a_resource_that_a_region_does_not_know_is_found(tmp_path):
    rare = tmp_path / "rare.yaml"
    rare.write_text("Resources: {Rare: {Type: 'AWS::Chatbot::CustomAction'}}\n")
    assert set(re.findall(r"does not exist in '(.+?)'", lint(rare))) == {
        "us-gov-west-1",
        "cn-north-1",
    }

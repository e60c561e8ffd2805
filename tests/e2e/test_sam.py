"""The real SAM CLI, from a fresh clone to a run and away again, against the local AWS."""

import tomllib

import pytest
from clones import cloned, described, parameters, run_is_ok

from common.places import ROOT
from common.template import template

SANDBOX = "partner-sync-sandbox"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    with cloned(tmp_path_factory.mktemp("sam")) as clone:
        yield clone


def test_sam_builds_deploys_runs_and_deletes(clone):
    clone.edit("infra/environments/sandbox.yaml", "rate(1 hour)", "rate(2 hours)")
    assert "is a valid SAM Template" in clone.succeeds("sam validate")
    clone.succeeds("sam build")
    assert "--target x86_64-unknown-linux-gnu" in clone.built()[0]
    clone.succeeds("sam deploy --no-confirm-changeset")

    stack = clone.stack(SANDBOX)
    tags = {tag["Key"]: tag["Value"] for tag in described(stack)["Tags"]}
    assert tags == {"project": "partner-sync", "environment": "sandbox"}
    assert parameters(stack)["ScheduleExpression"] == "rate(2 hours)"
    run_is_ok(stack)

    clone.succeeds("sam delete --no-prompts")
    assert clone.status(SANDBOX) is None


def test_sam_shows_the_change_set_and_only_a_yes_deploys(clone):
    clone.succeeds("sam build --config-env production")
    text = clone.run("sam deploy --config-env production", said="n\n").stdout
    assert "StateMachine" in text and "Deploy this changeset?" in text
    assert clone.status("partner-sync") == "REVIEW_IN_PROGRESS"


def test_sam_guided_asks_with_the_values_of_the_environment(clone):
    clone.succeeds("sam build")
    before = (clone.folder / "samconfig.toml").read_text()
    # Stack and region, every parameter, three more as they are; nothing is saved; deploy: yes.
    asked = 2 + len(template()["Parameters"]) + 3
    answers = "\n" * asked + "n\n" + "y\n"
    text = clone.succeeds("sam deploy --guided", said=answers)
    assert f"Stack Name [{SANDBOX}]" in text and "ScheduleExpression [rate(" in text
    assert described(clone.stack(SANDBOX))["StackStatus"] == "CREATE_COMPLETE"
    assert (clone.folder / "samconfig.toml").read_text() == before


def test_for_arm64_sam_builds_for_arm64(clone):
    clone.succeeds("sam build", ARCH="arm64")
    assert "--target aarch64-unknown-linux-gnu" in clone.built()[-1]


def test_what_sam_takes_without_a_name_is_the_sandbox():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert config["default"] == config["sandbox"]

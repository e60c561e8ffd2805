"""The real SAM CLI, from a fresh clone to a run and away again, against the local AWS."""

import tomllib

import pytest
from clones import cloned, described, parameters, run_is_ok, under_way

from checks.setup_steps import commands_of, functions
from common.places import REGION, ROOT
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


def test_the_sam_way_of_setup_deploys_nothing_while_a_run_is_under_way(clone):
    blocks = commands_of("6. The first deployment")
    [way] = [text for text in blocks if "&& idle" in text and "unzip" not in text]
    (clone.folder / ".local").mkdir(exist_ok=True)
    (clone.folder / "way.sh").write_text(f"set -euo pipefail\n{functions()}\n{way}\n")

    def deployed(max_marks):
        file = clone.folder / "infra/environments/sandbox.yaml"
        file.write_text(f"SyncReservedConcurrency: 0\nMaxMarks: {max_marks}\n")
        return clone.run("bash way.sh", said="y\n", AWS_DEFAULT_REGION=REGION)

    done = deployed(6)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    stack = clone.stack(SANDBOX)
    with under_way(clone, stack) as name:
        done = deployed(7)
        assert done.returncode != 0
        assert f"{SANDBOX} has a run under way: {name}." in done.stderr
        assert parameters(stack)["MaxMarks"] == "6"
    assert deployed(7).returncode == 0
    assert parameters(stack)["MaxMarks"] == "7"
    clone.succeeds("sam delete --no-prompts")


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

"""A stack that is renamed, as SETUP says it: the clocks go on, and the marks stay its own."""

import json
import subprocess

import pytest
from clones import cloned

from checks.setup_steps import commands_of, functions
from common.places import REGION
from common.template import template
from local.stack import Stack
from local.standins import memory

OLD, NEW = "partner-sync", "partner-sync-emea"
PARAMETERS = "infra/environments/production.yaml"
# Its account is missing for less than MarkAfterHours.
JUST_LOST = "0014M0000009007QAA"


@pytest.fixture
def clone(tmp_path):
    with cloned(tmp_path) as clone:
        yield clone


def shell(clone, *commands, succeeds=True):
    """What commands print in the shell of SETUP's reader."""
    text = "\n".join(["set -euo pipefail", functions(), *commands])
    (clone.folder / ".local").mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=clone.folder,
        env={**clone.env, "AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode == 0) == succeeds, f"{done.stdout}{done.stderr}"
    return done.stdout if succeeds else done.stderr


def deploy(clone, role):
    lines = ["ScheduleState: DISABLED", "SyncReservedConcurrency: 0", "QuietHours: 0"]
    if "BreakGlassRoleArn" in template()["Parameters"]:
        lines += [f"BreakGlassRoleArn: {role}"] if role else []
    (clone.folder / PARAMETERS).write_text("\n".join(lines) + "\n")
    clone.succeeds("make deploy ENV=production YES=1")


def document(stack, key):
    return json.loads(stack.s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read())


def known(remembered):
    """Of a memory what must not begin anew: clocks, marks and what is held."""
    return [remembered[key] for key in ("absent", "marked", "held")]


def test_what_runs_know_of_each_other_goes_over_to_a_renamed_stack(clone):
    # One of its marks is unexplained: it is held, and the run counts as a good one.
    clone.remote.put_world(kind="demo", rate_limit=100_000)
    for name in (OLD, NEW):
        Stack(clone.endpoint, name).put_secrets(clone.remote.secrets(name))
    make_role, end_role = commands_of("Write to the bucket by hand")
    fetch, bring, plan = commands_of("Rename or move")
    role = shell(clone, make_role).strip().splitlines()[-1].removeprefix("BreakGlassRoleArn: ")
    deploy(clone, role)
    old = clone.stack(OLD)
    planted = clone.folder / ".local" / "planted.json"
    planted.write_text(json.dumps(memory(clone.remote.state(), 48, [JUST_LOST])))
    put = f'aws s3 cp .local/planted.json "s3://{old.bucket}/memory.json"'
    shell(clone, f'as "{role}" {put}')
    assert old.run("last")["status"] == "SUCCEEDED"
    before = document(old, "memory.json")
    assert all(known(before)), "a clock, a mark and something held must be there to be carried over"

    clone.edit("samconfig.toml", f'stack_name = "{OLD}"\n', f'stack_name = "{NEW}"\n')
    deploy(clone, role)
    new = clone.stack(NEW)
    if "BreakGlassRoleArn" in template()["Parameters"]:
        refused = f'aws s3 cp .local/planted.json "s3://{new.bucket}/memory.json"'
        assert "AccessDenied" in shell(clone, refused, succeeds=False)
    said = shell(clone, fetch, f'ROLE="{role}"', bring, plan, 'echo "$NAME"')
    assert "PLANNED" in said and not (clone.folder / ".local" / "moved").exists()

    inputs = new.document(said.strip().splitlines()[-1], "plan.json")["inputs"]
    assert not inputs.get("memory_lost") and inputs["memory"] == before
    assert inputs["last_good"]["run_id"] == document(old, "latest.json")["run_id"]
    deploy(clone, role=None)
    shell(clone, end_role)
    assert new.run("first")["status"] == "SUCCEEDED"
    assert known(document(new, "memory.json")) == known(before)
    runs = [run["run_id"] for run in document(new, "history.json")["runs"]]
    assert runs == ["last", "first"]

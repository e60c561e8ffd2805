"""What GitLab and Renovate are told: fits their published schemas, and means what it says.

There is no GitLab here. Its schemas come with check-jsonschema, which keeps copies of them.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from common.places import ROOT
from local.ministack import local_aws
from local.stack import Stack

PIPELINE = ROOT / ".gitlab-ci.yml"
START_AFTER = ROOT / "docs" / "pipelines" / "start-after.gitlab-ci.yml"
# Keys of a pipeline that are no jobs.
GLOBAL = {"stages", "default", "variables", "workflow"}
ARN = "arn:aws:states:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/partner-sync-start"
# In place of the AWS CLI: it says what `answers` holds for an execution, a status after the other.
AWS = """#!{python}
import json, os, sys
from pathlib import Path

folder, words = Path("{folder}"), sys.argv[1:]
asked = dict(zip(words[2::2], words[3::2]))
with (folder / "calls").open("a") as calls:
    print(*words, file=calls)
if words[:2] == ["sts", "assume-role-with-web-identity"]:
    assert (asked["--role-arn"], asked["--web-identity-token"]) == ("a-role", "a-token")
    sys.exit(print("AKIA", "secret/+1", "session==", sep="\\t"))
names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
assert [os.environ[name] for name in names] == ["AKIA", "secret/+1", "session=="]
if words[:2] == ["stepfunctions", "start-execution"]:
    assert (asked["--state-machine-arn"], asked["--input"]) == ("the-starter", "{{}}")
    sys.exit(print("{arn}:execution:partner-sync-starter:start"))
assert words[:2] == ["stepfunctions", "describe-execution"]
answers = json.loads((folder / "answers").read_text())
execution = answers[asked["--execution-arn"].rpartition(":")[2]]
if asked["--query"] != "status":
    sys.exit(print(execution[asked["--query"]]))
status = execution["status"].pop(0) if len(execution["status"]) > 1 else execution["status"][0]
(folder / "answers").write_text(json.dumps(answers))
sys.exit(print(status) if status.isupper() else status)
"""
NOT_YET = "An error occurred (ExecutionDoesNotExist)"


def schema(name):
    """A schema that check-jsonschema keeps a copy of."""
    folder = Path(importlib.util.find_spec("check_jsonschema").origin).parent
    return json.loads((folder / "builtin_schemas" / "vendor" / f"{name}.json").read_text())


def pipeline():
    return yaml.safe_load(PIPELINE.read_text())


def jobs():
    """Name to job, with what it extends."""
    all = pipeline()
    named = {name: one for name, one in all.items() if name not in GLOBAL}
    return {
        name: {**named.get(one.get("extends"), {}), **one}
        for name, one in named.items()
        if not name.startswith(".")
    }


def lines(script):
    """The commands of a script, which may hold lists."""
    return [line for one in script for line in (lines(one) if isinstance(one, list) else [one])]


@pytest.mark.parametrize("file", [PIPELINE, START_AFTER], ids=lambda file: file.name)
def test_a_pipeline_fits_the_schema_that_gitlab_publishes(file):
    jsonschema.validate(yaml.safe_load(file.read_text()), schema("gitlab-ci"))


def test_the_schema_refuses_what_gitlab_would():
    broken = pipeline()
    broken["test"]["rules"] = [{"iff": "true"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema("gitlab-ci"))


def test_the_rules_of_renovate_fit_its_schema():
    rules = json.loads((ROOT / "renovate.json").read_text())
    jsonschema.validate(rules, schema("renovate"))
    assert set(rules["enabledManagers"]) == {"cargo", "pip_requirements", "gitlabci"}


def test_renovate_finds_every_file_that_pins_a_python_package_or_an_image():
    rules = json.loads((ROOT / "renovate.json").read_text())
    ours = [*ROOT.glob("requirements*.in"), START_AFTER]
    patterns = [
        pattern.strip("/")
        for manager in ("pip_requirements", "gitlabci")
        for pattern in rules[manager]["managerFilePatterns"]
    ]
    for file in ours:
        path = file.relative_to(ROOT).as_posix()
        assert any(re.search(pattern, path) for pattern in patterns), path


def test_every_target_that_the_pipeline_makes_is_there():
    listed = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    made = [
        word
        for job in jobs().values()
        for line in lines(job["script"])
        for words in re.findall(r"\bmake ([^;]+)", line)
        for word in words.split()
        if "=" not in word and not word.startswith('"')
    ]
    assert {"deny", "lint", "validate", "test", "package", "deploy"} <= set(made)
    assert set(made) <= listed, sorted(set(made) - listed)


def test_what_the_night_runs_is_the_advisories_and_nothing_else():
    for name, job in jobs().items():
        (first, *_) = job["rules"]
        is_nightly = "when" not in first and "schedule" in first["if"]
        assert is_nightly == (name == "advisories"), name
        # A job whose first rule is of something else never runs by a schedule, or says so first.
        assert is_nightly or first.get("when") == "never" or "CI_COMMIT_TAG" in first["if"], name
    assert lines(jobs()["advisories"]["script"]) == ["make deny"]


def test_production_is_deployed_by_a_person_and_of_a_tag_alone():
    (rule,) = jobs()["deploy-production"]["rules"]
    assert rule == {"if": r"$CI_COMMIT_TAG =~ /^v\d/", "when": "manual"}
    assert jobs()["deploy-production"]["environment"]["name"] == "production"
    assert jobs()["deploy-production"]["script"] == ["make deploy ENV=production YES=1"]
    sandbox = jobs()["deploy-sandbox"]
    assert all(rule.get("when") != "manual" for rule in sandbox["rules"])
    assert sandbox["environment"]["name"] == "sandbox"


def test_whoever_deploys_is_vouched_for_by_gitlab_and_no_key_is_stored():
    text = PIPELINE.read_text()
    assert not re.search(r"AKIA|AWS_ACCESS_KEY_ID *:|AWS_SECRET_ACCESS_KEY *:", text)
    deploying = {name: job for name, job in jobs().items() if name.startswith("deploy-")}
    assert len(deploying) == 2
    for job in deploying.values():
        assert job["id_tokens"] == {"AWS_ID_TOKEN": {"aud": "$CI_SERVER_URL"}}
        assert "assume-role-with-web-identity" in " ".join(lines(job["before_script"]))
        # Two deployments of one stack never run beside each other, and none is cut off.
        assert job["resource_group"] == job["environment"]["name"]
        assert job["interruptible"] is False
    roles = {job["variables"]["DEPLOY_ROLE_ARN"] for job in deploying.values()}
    assert roles == {"$SANDBOX_DEPLOY_ROLE_ARN", "$PRODUCTION_DEPLOY_ROLE_ARN"}


def test_the_image_has_the_compiler_that_is_pinned():
    channel = (ROOT / "rust-toolchain.toml").read_text().split('channel = "')[1].split('"')[0]
    assert pipeline()["default"]["image"].startswith(f"rust:{channel.rpartition('.')[0]}-")


def test_the_job_signs_in_as_aws_wants_it(tmp_path):
    done = sign_in(tmp_path)
    assert done.stdout.split() == ["AKIA", "secret/+1", "session=="]


def sign_in(folder):
    """Runs what a deploying job does before its script, without what it installs."""
    aws = folder / ".venv-aws" / "bin" / "aws"
    aws.parent.mkdir(parents=True)
    stand_in(folder, aws)
    commands = lines(jobs()["deploy-sandbox"]["before_script"])
    at = next(at for at, line in enumerate(commands) if line.startswith("CREDENTIALS="))
    shown = "printenv AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
    env = {"DEPLOY_ROLE_ARN": "a-role", "CI_PROJECT_ID": "1", "CI_JOB_ID": "2"}
    return shell("\n".join([*commands[at:], shown]), folder, env)


def stand_in(folder, path):
    """What stands for the AWS CLI."""
    path.write_text(AWS.format(python=sys.executable, folder=folder, arn=ARN))
    path.chmod(0o755)


def shell(script, folder, env):
    """A script as GitLab's runner runs it, in bash that stops at the first failure."""
    return subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{script}"],
        cwd=folder,
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AWS_ID_TOKEN": "a-token", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


# Verdict of the run to the job's exit code: 2 is orange.
COLOURS = {
    "OK": 0, "NOTHING_TO_DO": 0, "PLANNED": 0, "HELD": 2, "PARTIAL": 2, "SKIPPED": 2, "NEW": 1,
}  # fmt: skip


@pytest.mark.parametrize(("verdict", "code"), COLOURS.items())
def test_the_job_of_another_pipeline_ends_as_its_run_did(tmp_path, verdict, code):
    said = json.dumps({"run_id": "run", "verdict": verdict, "counts": {"created": 1}})
    done, calls = started(tmp_path, said)
    assert done.returncode == code, done.stdout + done.stderr
    assert f"Its verdict: {verdict}" in done.stdout
    assert f"The run is {ARN}:execution:partner-sync:run" in done.stdout
    assert sum("start-execution" in call for call in calls) == 1


def test_each_verdict_of_the_contract_has_its_colour():
    text = (ROOT / "docs" / "CONTRACT.md").read_text()
    said = re.search(r"Verdicts: (.+?)\. `SKIPPED`", text, re.DOTALL)[1]
    assert set(re.findall(r"`([A-Z_]+)`", said)) == set(COLOURS) - {"NEW"}
    job = yaml.safe_load(START_AFTER.read_text())["partner-sync"]
    assert job["allow_failure"] == {"exit_codes": [2]}


def test_a_run_that_failed_fails_the_job_and_says_why(tmp_path):
    done, _ = started(tmp_path, "Sync.Auth\tSalesforce refused", ["FAILED"])
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "Sync.Auth\tSalesforce refused" in done.stdout


def test_a_starter_that_started_nothing_fails_the_job(tmp_path):
    done, calls = started(tmp_path, "Sync.Input\tThis only starts runs", starter=["FAILED"])
    assert done.returncode == 1 and "This only starts runs" in done.stdout
    assert not any("partner-sync:run" in call for call in calls)


def test_what_aws_refuses_fails_the_job_at_once(tmp_path):
    done, calls = started(tmp_path, starter=["An error occurred (AccessDenied)"], MOST_SECONDS="5")
    assert done.returncode == 1 and "AccessDenied" in done.stdout
    assert [call.split()[1] for call in calls] == [
        "assume-role-with-web-identity",
        "start-execution",
        "describe-execution",
    ]


def test_a_run_without_end_is_left_alone_in_time(tmp_path):
    done, _ = started(tmp_path, status=["RUNNING"], MOST_SECONDS="1")
    assert done.returncode == 1 and "It goes on by itself" in done.stdout


def started(folder, said="", status=("SUCCEEDED",), starter=("SUCCEEDED",), **env):
    """What the job prints, and the calls of the AWS CLI."""
    execution = f"{ARN}:execution:partner-sync:run"
    output = json.dumps({"execution": execution, "name": "run", "started": True})
    both = {"[error, cause]": said}
    answers = {
        "start": {**both, "status": [NOT_YET, "RUNNING", *starter], "output": output},
        "run": {**both, "status": [NOT_YET, "RUNNING", *status], "output": said},
    }
    if "AccessDenied" in starter[0]:
        answers["start"]["status"] = starter
    (folder / "answers").write_text(json.dumps(answers))
    stand_in(folder, folder / "aws")
    job = yaml.safe_load(START_AFTER.read_text())["partner-sync"]
    given = {key: str(value) for key, value in job["variables"].items()}
    given |= {"START_ROLE_ARN": "a-role", "STARTER_ARN": "the-starter", "PAUSE_SECONDS": "0"}
    given |= {"CI_PROJECT_ID": "1", "CI_JOB_ID": "2", **env}
    done = shell("\n".join(job["script"]), folder, given)
    return done, (folder / "calls").read_text().splitlines()


def test_the_job_s_commands_are_those_of_the_real_aws_cli(tmp_path):
    """With two state machines that answer as the starter and a run do."""
    with local_aws(tmp_path, 0.02) as endpoint:
        stack = Stack(endpoint)
        run = machine(stack, "partner-sync", {"verdict": "HELD", "counts": {}})
        started = stack.sfn.start_execution(stateMachineArn=run, name="run")["executionArn"]
        starter = machine(stack, "starter", {"execution": started, "name": "run", "started": True})
        job = yaml.safe_load(START_AFTER.read_text())["partner-sync"]
        given = {key: str(value) for key, value in job["variables"].items()}
        given |= {"START_ROLE_ARN": ROLE, "STARTER_ARN": starter, "PAUSE_SECONDS": "1"}
        given |= {"CI_PROJECT_ID": "1", "CI_JOB_ID": "2", "HOME": str(tmp_path)}
        given |= {"AWS_ENDPOINT_URL": endpoint, "NO_PROXY": "127.0.0.1"}
        (tmp_path / "aws").symlink_to(ROOT / ".venv-aws" / "bin" / "aws")
        done = shell("\n".join(job["script"]), tmp_path, given)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"The run is {started}" in done.stdout and "Its verdict: HELD" in done.stdout


def machine(stack, name, output):
    """A state machine of the local AWS that has this output at once."""
    states = {"End": {"Type": "Pass", "Output": output, "End": True}}
    definition = {"QueryLanguage": "JSONata", "StartAt": "End", "States": states}
    made = stack.sfn.create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps(definition)
    )
    return made["stateMachineArn"]


OWNED = re.compile(r"(?P<path>\S+)(?P<owners>(?: @[\w./-]+)*)")
SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?P<owners>(?: @[\w./-]+)*)")


def test_each_rule_of_codeowners_has_an_owner_and_is_of_something_that_is_there():
    owners, count = "", 0
    for line in (ROOT / "CODEOWNERS").read_text().splitlines():
        # GitLab takes an owner in a comment for one.
        assert not (line.startswith("#") and "@" in line)
        if not line or line.startswith("#"):
            continue
        if section := SECTION.fullmatch(line):
            owners = section["owners"]
            continue
        rule = OWNED.fullmatch(line)
        assert rule and (rule["owners"] or owners), line
        assert list(ROOT.glob(rule["path"].strip("/"))), f"{line}: there is no such file"
        count += 1
    assert count > 10

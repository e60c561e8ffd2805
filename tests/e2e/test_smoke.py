"""make smoke on the local AWS: a healthy stack passes, and what is broken is named in a line."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from smoke_tools import PRODUCTION, refuse, told

from common.places import REGION, ROOT
from common.processes import signed_in
from common.version import this_version
from deploy import runs, smoke, smoke_checks, smoke_run
from deploy.smoke_stack import Deployed

GLOBAL = "partner-sync/zendesk/global"


def test_a_healthy_stack_passes_and_nothing_is_written_to_zendesk(here, capsys, tmp_path):
    status = smoke.smoke(PRODUCTION)
    output = capsys.readouterr().out
    assert (status, re.findall(r"^(?:warn|FAIL) .*", output, re.M)) == (0, []), output
    for words in (
        # CREATE or UPDATE: another test may have deployed it again.
        "E_COMPLETE\n",
        "stack partner-sync, us-east-1, account 000000000000: ",
        f"version {this_version()}, as here",
        "definition of partner-sync: valid",
        "definition of partner-sync-starter: valid",
        "schedule rate(1 hour): DISABLED, so runs start by hand only",
        "function Sync: Active, x86_64",
        "concurrency of Sync: 1 is wanted, and what is reserved not known here",
        "5 log groups: kept for 90 days",
        "Compare accounts with organizations 3 creates, 18 updates (1 un-mark), 2 marks\n",
        "168 accounts, 6010 organizations (169 of partners), 3 creates, 18 updates, 2 marks, "
        "0 unexplained, 0 held, 0 waiting, 0 unlinked\n",
        "12 alarms: there and not on",
        "messages: 1 confirmed subscription (email)",
        "messages: e-mail gets a text\n",
        "the bucket's policy lets the functions and the break-glass role write and delete",
        "the bucket refuses a write of yours, by its policy",
        "nothing was written to Zendesk",
    ):
        assert words in output, f"{words} is not in {output}"
    assert re.search(r"plan run smoke-[\d-]+: PLANNED in \d+ s", output), output
    assert re.search(r"while smoke-[\d-]+ was under way, make deploy would have ref", output), (
        output
    )
    assert here.writes() == [] and here.remote.log(), "it read, and wrote nothing"
    for file in ("report.html", "report.md"):
        report = tmp_path / "partner-sync" / file
        assert "smoke-" in report.read_text() and f"report: {report}\n" in output


def test_the_command_names_a_stack_that_is_not_there(deployed):
    signed = signed_in(deployed.stack.endpoint)
    env = {**os.environ, **signed, "PYTHONPATH": str(ROOT / "infra")}
    command = [sys.executable, "-m", "deploy.smoke", "sandbox"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (1, 3), done
    assert lines[0].startswith("FAIL  there is no stack partner-sync-sandbox in us-east-1 ")
    assert "make deploy ENV=sandbox" in lines[0]


def test_wrong_credentials_in_a_secret_are_named_with_their_section(here, capsys):
    secret = json.loads(here.remote.secrets()[GLOBAL])
    here.stack.put_secrets({GLOBAL: json.dumps({**secret, "client_secret": "canary-wrong"})})
    assert smoke.smoke(PRODUCTION) == 1
    output = capsys.readouterr().out
    [line] = re.findall("^FAIL .*", output, re.M)
    assert re.search("plan run smoke-[^ ]+: Sync.Auth, .*zendesk global.*client_secret", line), line
    assert line.endswith("infra/RUNBOOK.md#syncauth") and "canary-wrong" not in output
    assert "ok    report: " in output and "12 alarms" in output, "the other checks go on"
    assert here.writes() == []


def test_while_another_run_is_under_way_it_waits_and_tries_again(here, capsys):
    pause = {"kind": "instead", "status": 429, "headers": {"retry-after": "60"}, "body": ""}
    look = {"host": "global", "method": "GET", "path": "/api/v2/organizations"}
    here.remote.put_faults([{**look, "skip": 3, "times": 1, "act": pause}])
    execution = here.stack.start(here.name(), {"mode": "plan"})
    here.until(here.stack.lease)
    described = smoke_run.run(Deployed(PRODUCTION))
    assert described["output"]["verdict"] == "PLANNED"
    output = capsys.readouterr().out
    holder = execution.rpartition(":")[2]
    assert f"another run is under way, {holder}: waiting for its end" in output
    assert output.count("plan run smoke-") == 2


def test_a_run_is_under_way_until_its_end(here):
    """What make deploy asks before it changes anything."""
    sfn, machine = here.stack.sfn, here.stack.state_machine
    execution = here.start_until("Gather the organizations")
    assert runs.running(sfn, machine) == [execution.rpartition(":")[2]]
    here.stack.wait(execution)
    assert runs.running(sfn, machine) == []


def test_every_page_of_the_list_counts_and_a_stack_that_is_not_there_runs_nothing():
    def listed(*pages):
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: pages))

    two = listed({"executions": [{"name": "a"}]}, {"executions": [{"name": "b"}]})
    assert runs.running(two, "arn") == ["a", "b"]

    def raising(code):
        return SimpleNamespace(
            get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: pages_of(refuse(code)))
        )

    def pages_of(call):
        yield call()

    assert runs.running(raising("StateMachineDoesNotExist"), "arn") == []
    with pytest.raises(ClientError, match="AccessDenied"):
        runs.running(raising("AccessDeniedException"), "arn")


@pytest.mark.parametrize(
    ("was_seen", "looks", "mark", "words"),
    [
        (True, 1, "ok", "while smoke-1 was under way, make deploy would have refused"),
        (False, 9, "warn", "in 9 looks; the list may be late"),
        (False, 10, "FAIL", "so make deploy would not have refused"),
    ],
)
def test_a_run_that_is_not_in_the_list_would_not_stop_a_deployment(was_seen, looks, mark, words):
    watch = SimpleNamespace(was_seen=was_seen, looks=looks)
    line = smoke_run.refusal({"name": "smoke-1", "watch": watch})
    assert line.mark == mark and words in line.text


def test_the_list_is_asked_until_the_run_is_in_it(monkeypatch):
    answers = iter([[], ["another"], ["smoke-1", "another"]])
    monkeypatch.setattr(runs, "running", lambda *_: next(answers))
    stack = SimpleNamespace(client=lambda _: None, outputs={"StateMachineArn": "arn"})
    watch = smoke_run.Watch(stack)
    for _ in range(5):
        watch.look("smoke-1")
    assert (watch.was_seen, watch.looks) == (True, 3)


def test_a_stack_of_another_version_is_told_and_is_no_failure(seen, monkeypatch):
    monkeypatch.setattr(smoke_checks, "this_version", lambda: "9.9.9")
    lines = list(smoke_checks.stack(Deployed(PRODUCTION)))
    assert [line.mark for line in lines] == ["ok", "warn"], lines
    version = f"version {this_version()} is deployed, and this is 9.9.9"
    assert lines[1].text == f"{version}. What to do: deploy this version again"


def test_an_alarm_that_is_on_is_told_with_its_description(seen):
    stack = Deployed(PRODUCTION)
    alarm = stack.resources["AWS::CloudWatch::Alarm"]["Conflicts"]

    def turn(state):
        seen.stack.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="test")

    turn("ALARM")
    try:
        on, others = smoke_checks.alarms(stack)
    finally:
        turn("INSUFFICIENT_DATA")
    assert on.mark == "warn" and re.match("alarm Conflicts is on: .*#alarm-conflicts$", on.text)
    assert (others.mark, others.text) == ("ok", "11 alarms: there and not on")


def test_an_alarm_that_is_gone_or_was_never_deployed_is_named(seen):
    stack = Deployed(PRODUCTION)
    stack.resources["AWS::CloudWatch::Alarm"]["RunFailed"] = "deleted by hand"
    del stack.resources["AWS::CloudWatch::Alarm"]["Throttling"]
    stack.parameters["ScheduleState"] = "ENABLED"
    never, gone, others = smoke_checks.alarms(stack)
    assert never.mark == "FAIL" and "has no alarm NoGoodRun, Throttling." in never.text
    assert gone.mark == "FAIL" and "alarm RunFailed is gone" in gone.text
    assert others.text == "10 alarms: there and not on"


@pytest.mark.parametrize(
    ("state", "hours", "count"), [("DISABLED", "1", 12), ("ENABLED", "1", 13), ("ENABLED", "0", 12)]
)
def test_the_alarm_for_a_missing_run_is_expected_where_runs_are(state, hours, count):
    parameters = {"ScheduleState": state, "ScheduleIntervalHours": hours}
    assert len(smoke_checks.expected_alarms(parameters)) == count


def test_a_log_group_that_keeps_everything_is_named(seen):
    stack = Deployed(PRODUCTION)
    group = stack.resources["AWS::Logs::LogGroup"]["SyncLogs"]
    seen.stack.logs.delete_retention_policy(logGroupName=group)
    try:
        mark, text = told(smoke_checks.logs, stack)
    finally:
        seen.stack.logs.put_retention_policy(logGroupName=group, retentionInDays=90)
    assert mark == "FAIL" and text.startswith("log groups without an end, or not there: SyncLogs.")


READY = {"State": "Active", "LastUpdateStatus": "Successful", "Architectures": ["arm64"]}


@pytest.mark.parametrize(
    ("found", "mark", "words"),
    [
        (READY, "ok", "Active, arm64"),
        ({**READY, "State": "Inactive"}, "ok", "Inactive"),
        ({**READY, "State": "Failed", "StateReason": "no\nrole"}, "FAIL", "Failed, .* .no role."),
        ({**READY, "LastUpdateStatus": "InProgress"}, "FAIL", "last update InProgress"),
        ({**READY, "Architectures": ["x86_64"]}, "FAIL", "for x86_64, and Architecture is arm64"),
    ],
)
def test_a_function_must_be_ready_and_of_the_architecture(found, mark, words):
    line = smoke_checks.function("Sync", found, "arm64")
    assert line.mark == mark and re.search(words, line.text), line


@pytest.mark.parametrize(
    ("wanted", "reserved", "is_local", "mark"),
    [
        ("1", 1, False, "ok"),
        ("0", None, False, "ok"),
        ("1", None, False, "FAIL"),
        ("0", 5, False, "FAIL"),
        ("1", None, True, "ok"),
        ("1", 5, True, "FAIL"),
    ],
)
def test_the_reservation_is_what_the_parameter_says(wanted, reserved, is_local, mark):
    answer = {} if reserved is None else {"ReservedConcurrentExecutions": reserved}
    client = SimpleNamespace(get_function_concurrency=lambda **_: answer)
    stack = SimpleNamespace(
        parameters={"SyncReservedConcurrency": wanted}, is_local=is_local, client=lambda _: client
    )
    assert smoke_checks.reservation(stack, "function").mark == mark


def machine(validate, is_local):
    client = SimpleNamespace(
        describe_state_machine=lambda **_: {"definition": "{}", "type": "STANDARD"},
        validate_state_machine_definition=validate,
    )
    return SimpleNamespace(is_local=is_local, client=lambda _: client)


@pytest.mark.parametrize(("is_local", "mark"), [(True, "ok"), (False, "FAIL")])
def test_only_a_local_aws_may_not_know_the_validation(is_local, mark):
    stack = machine(refuse("UnknownOperationException"), is_local)
    check = smoke_checks.guarded(lambda one: smoke_checks.definition(one, "arn:sync"), stack)
    [line] = check
    assert line.mark == mark and ("not known here" in line.text) == is_local


def test_what_aws_finds_wrong_in_a_definition_is_a_line_each():
    found = [
        {"severity": "ERROR", "code": "BAD", "message": "no\nsuch state", "location": "/States"},
        {"severity": "WARNING", "code": "ODD", "message": "unreachable"},
    ]
    stack = machine(lambda **_: {"result": "FAIL", "diagnostics": found}, False)
    bad, odd = smoke_checks.definition(stack, "arn:sync")
    assert bad.mark == "FAIL" and "BAD, no such state (/States). " in bad.text
    assert odd.mark == "warn" and "ODD, unreachable (no place). " in odd.text


@pytest.mark.parametrize(
    ("status", "words", "can_run"),
    [
        ("CREATE_COMPLETE", None, True),
        ("UPDATE_COMPLETE", None, True),
        ("ROLLBACK_COMPLETE", "delete it, deploy again", False),
        ("DELETE_FAILED", "its deletion failed: read why", False),
        ("UPDATE_IN_PROGRESS", "wait until it is over", False),
        ("REVIEW_IN_PROGRESS", "confirm it", False),
        ("UPDATE_ROLLBACK_COMPLETE", "as before the last deployment", True),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback", False),
    ],
)
def test_a_stack_that_is_not_complete_is_told_and_runs_only_if_it_stands(status, words, can_run):
    stack = Deployed(PRODUCTION)
    outputs = {**dict.fromkeys(smoke_checks.template()["Outputs"], "x"), "Version": this_version()}
    stack.described = {
        "StackStatus": status,
        "StackId": f"arn:aws:cloudformation:{REGION}:000000000000:stack/partner-sync/1",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
    }
    first, version = smoke_checks.stack(stack)
    assert (first.mark == "ok") == (words is None) and (words or status) in first.text
    assert version.mark == "ok" and stack.can_run == can_run


def test_missing_outputs_are_named(seen):
    stack = Deployed(PRODUCTION)
    del stack.outputs["BucketName"], stack.outputs["Version"]
    _, bucket, version = smoke_checks.stack(stack)
    assert bucket.mark == "FAIL" and "does not tell BucketName. " in bucket.text
    assert version.mark == "FAIL" and "deploy this version again" in version.text
    assert not stack.can_run


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refuse("AccessDeniedException"), "use credentials that may call TheCall"),
        (refuse("ExpiredToken"), "sign in to AWS again"),
        (refuse("Throttling"), "start make smoke again"),
    ],
)
def test_what_aws_refuses_is_a_line_with_what_to_do(error, words):
    mark, text = told(smoke_checks.guarded, error, None)
    assert mark == "FAIL" and words in text


def test_without_credentials_there_is_one_line_and_no_trace():
    def ask(_):
        raise NoCredentialsError

    mark, text = told(smoke_checks.guarded, ask, None)
    assert mark == "FAIL" and "AWS_PROFILE" in text


ENDS = {
    "Sync.Auth": ({"status": "FAILED", "error": "Sync.Auth"}, "#syncauth"),
    "Lambda.Unknown": ({"status": "FAILED", "error": "Lambda.Unknown"}, "#awss-own-names"),
    "timed out": ({"status": "TIMED_OUT", "error": "States.Timeout"}, "#alarm-runtimedout"),
    "skipped": ({"status": "SUCCEEDED", "output": {"verdict": "SKIPPED"}}, "#a-run-is-skipped"),
    "aborted": ({"status": "ABORTED"}, "start make smoke again"),
    "applied": ({"status": "SUCCEEDED", "output": {"verdict": "OK"}}, "it must end PLANNED"),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_other_end_of_the_plan_run_is_a_failure_with_a_section_that_exists(end):
    described, words = ENDS[end]
    described = {"name": "smoke-1", "output": None, **described}
    mark, text = told(smoke_run.judged, described, "infra/RUNBOOK.md")
    assert mark == "FAIL" and words in text
    headings = re.findall("^##+ (.*)", (ROOT / "infra" / "RUNBOOK.md").read_text(), re.M)
    sections = {smoke_run.section("", heading) for heading in headings}
    assert not words.startswith("#") or words in sections


def test_a_plan_run_that_has_written_is_a_failure():
    written = {"mode": "plan", "applied": {"created": 1, "marked": 0}}
    assert smoke_run.unwritten(written).mark == "FAIL"
    assert smoke_run.unwritten({"mode": "apply", "applied": {"created": 0}}).mark == "FAIL"
    assert smoke_run.unwritten({"mode": "plan", "applied": {"created": 0}}).mark == "ok"

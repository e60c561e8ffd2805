"""What an operator sees: reports of every end, history, metrics, messages, logs, a replay."""

import json
import os
import subprocess
import sys

import jsonata
import pytest
from test_guard import leave

from common.executions import states_entered
from common.places import REGION, ROOT
from common.processes import signed_in
from common.template import definitions

GLOBAL, US_GOVERNMENT = "partner-sync/zendesk/global", "partner-sync/zendesk/us-government"


def lines(twin):
    """The functions' log, each line as JSON."""
    return [json.loads(line) for line in twin.logs().splitlines() if line.startswith("{")]


def emitted(twin):
    """Metric name to all of its values, from the embedded metric format in the log."""
    values = {}
    for line in lines(twin):
        for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert (group["Namespace"], group["Dimensions"]) == (
                "PartnerSync",
                [["Stack"]],
            ) and line["Stack"] == "partner-sync"
            for metric in group["Metrics"]:
                values.setdefault(metric["Name"], []).extend(line[metric["Name"]])
    return values


def report(twin, run_id):
    return twin.stack.document(run_id, "report.json")


def section(page, title):
    return next(one["rows"] for one in page["sections"] if one["title"] == title)


def assert_transitions(twin, described):
    """The report's number of states entered, on which its cost rests, is the execution's own."""
    page = report(twin, described["name"])
    note = next(one["note"] for one in page["sections"] if one["title"] == "Time, calls and cost")
    transitions = len(states_entered(twin.stack.history(described["executionArn"])))
    assert f"{transitions} state transitions" in note and "USD" in note, note


def refuse_the_credentials(twin):
    secret = {**json.loads(twin.remote.secrets()[GLOBAL]), "client_secret": "wrong"}
    twin.stack.put_secrets({GLOBAL: json.dumps(secret)})


def test_people_are_told_of_changes_of_state_and_of_nothing_else(twin):
    twin.run()
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: OK, 2 marks set" and "On Saturday " in message
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"
    assert twin.told() == []
    twin.change(lambda state: leave(state, 12))
    twin.remember()
    described = twin.run()
    held = described["output"]["held"][0]
    assert_transitions(twin, described)
    [(subject, message)] = twin.told()
    assert (
        subject == "partner-sync: HELD (was NOTHING_TO_DO)"
        and "Held marks: 12 new, 0 waiting and 0 that stand, of 169 partner" in message
    )
    twin.run()
    assert twin.told() == []
    twin.run({"approve": [held["digest"]]})
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: OK (was HELD), 12 marks set"
    assert len(message.splitlines()) <= 10
    refuse_the_credentials(twin)
    assert twin.run({"mode": "plan"})["error"] == "Sync.Auth"
    assert twin.told() == [], "somebody's try is not the pipeline's state"
    assert twin.run()["error"] == "Sync.Auth"
    [(subject, message)] = twin.told()
    assert (
        subject == "partner-sync: FAILED Sync.Auth (was OK)"
        and 'infra/RUNBOOK.md, section "Sync.Auth"' in message
        and "What happened: zendesk global: " in message
    )
    twin.run()
    assert twin.told() == []
    twin.stack.put_secrets(twin.remote.secrets())
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"
    assert [subject for subject, _ in twin.told()] == [
        "partner-sync: NOTHING_TO_DO (was FAILED Sync.Auth)"
    ]


def test_a_failed_run_leaves_a_report_and_a_place_in_the_history(twin):
    twin.run()
    twin.change(lambda state: state["salesforce"]["hidden"].append("Support_Hold__c"))
    failed = twin.run()
    page = report(twin, failed["name"])
    assert (page["verdict"], page["headline"], page["runbook"]["url"]) == (
        "FAILED",
        "Sync.Contract",
        "infra/RUNBOOK.md#synccontract",
    )
    assert "Support_Hold__c" in page["what_to_do"][0]["text"]
    machine = twin.stack.state_machine
    which = f"--region {REGION} --state-machine-arn {machine}"
    command = f"aws stepfunctions start-execution {which} --input '{{}}'"
    assert page["what_to_do"][-1]["command"] == command
    assert section(page, "Inputs")[0] == ["Salesforce accounts", "", "NO"]
    assert [run["verdict"] for run in page["last_runs"]] == ["OK", "FAILED"]
    history = json.loads(twin.stack.objects()["history.json"])
    assert [(run["ending"], run.get("error")) for run in history["runs"]] == [
        ("OK", None),
        ("FAILED", "Sync.Contract"),
    ]
    assert json.loads(twin.stack.objects()["latest.json"])["run_id"] != failed["name"]


def test_a_run_that_fails_while_it_writes_reports_its_plan(twin):
    forbidden = {"kind": "instead", "status": 403, "body": '{"error": "Forbidden"}'}
    twin.remote.put_faults(
        [
            {
                "host": "global",
                "method": "POST",
                "path": "/api/v2/organizations",
                "skip": 1,
                "times": 0,
                "act": forbidden,
            }
        ]
    )
    failed = twin.run()
    assert failed["error"] == "Sync.Auth"
    page = report(twin, failed["name"])
    assert [row[-1] for row in section(page, "Marks for deletion")] == ["not known"] * 2
    assert [row[-1] for row in section(page, "New organizations")] == [
        "done",
        "not known",
        "not known",
    ]
    assert section(page, "Plan and result")[0] == ["creates", "3", "1", "1", "0", "0", "0", "0"]
    calls = int(section(page, "Time, calls and cost")[3][3])
    assert calls in (5, 6), "a token, the un-mark with a look or two, two creates"


def test_a_wrong_setting_of_the_stage_that_records_is_recorded_all_the_same(twin):
    twin.stack.deploy(ProtectedAccountIds="0014M00001sDiGEQAX")
    try:
        failed = twin.run()
        assert failed["error"] == "Sync.Config"
        assert "PROTECTED_ACCOUNT_IDS" in report(twin, failed["name"])["what_to_do"][0]["text"]
        assert [subject for subject, _ in twin.told()] == [
            "partner-sync: FAILED Sync.Config (the first run)"
        ]
    finally:
        twin.stack.deploy(ProtectedAccountIds="0014M0000009005")


def test_a_plan_that_cannot_be_read_is_not_called_no_plan(twin):
    hanging = {
        "host": "global",
        "method": "POST",
        "path": "/api/v2/organizations",
        "skip": 0,
        "times": 1,
        "act": {"kind": "hang_before"},
    }
    twin.remote.put_faults([hanging])
    execution = twin.start_until("Apply the plan")
    twin.until_hung()
    run_id = execution.rsplit(":", 1)[1]
    twin.put(f"runs/{run_id}/creates.json", b"{}")
    twin.kill_sync()
    assert twin.stack.wait(execution)["error"] == "Sync.Contract"
    told = " ".join(step["text"] for step in report(twin, run_id)["what_to_do"])
    assert "cannot tell whether anything was written" in told and "nothing was written" not in told


LAMBDAS = '{"errorMessage": "salesforce: refused", "errorType": "Sync.Auth"}'
WORDS = "salesforce: refused"
HISTORY = "See the execution history."


@pytest.mark.parametrize(
    ("failure", "payload", "asked", "told"),
    [
        ({"Cause": LAMBDAS}, {"cause": WORDS}, LAMBDAS, WORDS),
        ({"Cause": "cut"}, {}, "cut", "cut"),
        ({"Cause": None}, {}, "", HISTORY),
        ({}, {}, "", HISTORY),
        ({"Cause": {"nested": 1}}, {"cause": None}, "", HISTORY),
    ],
)
def test_a_failure_is_told_whatever_its_cause_is(failure, payload, asked, told):
    """Also if the function that records it is older than the state machine."""
    state = definitions()["StateMachine"]["States"]["Record the failure"]

    def value(text, **bound):
        expression = jsonata.Jsonata(text.strip("{%} "))
        frame = expression.create_frame()
        for name, what in {"failure": {"Error": "Sync.Auth", **failure}, **bound}.items():
            frame.bind(name, what)
        return expression.evaluate({}, frame)

    assert value(state["Arguments"]["Payload"]["ended"]["failed"]["cause"]) == asked
    result = {"result": {"Payload": payload}}
    assert value(state["Assign"]["cause"], states=result) == told
    without_it = asked or HISTORY
    assert value(state["Catch"][0]["Assign"]["cause"]) == without_it


def test_a_skipped_run_leaves_a_report_that_names_the_other(twin):
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(takes_ms=3_000_000))
    first = twin.start_until("Apply the plan")
    skipped = twin.run()
    assert skipped["output"]["verdict"] == "SKIPPED"
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(takes_ms=500))
    assert twin.stack.wait(first)["output"]["verdict"] == "OK"
    page = report(twin, skipped["name"])
    assert page["verdict"] == "SKIPPED" and first in page["what_to_do"][0]["text"]
    history = json.loads(twin.stack.objects()["history.json"])
    assert [run["ending"] for run in history["runs"]] == ["OK"], (
        "a skipped run is not in the history"
    )


def test_the_report_counts_calls_and_transitions_as_they_were(twin):
    twin.remote.clear_log()
    described = twin.run()
    page = report(twin, described["name"])
    everything = dict(
        zip(
            ("stage", "invocations", "seconds", "calls", "repeated", "429s", "waits"),
            section(page, "Time, calls and cost")[-1],
            strict=True,
        )
    )
    assert int(everything["calls"]) == len(twin.remote.log())
    assert_transitions(twin, described)
    [salesforce, target, *_] = section(page, "Inputs")
    assert salesforce[:2] == ["Salesforce accounts", "168"] and salesforce[5] == "yes"
    assert target[:4] == ["Zendesk global", "5210", "169", "53"]
    again = report(twin, twin.run()["name"])
    assert section(again, "Inputs")[0][6] == "+0", "compared with the last good run"


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_run_is_replayed_from_its_bucket(twin, spoiled):
    run_id = twin.run()["name"]
    if spoiled:
        key = f"runs/{run_id}/updates.json"
        changed = twin.stack.objects()[key].replace(b"Nova Linden", b"Somebody Else")
        twin.put(key, changed)
    env = {
        **os.environ,
        "BUCKET": twin.stack.bucket,
        **signed_in(twin.stack.endpoint),
        "AWS_REGION": REGION,
        "PYTHONPATH": str(ROOT / "infra"),
    }
    before = twin.stack.objects()
    done = subprocess.run(
        [sys.executable, "-m", "local.replay", run_id],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == int(spoiled), done.stderr
    assert done.stdout.count("the same, byte for byte") == (3 if spoiled else 4)
    assert ("updates.json       DIFFERS" in done.stdout) == spoiled
    assert twin.stack.objects() == before, "a replay writes nothing"

"""What an operator sees: reports of every end, the history, metrics, messages, logs, and a replay from the bucket."""

import json
import os
import signal
import subprocess
import sys
import time

import jsonata
import pytest
from local import observed
from local.processes import REGION, ROOT
from local.stack import states_entered
from test_guard import leave
from test_killed import sync_processes

GLOBAL, US_GOVERNMENT = "partner-sync/zendesk/global", "partner-sync/zendesk/us-government"


def lines(twin):
    """The functions' log, each line as JSON."""
    return [json.loads(line) for line in twin.logs().splitlines() if line.startswith("{")]


def emitted(twin):
    """Metric name to all of its values, from the embedded metric format in the log."""
    values = {}
    for line in lines(twin):
        for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert (group["Namespace"], group["Dimensions"]) == ("PartnerSync", [["Stack"]]) and line["Stack"] == "partner-sync"
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
    assert twin.told() == []
    twin.change(lambda state: leave(state, 12))
    described = twin.run()
    held = described["output"]["held"][0]
    assert_transitions(twin, described)
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: HELD (was OK)" and "Held marks: 12 of 173 partner organizations (6.9 %); the limit is 8" in message
    twin.run()
    assert twin.told() == []
    twin.run({"approve": [held["digest"]]})
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: OK (was HELD)" and len(message.splitlines()) <= 6
    refuse_the_credentials(twin)
    assert twin.run({"mode": "plan"})["error"] == "Sync.Auth"
    assert twin.told() == [], "somebody's try is not the pipeline's state"
    assert twin.run()["error"] == "Sync.Auth"
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: FAILED Sync.Auth (was OK)" and "infra/RUNBOOK.md, Sync.Auth" in message
    twin.run()
    assert twin.told() == []
    twin.stack.put_secrets(twin.remote.secrets())
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"
    assert [subject for subject, _ in twin.told()] == ["partner-sync: NOTHING_TO_DO (was FAILED Sync.Auth)"]


def test_a_failed_run_leaves_a_report_and_a_place_in_the_history(twin):
    twin.run()
    twin.change(lambda state: state["salesforce"]["hidden"].append("Support_Hold__c"))
    failed = twin.run()
    page = report(twin, failed["name"])
    assert (page["verdict"], page["headline"], page["runbook"]["url"]) == ("FAILED", "Sync.Contract", "infra/RUNBOOK.md#synccontract")
    assert "Support_Hold__c" in page["what_to_do"][0]["text"]
    command = f"aws stepfunctions start-execution --state-machine-arn {twin.stack.state_machine} --input '{{}}'"
    assert page["what_to_do"][-1]["command"] == command
    assert section(page, "Inputs")[0] == ["Salesforce accounts", "", "NO"]
    assert [run["verdict"] for run in page["last_runs"]] == ["OK", "FAILED"]
    history = json.loads(twin.stack.objects()["history.json"])
    assert [(run["ending"], run.get("error")) for run in history["runs"]] == [("OK", None), ("FAILED", "Sync.Contract")]
    assert json.loads(twin.stack.objects()["latest.json"])["run_id"] != failed["name"]


def test_a_run_that_fails_while_it_writes_reports_its_plan(twin):
    forbidden = {"kind": "instead", "status": 403}
    twin.remote.put_faults([{"host": "global", "method": "POST", "path": "/api/v2/organizations", "skip": 1, "times": 0, "act": forbidden}])
    failed = twin.run()
    assert failed["error"] == "Sync.Auth"
    page = report(twin, failed["name"])
    assert [row[-1] for row in section(page, "Marks for deletion")] == ["not known"] * 2
    assert [row[-1] for row in section(page, "New organizations")] == ["done", "not known", "not known"]
    assert section(page, "Plan and result")[0] == ["creates", "3", "1", "1", "0", "0", "0", "0"]
    assert int(section(page, "Time, calls and cost")[3][3]) == 3, "a token and two creates"


def test_a_wrong_setting_of_the_stage_that_records_is_recorded_all_the_same(twin):
    twin.stack.deploy(ProtectedAccountIds="0014M00001sDiGEQAX")
    try:
        failed = twin.run()
        assert failed["error"] == "Sync.Config"
        assert "PROTECTED_ACCOUNT_IDS" in report(twin, failed["name"])["what_to_do"][0]["text"]
        assert [subject for subject, _ in twin.told()] == ["partner-sync: FAILED Sync.Config (the first run)"]
    finally:
        twin.stack.deploy(ProtectedAccountIds="0014M0000009005")


def test_a_plan_that_cannot_be_read_is_not_called_no_plan(twin):
    hanging = {"host": "global", "method": "POST", "path": "/api/v2/organizations", "skip": 0, "times": 1, "act": {"kind": "hang_before"}}
    twin.remote.put_faults([hanging])
    execution = twin.stack.start(twin.name())
    until = time.monotonic() + 60
    while "Apply the plan" not in states_entered(twin.stack.history(execution)) or not any(
        call["status"] == 0 for call in twin.remote.log()
    ):
        assert time.monotonic() < until
        time.sleep(0.05)
    run_id = execution.rsplit(":", 1)[1]
    twin.stack.s3.put_object(Bucket=twin.stack.bucket, Key=f"runs/{run_id}/creates.json", Body=b"{}")
    for id in sync_processes(twin.stack.endpoint):
        os.kill(id, signal.SIGKILL)
    assert twin.stack.wait(execution)["error"] == "Sync.Contract"
    told = " ".join(step["text"] for step in report(twin, run_id)["what_to_do"])
    assert "cannot tell whether anything was written" in told and "nothing was written" not in told


CAUSES = {
    '{"errorMessage": "salesforce: refused", "errorType": "Sync.Auth"}': "salesforce: refused",
    'Lambda did not return an error type. Returned payload: {"errorMessage":"Task timed out after 300.00 seconds"}': None,
    "A plain cause": None,
    "": None,
}


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_a_failure_is_named(cause):
    states = json.loads((ROOT / "infra" / "statemachine.asl.json").read_text())["States"]
    expression = jsonata.Jsonata(states["Name the failure"]["Assign"]["cause"].strip("{%} "))
    expression.register_lambda("parse", json.loads)
    bound = expression.create_frame()
    bound.bind("failure", {"Error": "Lambda.Unknown", "Cause": cause})
    assert expression.evaluate({}, bound) == (CAUSES[cause] or cause)


def test_a_skipped_run_leaves_a_report_that_names_the_other(twin):
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(slowness=60))
    first = twin.stack.start(twin.name())
    until = time.monotonic() + 60
    while "Apply the plan" not in states_entered(twin.stack.history(first)):
        assert time.monotonic() < until
        time.sleep(0.05)
    skipped = twin.run()
    assert skipped["output"]["verdict"] == "SKIPPED"
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(slowness=0))
    assert twin.stack.wait(first)["output"]["verdict"] == "OK"
    page = report(twin, skipped["name"])
    assert page["verdict"] == "SKIPPED" and first in page["what_to_do"][0]["text"]
    history = json.loads(twin.stack.objects()["history.json"])
    assert [run["ending"] for run in history["runs"]] == ["OK"], "a skipped run is not in the history"


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


def test_every_metric_is_emitted_under_the_name_alarms_and_dashboard_use(twin):
    secret = {"auth": "api_token", "base_url": twin.remote.urls["us-government"], "email": "sync@partner.example", "token": "zd-api-token"}
    twin.stack.put_secrets({US_GOVERNMENT: json.dumps(secret)})
    twin.change(lambda state: state["zendesk"]["us-government"].update(basic="sync@partner.example/token:zd-api-token"))
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(slowness=60))
    first = twin.stack.start(twin.name())
    until = time.monotonic() + 60
    while "Wait before syncing on" not in states_entered(twin.stack.history(first)):
        assert time.monotonic() < until
        time.sleep(0.05)
    twin.stack.sfn.stop_execution(executionArn=first)
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(slowness=0))
    described = twin.run()
    assert described["output"]["verdict"] == "OK"
    values = emitted(twin)
    assert set(values) == observed.metrics()
    assert values["LeaseTakenOver"][-1] == 1 and values["GoodRun"][-1] == 1 and values["Accounts"][-1] == 168
    assert values["Conflicts"][-1] == 1 and values["SuspiciouslyEmptyRun"][-1] == 0 and values["HeldChanges"][-1] == 0
    assert (
        first
        in next(line for line in lines(twin) if "lease was taken over" in line.get("fields", {}).get("message", ""))["fields"][
            "lease_taken_from"
        ]
    )
    assert 0 < values["CredentialDaysLeft"][-1] < 1000
    page = report(twin, described["name"])
    assert section(page, "Credentials")[-1][:3] == [US_GOVERNMENT, "api_token", "2027-04-30"]


def test_the_metrics_of_a_bad_hour_say_so(twin):
    twin.run()
    twin.change(lambda state: leave(state, 40))
    some = sorted(twin.remote.state()["zendesk"]["global"]["organizations"])
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(refuse={id: "Owner: is invalid" for id in some}))

    def new_owner(state):
        record = next(one for one in state["salesforce"]["accounts"].values() if one["Partners_Partner_Status__c"] == "Authorized")
        record["Account_Owner_Calc__c"] = "Robin Reed"

    twin.change(new_owner)
    assert twin.run()["output"]["verdict"] == "HELD"
    refuse_the_credentials(twin)
    twin.run()
    values = emitted(twin)
    assert sorted(values["GoodRun"]) == [0, 0, 1] and values["HeldChanges"][-1] == 40 and values["FailedRecords"][-1] == 1
    assert values["SuspiciouslyEmptyRun"][-1] == 1


def test_alarms_and_dashboard_are_deployed(twin):
    alarms = {alarm["AlarmDescription"].rsplit("#alarm-", 1)[1] for alarm in twin.stack.cloudwatch.describe_alarms()["MetricAlarms"]}
    assert {"runfailed", "heldchanges", "credentialends", "suspiciouslyemptyrun"} <= alarms
    assert "nogoodrun" not in alarms, "without a schedule no run is expected"
    body = json.loads(twin.stack.cloudwatch.get_dashboard(DashboardName="partner-sync")["DashboardBody"])
    assert len(body["widgets"]) >= 10 and "${" not in json.dumps(body)


def test_what_does_not_hold_together_is_found(monkeypatch):
    assert list(observed.problems({"Sync.Auth"})) == []
    template = observed.template()
    alarms = template["Resources"]
    alarms["HeldChanges"]["Properties"]["MetricName"] = "HeldBack"
    alarms["Conflicts"]["Properties"]["AlarmDescription"]["Sub"] = "no link"
    alarms["Forgotten"] = alarms["RunFailed"]
    monkeypatch.setattr(observed, "template", lambda: template)
    alarms["CredentialEnds"]["Properties"]["Threshold"] = 3
    monkeypatch.setattr(observed, "metrics", lambda: {f"M{n}" for n in range(12)} | {"GoodRun"})
    found = "\n".join(observed.problems({"Sync.Auth", "Sync.Novel"}))
    for problem in (
        "M3: emitted, and not on the dashboard",
        "Created: on the dashboard, and never emitted",
        "HeldBack: an alarm watches it",
        "CredentialEnds: is ('CredentialDaysLeft', '<', 3",
        "Conflicts: its description links to no section",
        "Forgotten: not on the dashboard",
        "Sync.Novel: no section in the runbook",
    ):
        assert problem in found


def test_each_stage_leaves_one_line_with_counts_run_and_request_ids(twin):
    described = twin.run()
    own = [line["fields"] for line in lines(twin) if line.get("fields", {}).get("run_id") == described["name"]]
    ends = {line["message"]: line for line in own if not line["message"].startswith("pause: ")}
    assert sorted(ends) == ["accounts gathered", "compared", "organizations gathered", "synced"]
    assert ends["accounts gathered"]["accounts"] == 168 and ends["accounts gathered"]["request_ids"].startswith("salesforce-")
    assert ends["organizations gathered"]["scanned"] == 6010 and "us-government-" in ends["organizations gathered"]["request_ids"]
    assert (ends["compared"]["creates"], ends["compared"]["updates"], ends["compared"]["marks"]) == (3, 18, 2)
    assert ends["synced"]["created"] == 3 and ends["synced"]["request_ids"].startswith("global-")


def test_a_stage_that_fails_leaves_its_line_too_wherever_it_fails(twin):
    def last_line(failed):
        own = [line["fields"] for line in lines(twin) if line.get("fields", {}).get("run_id") == failed["name"]]
        return next((line["stage"], line["error"]) for line in own if "stage" in line)

    refuse_the_credentials(twin)
    assert last_line(twin.run()) == ("gather-orgs", "Sync.Auth")
    twin.stack.secrets_manager.delete_secret(SecretId="partner-sync/salesforce", ForceDeleteWithoutRecovery=True)
    assert last_line(twin.run()) == ("gather-accounts", "Sync.Config")


def test_no_name_of_a_partner_or_a_person_stands_in_the_logs(twin):
    state = twin.remote.state()
    names = {one["name"] for one in state["zendesk"]["global"]["organizations"].values() if len(one["name"]) > 5}
    names |= {record[field] for record in state["salesforce"]["accounts"].values() for field in ("Name", "Account_Owner_Calc__c")}
    some = sorted(state["zendesk"]["global"]["organizations"])
    refused = {id: "Name: Kestrel Labs has already been taken" for id in some}
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(refuse=refused))
    taken = json.dumps({"error": "RecordInvalid", "description": "Name: Kestrel Labs has already been taken"})
    act = {"kind": "instead", "status": 422, "body": taken}
    twin.remote.put_faults([{"host": "global", "method": "POST", "path": "/api/v2/organizations", "skip": 0, "times": 1, "act": act}])
    assert twin.run()["output"]["verdict"] == "PARTIAL"
    twin.remote.put_faults([{"host": "global", "method": "GET", "path": "/api/v2/organizations", "skip": 0, "times": 0, "act": act}])
    assert twin.run()["error"] == "Sync.Rejected"
    logged = twin.logs()
    assert "failed: zendesk: status 422" in logged and "an organization could not be created" in logged
    assert [name for name in {*names, "Kestrel Labs"} if name in logged] == []


def test_limits_and_warnings_are_logged_when_they_matter(twin):
    twin.run()
    before = twin.logs()
    assert "Sforce-Limit-Info" not in before and "x-zendesk-api-warn" not in before
    warning = '{:allowed_parameters=>{:unpermitted_keys=>["organization.colour"], :invalid_values=>["canary-value"]}}'
    headers = {"sforce-limit-info": "api-usage=4900/5000", "x-zendesk-api-warn": warning}
    twin.change(lambda state: state.update(headers=headers))
    twin.run()
    after = twin.logs()
    assert "Sforce-Limit-Info" in after and "organization.colour" in after and "canary-value" not in after


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_run_is_replayed_from_its_bucket(twin, spoiled):
    run_id = twin.run()["name"]
    if spoiled:
        key = f"runs/{run_id}/updates.json"
        changed = twin.stack.objects()[key].replace(b"Nova Linden", b"Somebody Else")
        twin.stack.s3.put_object(Bucket=twin.stack.bucket, Key=key, Body=changed)
    env = {
        **os.environ,
        "BUCKET": twin.stack.bucket,
        "AWS_ENDPOINT_URL": twin.stack.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    before = twin.stack.objects()
    done = subprocess.run([sys.executable, "-m", "local.replay", run_id], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == int(spoiled), done.stderr
    assert done.stdout.count("the same, byte for byte") == (3 if spoiled else 4)
    assert ("updates.json       DIFFERS" in done.stdout) == spoiled
    assert twin.stack.objects() == before, "a replay writes nothing"

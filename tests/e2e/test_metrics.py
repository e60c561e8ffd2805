"""Metrics, alarms, dashboard and runbook."""

import json

from local import observed
from test_guard import leave
from test_observability import (
    US_GOVERNMENT,
    emitted,
    lines,
    refuse_the_credentials,
    report,
    section,
)


def test_every_metric_is_emitted_under_the_name_alarms_and_dashboard_use(twin):
    secret = {
        "auth": "api_token",
        "base_url": twin.remote.urls["us-government"],
        "email": "sync@partner.example",
        "token": "zd-api-token",
    }
    twin.stack.put_secrets({US_GOVERNMENT: json.dumps(secret)})
    twin.change(
        lambda state: state["zendesk"]["us-government"].update(
            basic="sync@partner.example/token:zd-api-token"
        )
    )
    first = twin.stop_in_the_middle()
    # What it had sent is done by now.
    twin.change(new_owner)
    described = twin.run()
    assert described["output"]["verdict"] == "OK"
    values = emitted(twin)
    assert set(values) == observed.metrics()
    assert (
        values["LeaseTakenOver"][-1] == 1
        and values["GoodRun"][-1] == 1
        and values["Accounts"][-1] == 168
    )
    assert (
        values["Conflicts"][-1] == 1
        and values["SuspiciouslyEmptyRun"][-1] == 0
        and values["HeldChanges"][-1] == 0
    )
    assert (
        first
        in next(
            line
            for line in lines(twin)
            if "lease was taken over" in line.get("fields", {}).get("message", "")
        )["fields"]["lease_taken_from"]
    )
    assert 0 < values["CredentialDaysLeft"][-1] < 1000
    page = report(twin, described["name"])
    assert section(page, "Credentials")[-1][:3] == [US_GOVERNMENT, "api_token", "2027-04-30"]


def new_owner(state):
    """Another owner of the first partner's account."""
    accounts = state["salesforce"]["accounts"].values()
    partner = next(one for one in accounts if one["Partners_Partner_Status__c"] == "Authorized")
    partner["Account_Owner_Calc__c"] = "Robin Reed"


def test_the_metrics_of_a_bad_hour_say_so(twin):
    twin.run()
    twin.change(lambda state: leave(state, 40))
    twin.remember()
    some = sorted(twin.remote.state()["zendesk"]["global"]["organizations"])
    twin.change(
        lambda state: state["zendesk"]["global"]["jobs"].update(
            refuse={id: "Owner: is invalid" for id in some}
        )
    )

    twin.change(new_owner)
    assert twin.run()["output"]["verdict"] == "HELD"
    refuse_the_credentials(twin)
    twin.run()
    values = emitted(twin)
    assert (
        sorted(values["GoodRun"]) == [0, 0, 1]
        and values["HeldChanges"][-1] == 40
        and values["FailedRecords"][-1] == 1
        and values["UnknownRecords"][-1] == 0
    )
    assert values["SuspiciouslyEmptyRun"][-1] == 1


def test_alarms_and_dashboard_are_deployed(twin):
    alarms = {
        alarm["AlarmDescription"].rsplit("#alarm-", 1)[1]
        for alarm in twin.stack.cloudwatch.describe_alarms()["MetricAlarms"]
    }
    assert {"runfailed", "heldchanges", "credentialends", "suspiciouslyemptyrun"} <= alarms
    assert "nogoodrun" not in alarms, "without a schedule no run is expected"
    body = json.loads(
        twin.stack.cloudwatch.get_dashboard(DashboardName="partner-sync")["DashboardBody"]
    )
    assert len(body["widgets"]) >= 10 and "${" not in json.dumps(body)


def test_what_does_not_hold_together_is_found(monkeypatch):
    assert list(observed.problems({"Sync.Auth"})) == []
    template = observed.template()
    alarms = template["Resources"]
    alarms["HeldChanges"]["Properties"]["MetricName"] = "HeldBack"
    alarms["Conflicts"]["Properties"]["AlarmDescription"]["Sub"] = "no link"
    alarms["Forgotten"] = alarms["RunFailed"]
    del alarms["Sync"]["Properties"]["ReservedConcurrentExecutions"]
    monkeypatch.setattr(observed, "template", lambda: template)
    alarms["CredentialEnds"]["Properties"]["Threshold"] = 3
    monkeypatch.setattr(observed, "metrics", lambda: {f"M{n}" for n in range(12)} | {"GoodRun"})
    found = "\n".join(observed.problems({"Sync.Auth", "Sync.Novel"}))
    for problem in (
        "M3: emitted, and not on the dashboard",
        "Created: on the dashboard, and never emitted",
        "HeldBack: an alarm watches it",
        "CredentialEnds: is ('Minimum CredentialDaysLeft < 3'",
        "Conflicts: its description links to no section",
        "Forgotten: not on the dashboard",
        "Sync: its reserved concurrency is gone",
        "Sync.Novel: no section in the runbook",
    ):
        assert problem in found

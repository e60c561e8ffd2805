"""Metrics, alarms, dashboard and runbook."""

import json
import re

from test_guard import leave
from test_observability import (
    US_GOVERNMENT,
    emitted,
    lines,
    refuse_the_credentials,
    report,
    section,
)

from checks import observed
from common.tables import tables
from local.stack import Stack


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
    assert set(values) == set(tables()["metrics"])
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


def alarms(stack):
    """Section of the runbook to the alarm of a stack that links to it."""
    found = stack.cloudwatch.describe_alarms()["MetricAlarms"]
    return {
        one["AlarmDescription"].rsplit("#alarm-", 1)[1]: one
        for one in found
        if one["AlarmName"].startswith(f"{stack.name}-")
    }


def board(stack):
    """The dashboard's widgets."""
    body = stack.cloudwatch.get_dashboard(DashboardName=stack.name)["DashboardBody"]
    assert "${" not in body
    return json.loads(body)["widgets"]


def outputs(stack):
    described = stack.cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def test_alarms_and_dashboard_are_deployed(twin):
    deployed = alarms(twin.stack)
    wanted = {name.lower() for name in observed.ALARMS} - {"nogoodrun"}
    assert deployed.keys() == wanted, "without a schedule no run is expected"
    widgets = board(twin.stack)
    assert len(widgets) >= 10
    assert widgets[0]["properties"]["markdown"].count("infra/RUNBOOK.md\n") == 1
    queries = [one["properties"]["query"] for one in widgets if one["type"] == "log"]
    groups = {one["logGroupName"] for one in twin.stack.logs.describe_log_groups()["logGroups"]}
    named = {group for query in queries for group in re.findall(r"SOURCE '([^']+)'", query)}
    assert len(queries) == 2 and len(named) == 4 and named <= groups
    console = "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    assert outputs(twin.stack)["DashboardUrl"] == f"{console}#dashboards/dashboard/partner-sync"


def test_no_alarm_mails_when_it_ends(twin):
    deployed = alarms(twin.stack)
    assert deployed and not any(one["OKActions"] for one in deployed.values())
    silent = {name for name, one in deployed.items() if not one["AlarmActions"]}
    assert silent == {"heldchanges", "failedrecords", "unknownrecords"}


def test_an_existing_topic_takes_the_place_of_an_own_one(twin):
    topic = twin.stack.sns.create_topic(Name="people-of-another-team")["TopicArn"]
    before = twin.stack.sns.list_topics()["Topics"]
    stack = Stack(twin.stack.endpoint, "another")
    try:
        stack.deploy(NotificationTopicArn=topic, NotificationEmail="on-call@partner.example")
        assert twin.stack.sns.list_topics()["Topics"] == before
        assert outputs(stack)["NotificationTopicArn"] == topic
        told = alarms(stack)
        assert told.keys() == {name.lower() for name in observed.ALARMS} - {"nogoodrun"}
        for name, one in told.items():
            assert (one["AlarmActions"], one["OKActions"]) == ([topic], [topic]), name
        described = stack.sfn.describe_state_machine(stateMachineArn=stack.state_machine)
        assert described["definition"].count(topic) == 1
        [subscription] = stack.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert subscription["Endpoint"] == "on-call@partner.example"
    finally:
        stack.cloudformation.delete_stack(StackName=stack.name)
        twin.stack.cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack.name, WaiterConfig={"Delay": 1}
        )


def test_what_does_not_hold_together_is_found(monkeypatch):
    assert list(observed.problems({"Sync.Auth"})) == []
    template = observed.template()
    resources = template["Resources"]
    resources["HeldChanges"]["Properties"]["MetricName"] = "HeldBack"
    resources["Conflicts"]["Properties"]["AlarmDescription"]["Sub"] = "no link"
    resources["Forgotten"] = resources["RunFailed"]
    del resources["Sync"]["Properties"]["ReservedConcurrentExecutions"]
    monkeypatch.setattr(observed, "template", lambda: template)
    resources["CredentialEnds"]["Properties"]["Threshold"] = 3
    resources["InstanceUnread"]["Properties"]["OKActions"] = [{"Ref": "Notifications"}]
    del resources["HeldChanges"]["Properties"]["AlarmActions"]
    del resources["RunTimedOut"]["Properties"]["OKActions"]
    template["Mappings"]["Interval"]["6"]["QuarterSeconds"] = 900
    del template["Mappings"]["Interval"]["24"]
    del resources["NoGoodRun"]["Properties"]["WarmUpConfiguration"]
    said = {**tables(), "metrics": ["M3", "GoodRun"], "runbook_headings": ["Nowhere"]}
    monkeypatch.setattr(observed, "tables", lambda: said)
    found = "\n".join(observed.problems({"Sync.Auth", "Sync.Novel"}))
    for problem in (
        "M3: emitted, and not on the dashboard",
        "Created: on the dashboard, and never emitted",
        "HeldBack: an alarm watches it",
        "CredentialEnds: is ('Minimum CredentialDaysLeft < 3'",
        "InstanceUnread: is ('Maximum InstancesUnread >= 1', 5, 'one', 'ignore', 'begin+end')",
        "InstanceUnread: tells an existing topic begin instead of begin+end",
        "HeldChanges: tells an existing topic end instead of begin+end",
        "RunTimedOut: tells an existing topic begin instead of begin+end",
        "Interval: 6 h is {'QuarterSeconds': 900, 'WarmUpMinutes': 810}, and should be",
        "Interval: 24 h is None, and should be {'QuarterSeconds': 21600, 'WarmUpMinutes': 2880}",
        "NoGoodRun: would ring when the schedule is switched on",
        "alarms is 14 in the template",
        "the report names the runbook's section 'Nowhere'",
        "Conflicts: its description links to no section",
        "Forgotten: not on the dashboard",
        "Sync: its reserved concurrency is gone",
        "Sync.Novel: no section in the runbook",
    ):
        assert problem in found


def test_a_section_of_the_runbook_that_does_not_begin_with_its_question_is_found():
    good = "**Tomorrow**: is the account really gone?\nLook.\n\nDo not delete it."
    late = "Look at the account.\n\n**Page**: is it gone?\n\nDo not delete it."
    none = "**Page**. Look at the account.\n\nIs it gone?\n\nDo not delete it."
    sections = {"Alarm A": good, "Alarm B": late, "Sync.C": none, "Other": late}
    found = list(observed.incomplete(sections))
    assert [text.split(" does not begin")[0].rsplit(" ", 2)[1:] for text in found] == [
        ["Alarm", "B"],
        ["section", "Sync.C"],
    ]

"""Runs of the state machine on the local AWS, with the real release binaries."""

import json

import pytest
from test_observability import assert_transitions

from local.standins import organizations

TEXT = {
    "account_owner": "Account_Owner_Calc__c",
    "technical_account_manager": "Technical_Account_Manager_Name__c",
}
TYPES = {"Open": "open_partner", "Select": "select_partner"}


def wanted(record):
    """The fields an account's organization must have, written down apart from the product."""
    id = record["Account_ID_18__c"]
    architect = record["Solutions_Architect_Lookup__r"] or {}
    return {
        "salesforce_id": id,
        "sfdc_short_id": id[:15],
        **{key: record[source] for key, source in TEXT.items()},
        "solutions_architect": architect.get("Name"),
        "restricted_account": record["Restricted_Account__c"] == "Restricted Party",
        "support_hold": record["Support_Hold__c"],
        "org_in_escalated_state": record["Account_Risk_Level__c"] == "At Risk - Escalated",
        "account_type": "alliance_partner"
        if id == "0014M00001sDiGEQA0"
        else TYPES[record["Partner_Track__c"]],
    }


def test_the_target_equals_the_wanted_state_and_a_second_run_writes_nothing(twin):
    before = twin.remote.state()
    described = twin.run()
    assert described["status"] == "SUCCEEDED", described.get("cause")
    output = described["output"]
    assert output["verdict"] == "OK"
    assert output["applied"] == {
        "created": 3,
        "updated": 18,
        "marked": 2,
        "failed": 0,
        "unknown": 0,
        "drifted": 0,
    }

    run_id = described["name"]
    conflicts = twin.stack.document(run_id, "plan.json")["conflicts"]
    in_conflict = {
        party["salesforce_id"] for conflict in conflicts for party in conflict["accounts"]
    }
    after = twin.remote.state()
    by_account = {
        one["organization_fields"].get("salesforce_id"): one
        for one in organizations(after).values()
    }
    for id, record in after["salesforce"]["accounts"].items():
        if record["Partners_Partner_Status__c"] != "Authorized":
            continue
        if id in in_conflict:
            assert id not in by_account
            continue
        assert by_account[id]["name"] == record["Name"]
        fields = by_account[id]["organization_fields"]
        assert {key: fields.get(key) for key in wanted(record)} == wanted(record)
        assert not fields.get("mark_for_deletion")

    documents = {
        file: twin.stack.document(run_id, file) for file in ("updates.json", "not_in_sync.json")
    }
    touched = {
        entry["id"]
        for entry in documents["updates.json"]["updates"]
        + documents["not_in_sync.json"]["not_in_sync"]
    }
    old, new = organizations(before), organizations(after)
    assert {id: one for id, one in old.items() if id not in touched} == {
        id: new[id] for id in old if id not in touched
    }
    assert len(new) == len(old) + 3
    for entry in documents["not_in_sync.json"]["not_in_sync"]:
        assert new[entry["id"]]["organization_fields"]["mark_for_deletion"] is True
    assert organizations(before, "us-government") == organizations(after, "us-government")

    twin.remote.clear_log()
    again = twin.run()
    assert again["output"]["verdict"] == "NOTHING_TO_DO"
    assert twin.writes() == []
    assert organizations(twin.remote.state()) == new
    assert twin.leaks() == []


def test_a_run_makes_the_fewest_calls_there_can_be(twin):
    state = twin.remote.state()
    described = twin.run()
    assert described["output"]["verdict"] == "OK"
    calls = {}
    for call in twin.remote.log():
        key = (call["host"], call["method"], call["path"])
        calls[key] = calls.get(key, 0) + 1
    looks = calls.pop(("global", "GET", "/api/v2/job_statuses/show_many"))
    assert looks <= 4
    # A full last page is followed by an empty one.
    pages = {name: len(one["organizations"]) // 100 + 1 for name, one in state["zendesk"].items()}
    assert calls == {
        ("salesforce", "POST", "/services/oauth2/token"): 1,
        ("salesforce", "GET", "/services/data/v67.0/query"): 1,
        # What became of the accounts that are missing.
        ("salesforce", "GET", "/services/data/v67.0/queryAll"): 1,
        ("global", "GET", "/api/v2/organization_fields"): 1,
        ("global", "GET", "/api/v2/organizations"): pages["global"],
        ("us-government", "GET", "/api/v2/organizations"): pages["us-government"],
        # One token to read and one to write: the token for reading asks for no write scope.
        ("global", "POST", "/oauth/tokens"): 2,
        ("us-government", "POST", "/oauth/tokens"): 1,
        # Each is given back.
        ("global", "DELETE", "/api/v2/oauth/tokens/current"): 2,
        ("us-government", "DELETE", "/api/v2/oauth/tokens/current"): 1,
        ("global", "POST", "/api/v2/organizations"): 3,
        # The un-mark alone, the updates, the marks.
        ("global", "PUT", "/api/v2/organizations/update_many"): 3,
        ("global", "GET", "/api/v2/organizations/show_many"): 1,
        # The users and tickets of the two organizations that are to be marked.
        **{
            ("global", "GET", f"/api/v2/organizations/{id}/related"): 1
            for id in (19856122789784, 19856122789791)
        },
    }


def test_45_jobs_pause_after_20_and_40_of_them(twin):
    twin.fresh(seed=7, accounts=4500, global_=4500, us_government=100)

    def new_owner(state):
        for record in state["salesforce"]["accounts"].values():
            record["Account_Owner_Calc__c"] = "Nova Linden"

    twin.change(new_owner)
    held = twin.run()["output"]
    assert held["verdict"] == "HELD"
    assert [(one["category"], one["count"], one["limit"]) for one in held["held"]] == [
        ("updates", 4500, 1350)
    ]
    twin.remote.clear_log()
    described = twin.run({"approve": [held["held"][0]["digest"]]})
    assert described["output"]["verdict"] == "OK"
    assert described["output"]["applied"]["updated"] == 4500
    puts = [call for call in twin.remote.log() if call["method"] == "PUT"]
    assert len(puts) == 45
    assert jobs_before_pauses(twin, described) == [20, 40]
    assert_transitions(twin, described)
    assert twin.remote.state()["zendesk"]["global"]["jobs"]["peak"] <= 20


def jobs_before_pauses(twin, described):
    """How many jobs had been sent when each pause of 30 s began.

    By the clocks of the stand-ins and of the local AWS.
    """
    sent = [call["at"] for call in twin.remote.log() if call["method"] == "PUT"]
    pauses, asked = [], None
    for event in twin.stack.history(described["executionArn"]):
        text = event.get("taskSucceededEventDetails", {}).get("output")
        payload = json.loads(text).get("Payload") if text else None
        if isinstance(payload, dict):
            asked = payload.get("wait_seconds")
        if (
            event.get("stateEnteredEventDetails", {}).get("name") == "Wait before syncing on"
            and asked == 30
        ):
            pauses.append(sum(at <= event["timestamp"].timestamp() * 1000 for at in sent))
    return pauses


def test_plan_mode_writes_documents_and_nothing_else(twin):
    described = twin.run({"mode": "plan"})
    output = described["output"]
    assert (output["verdict"], output["mode"]) == ("PLANNED", "plan")
    assert output["counts"]["creates"] == 3
    assert twin.writes() == []
    names = {key.rsplit("/", 1)[1] for key in twin.stack.objects() if "/" in key}
    assert names == {
        "accounts.json", "organizations.json", "plan.json",
        "creates.json", "updates.json", "not_in_sync.json",
        "report.html", "report.md", "report.json", "sync.toml",
    }  # fmt: skip
    assert twin.stack.lease() is None


@pytest.mark.parametrize(
    "input",
    [
        {"mode": "aply"},
        {"dry_run": True},
        {"approve": "sha256:00"},
        {"approve": ["all"]},
        {"approve": ["sha256:" + "0" * 64] * 5},
        {"approved_by": ""},
        {"note": "two\nlines"},
        {"note": "x" * 201},
        {"mode": None},
        [],
        "x",
    ],
)
def test_an_unknown_input_is_refused_before_anything_is_read(twin, input):
    described = twin.run(input)
    assert (described["status"], described["error"]) == ("FAILED", "Sync.Input")
    assert "approve" in described["cause"] and "Start it again" in described["cause"]
    assert twin.remote.log() == [] and twin.stack.lease() is None

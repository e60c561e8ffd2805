"""The functions' logs: a line a stage, what matters, and no name."""

import json
from datetime import UTC, datetime

from test_observability import lines, refuse_the_credentials


def test_each_stage_leaves_one_line_with_counts_run_and_request_ids(twin):
    described = twin.run()
    own = [
        line["fields"]
        for line in lines(twin)
        if line.get("fields", {}).get("run_id") == described["name"]
    ]
    ends = {line["message"]: line for line in own if not line["message"].startswith("pause: ")}
    assert sorted(ends) == ["accounts gathered", "compared", "organizations gathered", "synced"]
    assert ends["accounts gathered"]["accounts"] == 168 and ends["accounts gathered"][
        "request_ids"
    ].startswith("salesforce-")
    gathered = ends["organizations gathered"]
    assert gathered["scanned"] == 6010
    assert gathered["request_ids"].startswith(("global-", "us-government-"))
    assert (
        ends["compared"]["creates"],
        ends["compared"]["updates"],
        ends["compared"]["marks"],
    ) == (3, 18, 2)
    assert ends["synced"]["created"] == 3 and ends["synced"]["request_ids"].startswith("global-")
    assert (ends["synced"]["verdict"], ends["synced"]["held"]) == ("OK", "")


def test_each_line_says_when_it_was_written(twin):
    began = datetime.now(UTC)
    twin.run()
    written = [
        datetime.fromisoformat(line["timestamp"]) for line in lines(twin) if "fields" in line
    ]
    assert len(written) >= 4
    assert all(began <= moment <= datetime.now(UTC) for moment in written)


def test_a_stage_that_fails_leaves_its_line_too_wherever_it_fails(twin):
    def last_line(failed):
        own = [
            line["fields"]
            for line in lines(twin)
            if line.get("fields", {}).get("run_id") == failed["name"]
        ]
        return next((line["stage"], line["error"]) for line in own if "stage" in line)

    refuse_the_credentials(twin)
    assert last_line(twin.run()) == ("gather-orgs", "Sync.Auth")
    twin.stack.secrets_manager.delete_secret(
        SecretId="partner-sync/salesforce", ForceDeleteWithoutRecovery=True
    )
    assert last_line(twin.run()) == ("gather-accounts", "Sync.Config")


def test_no_name_of_a_partner_or_a_person_stands_in_the_logs(twin):
    state = twin.remote.state()
    names = {
        one["name"]
        for one in state["zendesk"]["global"]["organizations"].values()
        if len(one["name"]) > 5
    }
    names |= {
        record[field]
        for record in state["salesforce"]["accounts"].values()
        for field in ("Name", "Account_Owner_Calc__c")
    }
    some = sorted(state["zendesk"]["global"]["organizations"])
    refused = {id: "Name: Kestrel Labs has already been taken" for id in some}
    twin.change(lambda state: state["zendesk"]["global"]["jobs"].update(refuse=refused))
    taken = json.dumps(
        {"error": "RecordInvalid", "description": "Name: Kestrel Labs has already been taken"}
    )
    act = {"kind": "instead", "status": 422, "body": taken}
    twin.remote.put_faults(
        [
            {
                "host": "global",
                "method": "POST",
                "path": "/api/v2/organizations",
                "skip": 0,
                "times": 1,
                "act": act,
            }
        ]
    )
    assert twin.run()["output"]["verdict"] == "PARTIAL"
    twin.remote.put_faults(
        [
            {
                "host": "global",
                "method": "GET",
                "path": "/api/v2/organizations",
                "skip": 0,
                "times": 0,
                "act": act,
            }
        ]
    )
    assert twin.run()["error"] == "Sync.Rejected"
    logged = twin.logs()
    assert (
        "failed: zendesk global: list organizations: status 422" in logged
        and "an organization could not be created" in logged
    )
    assert [name for name in {*names, "Kestrel Labs"} if name in logged] == []


def test_limits_and_warnings_are_logged_when_they_matter(twin):
    twin.run()
    before = twin.logs()
    assert "Sforce-Limit-Info" not in before and "x-zendesk-api-warn" not in before
    warning = (
        '{:allowed_parameters=>{:unpermitted_keys=>["organization.colour"], '
        ':invalid_values=>["canary-value"]}}'
    )
    headers = {"sforce-limit-info": "api-usage=4900/5000", "x-zendesk-api-warn": warning}
    twin.change(lambda state: state.update(headers=headers))
    twin.run()
    after = twin.logs()
    assert (
        "Sforce-Limit-Info" in after
        and "organization.colour" in after
        and "canary-value" not in after
    )

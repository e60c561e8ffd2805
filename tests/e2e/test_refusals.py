"""What Zendesk refuses, deletes and spells in its own way, on the local AWS: nothing else is lost
by it, and no mark stays because of it."""

import pytest

from local.standins import organizations

BAD = "Jo Bad"
UPDATE = "/api/v2/organizations/update_many"


def target(state):
    return state["zendesk"]["global"]


def accounts(state):
    """The partners that have an organization, the equal ones first."""
    all = state["salesforce"]["accounts"]
    return [id for id in sorted(all) if id.startswith("0014M00000001")]


def organization_of(state, account):
    """An account's organization; None if it has none."""
    found = [
        one
        for one in target(state)["organizations"].values()
        if one["organization_fields"].get("salesforce_id") == account
        and one.get("deleted_at") is None
    ]
    assert len(found) < 2, f"{account} has several organizations"
    return found[0] if found else None


def lose_organization(state, account):
    del target(state)["organizations"][str(organization_of(state, account)["id"])]


def add_holder(state, name):
    """An organization of nobody that has a name."""
    like = organization_of(state, accounts(state)[10])
    nobodys = {"id": 77, "name": name, "external_id": None, "organization_fields": {}}
    target(state)["organizations"]["77"] = {**like, **nobodys}


def refuse(state, field):
    target(state)["refused_values"][field] = BAD


def report(twin, run):
    key = run["output"]["report"]["markdown"]
    body = twin.stack.s3.get_object(Bucket=twin.stack.bucket, Key=key)["Body"].read()
    return body.decode().replace("\\", "")


def failed(twin, run):
    results = twin.stack.document(run["name"], "results.json")["results"]
    return [one for one in results if one["outcome"] == "failed"]


@pytest.fixture
def equal(twin):
    """Both systems are equal, and their calls are not logged yet."""
    assert twin.run()["output"]["verdict"] == "OK"
    twin.remote.clear_log()
    return twin


def test_a_refused_name_keeps_neither_the_mark_nor_another_value_from_being_written(equal):
    account = accounts(equal.remote.state())[7]

    def edit(state):
        state["salesforce"]["accounts"][account].update(
            Name=f"{BAD} and Sons", Account_Owner_Calc__c="Nova Linden"
        )
        organization_of(state, account)["organization_fields"]["mark_for_deletion"] = True
        refuse(state, "name")

    equal.change(edit)
    run = equal.run()
    assert run["output"]["verdict"] == "PARTIAL"
    assert run["output"]["applied"]["failed"] == 1
    after = organization_of(equal.remote.state(), account)
    fields = after["organization_fields"]
    assert not fields["mark_for_deletion"] and fields["account_owner"] == "Nova Linden"
    assert BAD not in after["name"]
    [result] = failed(equal, run)
    assert (result["left_out"], result["unmarked"]) == (["name"], True)
    left_out = f"left out: name: {BAD} and Sons (in Salesforce: Name)"
    assert left_out in report(equal, run)


def test_an_unmark_is_written_before_a_create_that_stays_in_doubt(equal):
    state = equal.remote.state()
    marked, lost = accounts(state)[8:10]

    def edit(state):
        organization_of(state, marked)["organization_fields"]["mark_for_deletion"] = True
        lose_organization(state, lost)

    equal.change(edit)
    create = {"host": "global", "method": "POST", "path": "/api/v2/organizations"}
    reply = {"kind": "instead", "status": 500, "headers": {}, "body": ""}
    equal.remote.put_faults([{**create, "skip": 0, "times": 0, "act": reply}])
    run = equal.run()
    assert (run["output"]["applied"]["unknown"], run["output"]["applied"]["updated"]) == (1, 1)
    assert equal.writes()[0]["path"] == UPDATE
    fields = organization_of(equal.remote.state(), marked)["organization_fields"]
    assert not fields["mark_for_deletion"]


def test_an_account_with_a_refused_value_is_created_without_it(equal):
    account = accounts(equal.remote.state())[9]

    def edit(state):
        state["salesforce"]["accounts"][account]["Account_Owner_Calc__c"] = BAD
        lose_organization(state, account)
        refuse(state, "account_owner")

    equal.change(edit)
    run = equal.run()
    assert run["output"]["applied"]["failed"] == 1
    created = organization_of(equal.remote.state(), account)
    assert created["organization_fields"].get("account_owner") is None
    [result] = failed(equal, run)
    assert (result["action"], result["left_out"]) == ("create", ["account_owner"])
    assert result["id"] == created["id"]


def test_the_holder_that_zendesk_shows_is_named_though_it_spells_the_name_otherwise(equal):
    account = accounts(equal.remote.state())[9]

    def edit(state):
        state["salesforce"]["accounts"][account]["Name"] = "Café Zürich"
        lose_organization(state, account)
        add_holder(state, "Cafe Zurich")
        target(state)["folds_names"] = True

    equal.change(edit)
    run = equal.run()
    assert (run["output"]["applied"]["failed"], run["output"]["applied"]["unknown"]) == (1, 0)
    [result] = failed(equal, run)
    assert "organization 77 has this name" in result["error"]


def test_a_space_that_looks_like_any_other_makes_no_second_organization(equal):
    account = accounts(equal.remote.state())[9]

    def edit(state):
        state["salesforce"]["accounts"][account]["Name"] = "Office\u00a0Fit"
        lose_organization(state, account)
        add_holder(state, "Office Fit")

    equal.change(edit)
    run = equal.run()
    assert run["output"]["counts"]["creates"] == 0
    conflicts = equal.stack.document(run["name"], "plan.json")["conflicts"]
    of_account = [
        one
        for one in conflicts
        if any(party["salesforce_id"] == account for party in one["accounts"])
    ]
    assert [party["id"] for party in of_account[0]["organizations"]] == [77]
    assert organization_of(equal.remote.state(), account) is None


def test_an_organization_that_was_deleted_is_not_there_though_it_is_shown(equal):
    account = accounts(equal.remote.state())[9]
    deleted = organization_of(equal.remote.state(), account)["id"]

    def edit(state):
        one = target(state)["organizations"][str(deleted)]
        one["deleted_at"] = "2026-11-22T06:00:00Z"

    equal.change(edit)
    assert equal.run()["output"]["applied"]["created"] == 1
    assert organization_of(equal.remote.state(), account)["id"] != deleted
    assert deleted in organizations(equal.remote.state())


def test_a_lookup_that_may_not_be_seen_blanks_nothing_and_says_what_to_grant(equal):
    state = equal.remote.state()
    records = state["salesforce"]["accounts"]
    with_architect = [id for id in accounts(state) if records[id]["Solutions_Architect_Lookup__r"]]
    account = with_architect[0]
    before = organization_of(state, account)["organization_fields"]["solutions_architect"]
    assert before

    def edit(state):
        state["salesforce"]["unseen"] = [account]

    equal.change(edit)
    run = equal.run()
    assert run["output"]["verdict"] == "NOTHING_TO_DO"
    fields = organization_of(equal.remote.state(), account)["organization_fields"]
    assert fields["solutions_architect"] == before
    assert "Solutions_Architect_Lookup__r" in report(equal, run)

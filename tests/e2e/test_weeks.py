"""What happens over days, at the level of the state machine: time is scaled by moving the memory's
clocks, and nobody is deleted who should not be."""

import pytest

from local.standins import organizations

WORLD = {"seed": 7, "accounts": 60, "global_": 120, "us_government": 5}
LIMIT = 5
A_DAY = 24


def partners(state):
    """The ids of the accounts, the alliance's apart."""
    return [id for id in state["salesforce"]["accounts"] if id != "0014M00001sDiGEQA0"]


def set_status(twin, ids, status):
    def edit(state):
        for id in ids:
            state["salesforce"]["accounts"][id]["Partners_Partner_Status__c"] = status

    twin.change(edit)


def leave(twin, ids):
    set_status(twin, ids, "Terminated")


def come_back(twin, ids):
    set_status(twin, ids, "Authorized")


def edit_organization(twin, account, edit):
    """Lets a person edit an account's organization; returns its id."""
    found = []

    def edit_it(state):
        for id, one in state["zendesk"]["global"]["organizations"].items():
            if one["organization_fields"].get("salesforce_id") == account:
                edit(one)
                found.append(int(id))

    twin.change(edit_it)
    return found[0]


def marked(twin):
    return {
        id
        for id, one in organizations(twin.remote.state()).items()
        if one["organization_fields"].get("mark_for_deletion")
    }


@pytest.fixture
def small(twin):
    """Sixty partners in sync, and the first run behind them."""
    twin.fresh(**WORLD)
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"
    twin.told()
    return twin


def test_a_drip_of_five_percent_in_four_hours_is_held_with_its_front(small):
    ids = partners(small.remote.state())
    told = []
    for hour in range(0, 48, 4):
        leave(small, ids[3 * hour // 4 : 3 * hour // 4 + 3])
        verdict = small.run()["output"]["verdict"]
        told += small.told()
        small.let_hours_pass(4)
    assert verdict == "HELD" and marked(small) == set()
    [(subject, message)] = [one for one in told if "HELD" in one[0]]
    assert "3 new, 18 waiting and 0 that stand" in message, message
    assert f"the limit is {LIMIT}" in message, message


def test_one_partner_a_day_is_held_at_the_limit_if_no_purge_comes(small):
    for account in partners(small.remote.state())[:8]:
        leave(small, [account])
        output = small.run()["output"]
        small.let_hours_pass(A_DAY)
    assert output["verdict"] == "HELD"
    # With the next one, and the one that waits behind it, the limit would be exceeded.
    assert len(marked(small)) == LIMIT - 1
    before = organizations(small.remote.state())
    small.let_the_purge_pass()
    assert len(before) - len(organizations(small.remote.state())) == LIMIT - 1


def test_what_keeps_an_organization_takes_our_mark_back_and_stops_its_clock(small):
    account = partners(small.remote.state())[0]
    leave(small, [account])
    small.run()
    small.let_hours_pass(A_DAY)
    assert small.run()["output"]["applied"]["marked"] == 1

    def expires(date):
        return lambda one: one["organization_fields"].update(expiration_date=date)

    edit_organization(small, account, expires("2099-01-01"))
    counts = small.run()["output"]["counts"]
    assert (counts["unmarks"], counts["retained"]) == (1, 1) and marked(small) == set()
    edit_organization(small, account, expires(None))
    output = small.run()["output"]
    assert (output["counts"]["waiting"], output["applied"]["marked"]) == (1, 0)


def test_an_exempt_organization_is_listed_apart_and_survives_the_purge(small):
    account = partners(small.remote.state())[0]
    leave(small, [account])
    small.run()
    small.let_hours_pass(A_DAY)
    small.run()

    def exempt(one):
        one["organization_fields"]["ignore_deletion"] = True

    id = edit_organization(small, account, exempt)
    counts = small.run()["output"]["counts"]
    assert (counts["exempt"], counts["unmarks"]) == (1, 0)
    small.let_the_purge_pass()
    assert id in organizations(small.remote.state())


def test_a_half_repaired_flood_stays_held_until_it_is_approved(small):
    lost = partners(small.remote.state())[:8]
    leave(small, lost)
    small.run()
    small.let_hours_pass(A_DAY)
    assert small.run()["output"]["held"][0]["count"] == 8
    come_back(small, lost[:5])
    output = small.run()["output"]
    assert output["verdict"] == "HELD" and output["held"][0]["count"] == 3
    assert marked(small) == set()
    released = small.run({"approve": [output["held"][0]["digest"]]})["output"]
    assert (released["verdict"], released["applied"]["marked"]) == ("OK", 3)


def test_a_partner_that_is_gone_for_one_hour_on_friday_night_is_there_on_monday(small):
    lost = partners(small.remote.state())[:3]
    before = set(organizations(small.remote.state()))
    leave(small, lost)
    output = small.run()["output"]
    assert (output["counts"]["waiting"], output["applied"]["marked"]) == (3, 0)
    small.let_the_purge_pass()
    come_back(small, lost)
    output = small.run()["output"]
    assert (output["verdict"], output["counts"]["waiting"]) == ("NOTHING_TO_DO", 0)
    assert set(organizations(small.remote.state())) == before


def test_a_partner_that_becomes_a_customer_loses_our_mark(small):
    lost = partners(small.remote.state())[0]
    leave(small, [lost])
    small.run()
    small.let_hours_pass(A_DAY)
    assert small.run()["output"]["applied"]["marked"] == 1
    assert len(small.document("memory.json")["marked"]) == 1

    def becomes_a_customer(one):
        one["organization_fields"]["account_type"] = "customer"

    id = edit_organization(small, lost, becomes_a_customer)
    assert small.run()["output"]["counts"]["unmarks"] == 1
    assert small.document("memory.json")["marked"] == [] and marked(small) == set()
    small.let_the_purge_pass()
    assert id in organizations(small.remote.state())


@pytest.mark.parametrize("mangle", [str.lower, lambda _: "", lambda _: "see notes"])
def test_an_id_that_was_mangled_or_cleared_is_written_anew_and_nothing_is_made_or_marked(
    small, mangle
):
    account = partners(small.remote.state())[0]
    before = organizations(small.remote.state())

    def edit(one):
        fields = one["organization_fields"]
        fields["salesforce_id"] = mangle(fields["salesforce_id"])

    id = edit_organization(small, account, edit)
    output = small.run()["output"]
    assert (output["applied"]["updated"], output["counts"]["creates"]) == (1, 0)
    after = organizations(small.remote.state())
    assert after[id]["organization_fields"]["salesforce_id"] == account
    assert set(after) == set(before) and marked(small) == set()


def test_an_organization_of_nobody_knows_which_account_is_never_marked(small):
    account = partners(small.remote.state())[0]
    leave(small, [account])

    def edit(one):
        one["external_id"] = None
        one["organization_fields"]["salesforce_id"] = "see notes"

    edit_organization(small, account, edit)
    for _ in range(2):
        output = small.run()["output"]
        assert (output["counts"]["unlinked"], output["counts"]["marks"]) == (1, 0)
        small.let_hours_pass(A_DAY)
    [one] = small.stack.document(output["run_id"], "plan.json")["unlinked"]
    assert one["reason"] == {"kind": "unlinked"}


def test_a_lost_permission_that_hides_a_third_of_the_accounts_marks_nobody(small):
    hidden = partners(small.remote.state())[:20]
    small.change(lambda state: state["salesforce"]["unshared"].extend(hidden))
    for _ in range(3):
        output = small.run()["output"]
        assert output["applied"]["marked"] == 0
        small.let_hours_pass(A_DAY)
    [held] = output["held"]
    assert (held["category"], held["count"], held["limit"]) == ("unexplained", 20, 0)
    [first, *_] = small.stack.document(output["run_id"], "not_in_sync.json")["not_in_sync"]
    assert first["reason"] == {"kind": "not_visible"}
    small.change(lambda state: state["salesforce"]["unshared"].clear())
    output = small.run()["output"]
    assert (output["verdict"], output["counts"]["waiting"]) == ("NOTHING_TO_DO", 0)
    assert marked(small) == set()


def test_a_few_hidden_accounts_are_held_as_well_though_they_are_under_every_limit(small):
    hidden = partners(small.remote.state())[:2]
    small.change(lambda state: state["salesforce"]["unshared"].extend(hidden))
    small.run()
    small.let_hours_pass(A_DAY)
    small.told()
    output = small.run()["output"]
    assert output["verdict"] == "HELD"
    [(_, message)] = small.told()
    assert "Held unexplained: Salesforce does not say that these partners left" in message
    who = {"approved_by": "Robin Alder", "note": "they left, says the partner manager"}
    released = small.run({"approve": [output["held"][0]["digest"]], **who})["output"]
    assert (released["verdict"], released["applied"]["marked"]) == ("OK", 2)
    assert small.document("history.json")["runs"][-1]["claim"] == who


def test_a_lost_memory_marks_nobody_and_people_are_told_why(small):
    lost = partners(small.remote.state())[:2]
    leave(small, lost)
    small.run()
    small.let_hours_pass(A_DAY)
    small.put("memory.json", b'{"schema_version": 1, "absent": [')
    output = small.run()["output"]
    assert (output["counts"]["waiting"], output["applied"]["marked"]) == (2, 0)
    [(_, message)] = small.told()
    assert "The memory is lost" in message
    small.let_hours_pass(A_DAY)
    assert small.run()["output"]["verdict"] == "HELD", "what waited then needs a person"


def test_an_instance_that_cannot_be_read_does_not_stop_the_sync(small):
    small.remote.put_faults(
        [
            {
                "host": "us-government",
                "method": "POST",
                "path": "/oauth",
                "skip": 0,
                "times": 0,
                "act": {"kind": "drop_request"},
            }
        ]
    )
    account = partners(small.remote.state())[0]
    edit_organization(small, account, lambda one: one.update(name="Edited by hand"))
    output = small.run()["output"]
    assert (output["verdict"], output["applied"]["updated"]) == ("OK", 1)
    gathered = small.stack.document(output["run_id"], "organizations.json")
    complete = {one["name"]: one["complete"] for one in gathered["instances"]}
    assert complete == {"global": True, "us-government": False}
    page = small.stack.document(output["run_id"], "report.json")
    assert any("us-government was not read to its end" in one for one in page["warnings"])

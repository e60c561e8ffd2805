"""The guard on the local AWS: what is held, what still goes, and what releases it."""

from local.standins import organizations


def leave(state, count):
    """This many accounts leave the programme."""
    for id in [id for id in state["salesforce"]["accounts"] if id.startswith("0014M00000001")][
        :count
    ]:
        state["salesforce"]["accounts"][id]["Partners_Partner_Status__c"] = "Terminated"


def marked(twin):
    return {
        id
        for id, one in organizations(twin.remote.state()).items()
        if one["organization_fields"].get("mark_for_deletion")
    }


def test_held_marks_wait_for_the_approval_of_exactly_these_and_the_rest_goes(twin):
    twin.change(lambda state: leave(state, 12))
    twin.remember()
    before = marked(twin)
    output = twin.run()["output"]
    assert output["verdict"] == "HELD"
    held = output["held"][0]
    assert (held["category"], held["count"], held["limit"]) == ("marks", 14, 8)
    assert (
        output["applied"]["created"] == 3
        and output["applied"]["updated"] >= 17
        and output["applied"]["marked"] == 0
    )
    unmarked = before - marked(twin)
    assert len(unmarked) == 1, "an un-mark is applied while marks are held"
    report = (
        twin.stack.s3.get_object(Bucket=twin.stack.bucket, Key=output["report"]["markdown"])["Body"]
        .read()
        .decode()
    )
    numbers = "14 new, 0 waiting and 0 that stand, of 169 partner organizations (8.2 %)"
    assert f"{numbers}; the limit is 8" in report
    assert (
        f"--state-machine-arn {twin.stack.state_machine} "
        f'--input \'{{"approve": ["{held["digest"]}"]}}\'' in report
    )
    assert "latest.json" not in twin.stack.objects(), "a held run is not a good run"

    twin.change(lambda state: leave(state, 13))
    twin.remember()
    refused = twin.run({"approve": [held["digest"]]})
    assert refused["output"]["verdict"] == "HELD" and refused["output"]["applied"]["marked"] == 0
    plan = twin.stack.document(refused["name"], "plan.json")
    [not_used] = plan["guard"]["refused_approvals"]
    assert (not_used["digest"], not_used["why"]["kind"]) == (held["digest"], "differs")

    released = twin.run({"approve": [refused["output"]["held"][0]["digest"]]})
    assert (released["output"]["verdict"], released["output"]["applied"]["marked"]) == ("OK", 15)
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"


def test_far_fewer_accounts_than_last_time_hold_every_mark(twin):
    assert twin.run()["output"]["verdict"] == "OK"
    twin.stack.deploy(ProtectedAccountIds="0014M0000009005", MaxMarks=1000)
    try:
        twin.change(lambda state: leave(state, 60))
        twin.remember()
        described = twin.run()
        assert described["output"]["verdict"] == "HELD"
        judged = twin.stack.document(described["name"], "plan.json")["guard"]["categories"][2]
        assert (judged["veto"]["kind"], judged["veto"]["most"]) == ("too_few_accounts", 168)
    finally:
        twin.stack.deploy(ProtectedAccountIds="0014M0000009005")


def test_a_returning_partner_is_unmarked_while_marks_are_held(twin):
    assert twin.run()["output"]["verdict"] == "OK"
    twin.change(lambda state: leave(state, 3))
    twin.remember()
    assert twin.run()["output"]["applied"]["marked"] == 3

    def back_and_others_gone(state):
        returned = [
            one
            for id, one in state["salesforce"]["accounts"].items()
            if one["Partners_Partner_Status__c"] == "Terminated" and id < "0014M0000009"
        ]
        leave(state, 20)
        for one in returned:
            one["Partners_Partner_Status__c"] = "Authorized"

    twin.change(back_and_others_gone)
    twin.remember()
    output = twin.run()["output"]
    assert (
        output["verdict"] == "HELD"
        and output["counts"]["unmarks"] == 3
        and output["applied"]["updated"] == 3
    )

"""One run at a time, whatever becomes of its holder."""

import pytest

from common.executions import is_local_timeout, states_entered


def both(twin):
    """Two executions started at once, to their ends."""
    arns = [twin.stack.start(twin.name()) for _ in range(2)]
    return [twin.stack.wait(arn) for arn in arns]


def test_of_two_started_at_once_one_writes_and_the_other_is_skipped(twin):
    for round in range(20):
        twin.fresh()
        ends = both(twin)
        if any(is_local_timeout(end) for end in ends):
            twin.fresh()
            ends = both(twin)
        verdicts = sorted(end["output"]["verdict"] for end in ends)
        assert verdicts == ["OK", "SKIPPED"], (round, ends)
        skipped = next(end for end in ends if end["output"]["verdict"] == "SKIPPED")
        holder = next(end for end in ends if end["output"]["verdict"] == "OK")
        assert skipped["output"] == {
            "verdict": "SKIPPED",
            "run_id": skipped["name"],
            "mode": "apply",
            "holder": holder["executionArn"],
        }
        assert len([call for call in twin.writes() if call["method"] == "POST"]) == 3
    assert twin.stack.lease() is None


def test_a_stopped_run_is_taken_over_by_the_next(twin):
    first = twin.stop_in_the_middle()
    assert twin.stack.wait(first)["status"] == "ABORTED"
    assert twin.stack.lease()["holder"]["S"] == first

    second = twin.run()
    assert second["status"] == "SUCCEEDED", second.get("cause")
    assert "Take over the lease" in states_entered(twin.stack.history(second["executionArn"]))
    assert twin.stack.lease() is None
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"


@pytest.mark.parametrize(
    "holder",
    [None, {"S": ""}, {"N": "1"}, {"S": "somebody"}],
    ids=["none", "empty", "number", "no run"],
)
def test_a_lease_that_names_no_run_is_taken_over(twin, holder):
    twin.stack.put_lease(holder)
    described = twin.run()
    assert described["status"] == "SUCCEEDED", described.get("cause")
    assert twin.stack.lease() is None


def start_with_a_pause(twin):
    """An execution that waits while it gathers; returns its ARN."""
    pause = {"kind": "instead", "status": 429, "headers": {"retry-after": "60"}, "body": ""}
    look = {"host": "global", "method": "GET", "path": "/api/v2/organizations"}
    twin.remote.put_faults([{**look, "skip": 3, "times": 1, "act": pause}])
    twin.remote.clear_log()
    return twin.start_until("Wait before gathering on")


def test_an_approval_in_a_skipped_execution_is_not_lost_without_a_word(twin):
    execution = start_with_a_pause(twin)
    digest = "sha256:" + "0" * 64
    skipped = twin.run({"approve": [digest]})["output"]
    assert skipped["verdict"] == "SKIPPED"
    report = twin.stack.objects()[f"runs/{skipped['run_id']}/report.md"].decode()
    assert "The approval was not used" in report
    assert f'--input \'{{"approve": ["{digest}"]}}\'' in report
    assert twin.stack.wait(execution)["status"] == "SUCCEEDED"


def test_a_run_that_lost_its_lease_applies_nothing_and_says_so(twin):
    execution = start_with_a_pause(twin)
    twin.stack.put_lease({"S": f"{execution}-another"})
    ended = twin.stack.wait(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "Sync.Incomplete")
    assert (
        "another one took it over" in ended["cause"] and "start a new execution" in ended["cause"]
    )
    assert twin.writes() == []
    assert twin.stack.lease()["holder"]["S"] == f"{execution}-another", "it is not ours to release"

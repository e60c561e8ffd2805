"""One run at a time, whatever becomes of its holder."""

from local.stack import is_local_timeout, states_entered


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

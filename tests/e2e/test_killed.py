"""The real process is killed in the middle of a call, and the same execution ends right."""

import pytest

from local.standins import organizations

POINTS = {
    "the reply to a create": ("POST", "/api/v2/organizations", "hang_after", 1),
    "a create": ("POST", "/api/v2/organizations", "hang_before", 2),
    "the reply to a bulk update": ("PUT", "/api/v2/organizations/update_many", "hang_after", 0),
    "the reply to the marks": ("PUT", "/api/v2/organizations/update_many", "hang_after", 1),
    "a look at the jobs": ("GET", "/api/v2/job_statuses", "hang_before", 0),
}


@pytest.mark.parametrize("point", POINTS)
def test_ends_right_though_its_process_is_killed_at(twin, point):
    method, path, kind, skip = POINTS[point]
    before = len(organizations(twin.remote.state()))
    twin.remote.clear_log()
    fault = {
        "host": "global",
        "method": method,
        "path": path,
        "skip": skip,
        "times": 1,
        "act": {"kind": kind},
    }
    twin.remote.put_faults([fault])
    execution = twin.stack.start(twin.name())
    twin.until_hung()
    twin.kill_sync()

    described = twin.stack.wait(execution)
    assert described["status"] == "SUCCEEDED", described.get("cause")
    assert described["output"]["verdict"] == "OK"
    assert described["output"]["applied"] == {
        "created": 3,
        "updated": 18,
        "marked": 2,
        "failed": 0,
        "unknown": 0,
        "drifted": 0,
    }
    events = [event["type"] for event in twin.stack.history(execution)]
    assert any("Failed" in event for event in events), "the kill was not seen"
    after = organizations(twin.remote.state())
    assert len(after) == before + 3
    names = [one["name"].lower() for one in after.values()]
    assert len(set(names)) == len(names)
    assert twin.run()["output"]["verdict"] == "NOTHING_TO_DO"

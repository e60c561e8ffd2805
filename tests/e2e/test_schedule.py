"""The schedule starts runs by itself."""

import time


def test_the_schedule_starts_a_run_with_an_empty_input(twin):
    twin.stack.deploy(
        ProtectedAccountIds="0014M0000009005",
        ScheduleState="ENABLED",
        ScheduleExpression="rate(1 minute)",
    )
    try:
        until = time.monotonic() + 150
        while True:
            executions = twin.stack.sfn.list_executions(stateMachineArn=twin.stack.state_machine)[
                "executions"
            ]
            own = [one for one in executions if not one["name"].startswith("test-")]
            if own:
                break
            assert time.monotonic() < until, "no run was started"
            time.sleep(1)
        described = twin.stack.wait(own[0]["executionArn"])
        assert described["input"] == "{}"
        assert (described["status"], described["output"]["verdict"]) == ("SUCCEEDED", "OK")
        alarms = [
            alarm["AlarmDescription"]
            for alarm in twin.stack.cloudwatch.describe_alarms()["MetricAlarms"]
        ]
        assert any(text.endswith("#alarm-nogoodrun") for text in alarms), (
            "with a schedule runs are expected"
        )
    finally:
        twin.stack.deploy(ProtectedAccountIds="0014M0000009005", ScheduleState="DISABLED")

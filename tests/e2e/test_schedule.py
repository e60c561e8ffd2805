"""The schedule starts runs by itself, names them by their minute, and tells when it cannot."""

import contextlib
import json
import re
import time

import boto3
import pytest

from common.executions import states_entered
from common.places import REGION

ALWAYS = {"ProtectedAccountIds": "0014M0000009005"}


def started(twin):
    """ARN to name of every execution that no test has named."""
    listed = twin.stack.sfn.list_executions(stateMachineArn=twin.stack.state_machine)
    named = {one["executionArn"]: one["name"] for one in listed["executions"]}
    return {arn: name for arn, name in named.items() if not name.startswith("test-")}


def starter(twin):
    return f"{twin.stack.state_machine}-starter"


def start(twin, input="{}"):
    """Does what the schedule does; returns the ARN of the starter's execution."""
    machine = starter(twin)
    return twin.stack.sfn.start_execution(stateMachineArn=machine, input=input)["executionArn"]


def await_a_minute_of_its_own(twin):
    """Waits for a minute that no run is named after and that has some seconds left."""

    def is_new():
        minute = time.strftime("%Y-%m-%dT%H-%MZ", time.gmtime())
        return minute not in started(twin).values() and time.time() % 60 < 50

    twin.until(is_new, 80)


def queue(twin):
    """The address of the queue of what could not be started."""
    [address] = [
        one for one in twin.stack.sqs.list_queues()["QueueUrls"] if "ScheduleFailures" in one
    ]
    return address


def attributes(twin):
    return twin.stack.sqs.get_queue_attributes(QueueUrl=queue(twin), AttributeNames=["All"])[
        "Attributes"
    ]


def alarm(twin, section):
    """The alarm that links to a section of the runbook."""
    alarms = twin.stack.cloudwatch.describe_alarms()["MetricAlarms"]
    [found] = [one for one in alarms if one["AlarmDescription"].endswith(f"#alarm-{section}")]
    return found


def test_a_run_is_named_by_its_minute_and_started_once_in_it(twin):
    await_a_minute_of_its_own(twin)
    before = started(twin)
    first, second = start(twin), start(twin)
    for execution in (first, second):
        assert twin.stack.wait(execution)["status"] == "SUCCEEDED"
    [run] = started(twin).keys() - before.keys()
    described = twin.stack.wait(run)
    assert described["startDate"].strftime("%Y-%m-%dT%H-%MZ") == described["name"]
    assert (described["input"], described["output"]["verdict"]) == ("{}", "OK")
    # The second may come while the run is under way, which AWS takes for the same start.
    again = start(twin)
    assert twin.stack.wait(again)["status"] == "SUCCEEDED"
    if twin.stack.wait(again)["startDate"].minute == described["startDate"].minute:
        assert states_entered(twin.stack.history(again)) == [
            "Check what is asked for",
            "Start the run",
            "It was started already",
        ]
        name = described["name"]
        told = {"execution": described["executionArn"], "name": name, "started": False}
        assert twin.stack.wait(again)["output"] == told
    assert attributes(twin)["ApproximateNumberOfMessages"] == "0"


def test_a_plan_is_started_beside_the_schedule_and_an_approval_is_not(twin):
    before = started(twin)
    told = twin.stack.wait(start(twin, '{"mode": "plan"}'))["output"]
    assert told["started"] is True and told["name"].endswith("Z-plan")
    described = twin.stack.wait(told["execution"])
    assert (described["name"], described["output"]["verdict"]) == (told["name"], "PLANNED")
    assert started(twin).keys() - before.keys() == {told["execution"]}
    refused = twin.stack.wait(start(twin, '{"approve": []}'))
    assert (refused["status"], refused["error"]) == ("FAILED", "Sync.Input")
    assert twin.stack.state_machine in refused["cause"]


@contextlib.contextmanager
def no_machine_to_start(twin):
    """The starter as if somebody had deleted the state machine it starts."""
    machine = starter(twin)
    definition = twin.stack.sfn.describe_state_machine(stateMachineArn=machine)["definition"]
    target = json.dumps(twin.stack.state_machine)
    assert target in definition

    def put(text):
        twin.stack.sfn.update_state_machine(stateMachineArn=machine, definition=text)

    put(definition.replace(target, json.dumps(f"{twin.stack.state_machine}-gone")))
    try:
        yield
    finally:
        put(definition)


def test_a_start_that_fails_is_kept_in_the_queue_the_alarm_watches(twin):
    before = started(twin)
    with no_machine_to_start(twin):
        execution = start(twin)
        described = twin.stack.wait(execution)
    assert described["status"] == "FAILED" and "DoesNotExist" in described["error"]
    assert started(twin) == before
    [message] = twin.stack.sqs.receive_message(QueueUrl=queue(twin))["Messages"]
    body = json.loads(message["Body"])
    assert body["not_started"] == execution and body["failure"]["Error"] == described["error"]
    twin.stack.sqs.delete_message(QueueUrl=queue(twin), ReceiptHandle=message["ReceiptHandle"])
    watched = alarm(twin, "schedulefailed")
    name = queue(twin).rsplit("/", 1)[1]
    assert watched["Dimensions"] == [{"Name": "QueueName", "Value": name}]
    assert watched["AlarmActions"]


def test_what_the_scheduler_cannot_start_is_kept_in_the_same_queue(twin):
    scheduler = boto3.client(
        "scheduler",
        endpoint_url=twin.stack.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    [schedule] = scheduler.list_schedules()["Schedules"]
    target = scheduler.get_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])[
        "Target"
    ]
    kept = attributes(twin)
    assert (target["Arn"], target["Input"]) == (starter(twin), "{}")
    assert target["DeadLetterConfig"] == {"Arn": kept["QueueArn"]}
    assert kept["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert "aws:SecureTransport" in kept["Policy"]


@pytest.mark.parametrize("name", ["team+one", "täglich", ".hidden"])
def test_a_name_that_can_be_no_run_id_is_refused_before_anything_else(twin, name):
    execution = twin.stack.start(name)
    described = twin.stack.wait(execution)
    assert described["error"] == "Sync.Input" and "Start it again" in described["cause"]
    entered = states_entered(twin.stack.history(execution))
    assert entered == ["Check the input", "Refuse the name"]
    assert list(twin.stack.objects()) == ["memory.json"] and twin.stack.lease() is None


def test_the_schedule_starts_a_run_with_an_empty_input(twin):
    await_a_minute_of_its_own(twin)
    before = started(twin)
    twin.stack.deploy(
        **ALWAYS,
        ScheduleState="ENABLED",
        # By now, so at the next look of the scheduler.
        ScheduleExpression=time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime()),
        ScheduleIntervalHours=6,
    )
    try:
        twin.until(lambda: started(twin).keys() - before.keys(), 150)
        [run] = started(twin).keys() - before.keys()
        described = twin.stack.wait(run)
        assert described["input"] == "{}"
        assert (described["status"], described["output"]["verdict"]) == ("SUCCEEDED", "OK")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ", described["name"])
        expected = alarm(twin, "nogoodrun")
        assert expected["Period"] * expected["EvaluationPeriods"] == 6 * 2.25 * 3600
        assert "two intervals of 6 h" in expected["AlarmDescription"]
        twin.stack.deploy(**ALWAYS, ScheduleState="ENABLED", ScheduleIntervalHours=0)
        with pytest.raises(ValueError):
            alarm(twin, "nogoodrun")
    finally:
        twin.stack.deploy(**ALWAYS, ScheduleState="DISABLED")

"""The state machines do what is meant about each failure, however their rules are written."""

import re

import pytest

from checks import retries
from common.places import ROOT
from common.template import definitions

FIRST = "Gather the partner accounts"


def problems_after(change):
    """What make validate says of the definitions after a change of their states."""
    machines = definitions()
    states = {name: state for one in machines.values() for name, state in one["States"].items()}
    change(states)
    return list(retries.problems(machines))


def test_every_task_does_about_a_failure_what_is_meant():
    assert problems_after(lambda states: None) == []


def rule_of(rules, error):
    [found] = [rule for rule in rules if error in rule["ErrorEquals"]]
    return found


def a_refused_condition_is_tried_again(states):
    del states["Take the lease"]["Retry"][0]


def the_wildcard_comes_first(states):
    states["Confirm the lease"]["Retry"].reverse()


def a_time_out_is_not_tried_again(states):
    states["Tell people"]["Retry"][0]["ErrorEquals"].remove("States.Timeout")


def a_bug_is_tried_again(states):
    stage = states["Apply the plan"]
    rule_of(stage["Retry"], "Sync.Transient")["ErrorEquals"].append("Sync.Bug")


def whatever_fails_is_tried_again(states):
    states["Apply the plan"]["Retry"].append({"ErrorEquals": ["States.ALL"]})


def fewer_times(states):
    rule_of(states["Gather the organizations"]["Retry"], "Sync.Throttled")["MaxAttempts"] = 4


def without_jitter(states):
    del rule_of(states["Record the failure"]["Retry"], "Sync.Transient")["JitterStrategy"]


def a_longer_pause(states):
    rule_of(states["Apply the plan"]["Retry"], "Sync.Throttled")["MaxDelaySeconds"] = 600


def another_first_pause(states):
    rule_of(states["Keep the failure"]["Retry"], "States.TaskFailed")["IntervalSeconds"] = 1


def a_pause_that_doubles(states):
    stage = states["Gather the partner accounts"]
    del rule_of(stage["Retry"], "Lambda.TooManyRequestsException")["BackoffRate"]


def two_faults_share_their_count(states):
    killed = states["Apply the plan"]["Retry"].pop()
    lambdas = rule_of(states["Apply the plan"]["Retry"], "Lambda.ServiceException")
    lambdas["ErrorEquals"] += killed["ErrorEquals"]
    lambdas["MaxAttempts"] = killed["MaxAttempts"]


def a_vendor_in_compare(states):
    taken = rule_of(states["Gather the organizations"]["Retry"], "Sync.Throttled")
    states["Compare accounts with organizations"]["Retry"].append(taken)


def another_state_next(states):
    states["Take over the lease"]["Catch"][0]["Next"] = "Take the lease"


def nothing_catches_it(states):
    del states["Start the run"]["Catch"][1]


def a_failure_nobody_is_told_of(states):
    del states["Apply the plan"]["Catch"][0]["Assign"]


def a_message_kept_without_why(states):
    del states["Tell people"]["Catch"][0]["Assign"]


def no_retry_after_running_out_of_memory(states):
    killed = rule_of(states["Apply the plan"]["Retry"], "Runtime.ExitError")
    killed["ErrorEquals"].remove("Runtime.OutOfMemory")


def a_large_answer_nobody_catches(states):
    del states["Apply the plan"]["Catch"][0]


def a_large_description_that_blocks(states):
    states["Look at the holder"]["Catch"][0]["ErrorEquals"].remove("States.DataLimitExceeded")


def a_rule_that_changes_nothing(states):
    rule = {"ErrorEquals": ["Sync.Bug"], "MaxAttempts": 0}
    states["Apply the plan"]["Retry"].insert(0, rule)


def a_rule_behind_another(states):
    again = dict(rule_of(states["Apply the plan"]["Retry"], "Sync.Transient"))
    states["Apply the plan"]["Retry"].append(again)


def a_task_more(states):
    states["Skip this run"]["Type"] = "Task"


def a_task_less(states):
    states["Read the lease"]["Type"] = "Pass"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            a_refused_condition_is_tried_again,
            "Take the lease: DynamoDB.ConditionalCheckFailedException, States.Timeout, anything "
            "else: tried again 6 times",
        ),
        (the_wildcard_comes_first, "Confirm the lease: DynamoDB.ConditionalCheckFailed"),
        (
            a_time_out_is_not_tried_again,
            "Tell people: anything else: tried again 6 times: after 2 s, doubled up to 30 s, with "
            "jitter, and meant is never",
        ),
        (a_bug_is_tried_again, "Apply the plan: Sync.Bug, Sync.Transient: tried again 3 times"),
        (whatever_fails_is_tried_again, "Apply the plan: anything else: tried again 3 times"),
        (fewer_times, "Gather the organizations: Sync.Throttled: tried again 4 times"),
        (without_jitter, "Record the failure: Lambda.AWSLambdaException"),
        (
            a_longer_pause,
            "Apply the plan: Sync.Throttled: tried again 5 times: after 60 s, doubled",
        ),
        (another_first_pause, "Keep the failure: States.Timeout, anything else: tried again 6 t"),
        (
            a_pause_that_doubles,
            "Gather the partner accounts: Lambda.TooManyRequestsException: tried again 20 times: "
            "after 30 s, doubled",
        ),
        (two_faults_share_their_count, "Apply the plan: Lambda.AWSLambdaException, Lambda.Cli"),
        (a_vendor_in_compare, "Compare accounts with organizations: Sync.Throttled: tried again"),
        (
            another_state_next,
            "Take over the lease: DynamoDB.ConditionalCheckFailedException: leads to Take the "
            "lease, and meant is Read the lease",
        ),
        (nothing_catches_it, "Start the run: anything else: leads to None, and meant is Keep the"),
        (a_failure_nobody_is_told_of, "Apply the plan: Record the failure is not given the fail"),
        (a_message_kept_without_why, "Tell people: Keep the message is not given the failure"),
        (
            no_retry_after_running_out_of_memory,
            "Apply the plan: Lambda.Unknown, Runtime.ExitError, Runtime.OutOfMemory, Sandbox.Ti",
        ),
        (
            a_large_answer_nobody_catches,
            "Apply the plan: States.DataLimitExceeded: leads to None, and meant is Record the",
        ),
        (
            a_large_description_that_blocks,
            "Look at the holder: States.DataLimitExceeded: leads to None, and meant is Take over",
        ),
        (a_rule_that_changes_nothing, "Apply the plan: what is said of retrying Sync.Bug changes"),
        (a_rule_behind_another, "Apply the plan: what is said of retrying Sync.Transient changes"),
        (a_task_more, "Skip this run: retries.py does not say what is meant"),
        (a_task_less, "Read the lease: retries.py knows it, and it is gone"),
    ],
)
def test_make_validate_names_what_is_done_otherwise(change, said):
    found = problems_after(change)
    assert any(one.startswith(said) for one in found), found


def test_the_first_stage_leaves_the_run_its_time_whatever_fails():
    """It refuses to begin an hour after the start (stage::deadline), so only what comes after
    that counts: its last invocation and pause, and what Lambda fails without it."""
    [state] = [one["States"][FIRST] for one in definitions().values() if FIRST in one["States"]]
    task_seconds = state["TimeoutSeconds"]
    rest = 0
    for retrier in state["Retry"]:
        first, times = retrier["IntervalSeconds"], retrier["MaxAttempts"]
        rate, most = retrier.get("BackoffRate", 2), retrier.get("MaxDelaySeconds", first)
        pauses = [min(first * rate**number, most) for number in range(times)]
        by_the_stage = {"Sync.Throttled", "Sync.Transient"} & set(retrier["ErrorEquals"])
        killed = times * task_seconds if "States.Timeout" in retrier["ErrorEquals"] else 0
        rest += max(pauses) if by_the_stage else sum(pauses) + killed
    assert 3600 + task_seconds + rest < 3 * 3600 - 600


def test_what_aws_does_by_itself_need_not_be_said():
    def spell_out(states):
        for state in states.values():
            for retrier in state.get("Retry", []):
                said = {"BackoffRate": 2, "IntervalSeconds": 1, "JitterStrategy": "NONE"}
                retrier.update(said | retrier)

    assert problems_after(spell_out) == []


@pytest.mark.parametrize(
    "file", sorted((ROOT / "infra").glob("*.asl.json")), ids=lambda one: one.name
)
def test_a_definition_is_written_with_a_rule_a_line(file):
    for line in file.read_text().splitlines():
        rules = re.findall(r'"(?:ErrorEquals|Condition)"', line)
        assert not rules or (len(rules) == 1 and '{"' in line), line

"""make validate: what the state machines do about each failure of a task is what is meant.

What is meant stands here once, in words. It is compared with the definitions error by error, as AWS
looks a rule up, so nothing depends on how they write it down.
"""

from collections import defaultdict
from dataclasses import dataclass

NEVER = "never"
ANYTHING = ("anything else",)
# As AWS reads them: all errors, and all but the time-out of a task.
WILDCARDS = {"States.ALL", "States.TaskFailed"}
# No wildcard stands for these two. The first can be caught by its name, the second not at all.
TOO_LARGE = "States.DataLimitExceeded"
FATAL = "States.Runtime"

# Of AWS's two names for one thing, the second is the local AWS's.
CONDITION_FAILED = ("DynamoDB.ConditionalCheckFailedException",)
NO_SUCH_RUN = ("Sfn.ExecutionDoesNotExistException", "Sfn.ExecutionDoesNotExist")
NAME_IS_TAKEN = ("Sfn.ExecutionAlreadyExistsException", "Sfn.ExecutionAlreadyExists")
NO_CONCURRENCY_LEFT = ("Lambda.TooManyRequestsException",)
VENDOR_ASKS_FOR_A_PAUSE = ("Sync.Throttled",)
PASSING_FAULT = ("Sync.Transient",)
LAMBDA_IS_AT_FAULT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
)
KILLED_OR_TIMED_OUT = (
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "States.Timeout",
)
ANSWER_TOO_LARGE = (TOO_LARGE,)

# When a task is tried again. The errors of a line share its count. With jitter, a pause is anything
# up to what is said. What stands on no line, such as Sync.Auth and Sync.Bug, is not tried again.
CALL = {ANYTHING: "6 times: after 2 s, doubled up to 30 s, with jitter"}
COMPARE = {
    NO_CONCURRENCY_LEFT: "20 times: after 30 s",
    PASSING_FAULT: "3 times: after 10 s, doubled up to 120 s, with jitter",
    LAMBDA_IS_AT_FAULT: "10 times: after 5 s, doubled up to 60 s, with jitter",
    KILLED_OR_TIMED_OUT: "5 times: after 5 s, doubled up to 60 s, with jitter",
}
# Compare has no way to a vendor; the others are asked for pauses.
GATHER = COMPARE | {
    VENDOR_ASKS_FOR_A_PAUSE: "5 times: after 60 s, doubled up to 600 s, with jitter"
}
SYNC = COMPARE | {VENDOR_ASKS_FOR_A_PAUSE: "5 times: after 60 s, doubled up to 300 s, with jitter"}
RECORD = {
    (*NO_CONCURRENCY_LEFT, *PASSING_FAULT, *LAMBDA_IS_AT_FAULT, *KILLED_OR_TIMED_OUT): (
        "3 times: after 5 s, doubled up to 30 s, with jitter"
    )
}
LEASE = CALL | {CONDITION_FAILED: NEVER}


@dataclass(frozen=True)
class Meant:
    """When a task is tried again, and which state comes next if that is in vain."""

    again: dict
    then: dict


FAILS = {ANYTHING: "Record the failure"}


def whatever_comes(state):
    """One way on from a Lambda that may answer anything, also too much."""
    return {ANYTHING: state, ANSWER_TOO_LARGE: state}


STAGE_FAILS = whatever_comes("Record the failure")
TASKS = {
    "Take the lease": Meant(LEASE, FAILS | {CONDITION_FAILED: "Read the lease"}),
    "Read the lease": Meant(CALL, FAILS),
    # It may only look as if there were no such execution: see the state's comment.
    "Look at the holder": Meant(
        CALL | {NO_SUCH_RUN: "2 times: after 5 s", ANSWER_TOO_LARGE: NEVER},
        FAILS | {(*NO_SUCH_RUN, *ANSWER_TOO_LARGE): "Take over the lease"},
    ),
    "Take over the lease": Meant(LEASE, FAILS | {CONDITION_FAILED: "Read the lease"}),
    "Record the skipped run": Meant(RECORD, whatever_comes("Skip this run")),
    "Gather the partner accounts": Meant(GATHER, STAGE_FAILS),
    "Gather the organizations": Meant(GATHER, STAGE_FAILS),
    "Compare accounts with organizations": Meant(COMPARE, STAGE_FAILS),
    "Confirm the lease": Meant(LEASE, FAILS),
    "Apply the plan": Meant(SYNC, STAGE_FAILS),
    "Record the failure": Meant(RECORD, whatever_comes("Is there news")),
    "Tell people": Meant(CALL, {ANYTHING: "Keep the message"}),
    "Keep the message": Meant(CALL, {ANYTHING: "Note what was not told"}),
    "Note what was not told": Meant(RECORD, whatever_comes("Release the lease")),
    "Release the lease": Meant(LEASE, {ANYTHING: "Did the run fail"}),
    "Start the run": Meant(
        CALL | {NAME_IS_TAKEN: NEVER},
        {NAME_IS_TAKEN: "It was started already", ANYTHING: "Keep the failure"},
    ),
    "Keep the failure": Meant(CALL, {ANYTHING: "No run was started"}),
}
# These tell of a failure, and so must be given it, in this variable.
TELLERS = {
    "Record the failure": "failure",
    "Keep the failure": "failure",
    "Keep the message": "untold",
}


def problems(machines):
    """Where the definitions, by logical id, do something else about a failure than is meant."""
    states = {name: state for one in machines.values() for name, state in one["States"].items()}
    tasks = {name for name, state in states.items() if state["Type"] == "Task"}
    yield from (f"{name}: retries.py does not say what is meant" for name in tasks - TASKS.keys())
    yield from (f"{name}: retries.py knows it, and it is gone" for name in TASKS.keys() - tasks)
    for name in sorted(tasks & TASKS.keys()):
        yield from (f"{name}: {what}" for what in task_problems(states[name], TASKS[name]))


def task_problems(state, meant):
    """What one task does otherwise, and which of its retriers change nothing."""
    retriers, catchers = state.get("Retry", []), state.get("Catch", [])
    named = {name for rule in retriers + catchers for name in rule["ErrorEquals"]}
    errors = (named | {"States.Timeout"}).union(*meant.again, *meant.then) - WILDCARDS
    does, should = retried(retriers, errors), meant_groups(meant.again, errors)
    for group in sorted(does.keys() | should.keys(), key=sorted):
        seen, wanted = does.get(group, NEVER), should.get(group, NEVER)
        if seen != wanted:
            yield f"{', '.join(sorted(group))}: tried again {seen}, and meant is {wanted}"
    for error in sorted(errors):
        seen, wanted = caught(catchers, error), meant.then[row_of(meant.then, error)]
        if seen != wanted:
            yield f"{error}: leads to {seen}, and meant is {wanted}"
    for catcher in catchers:
        told = TELLERS.get(catcher["Next"])
        if told and told not in catcher.get("Assign", {}):
            yield f"{catcher['Next']} is not given the failure"
    for error in superfluous(retriers, errors):
        yield f"what is said of retrying {error} changes nothing: leave it out"


def meant_groups(rows, errors):
    """The errors that share a count, and what is meant to be done about them."""
    groups = defaultdict(set)
    for error in errors:
        groups[row_of(rows, error)].add(error)
    return {
        frozenset(group): rows[row]
        for row, group in groups.items()
        if rows.get(row, NEVER) != NEVER
    }


def row_of(rows, error):
    return next((row for row in rows if error in row), ANYTHING)


def retried(retriers, errors):
    """The errors that share a count, and what the retriers do about them."""
    groups = defaultdict(set)
    for error in errors:
        place = first_match(retriers, error)
        if place is not None and retriers[place].get("MaxAttempts") != 0:
            groups[place].add(error)
    return {frozenset(group): in_words(retriers[place]) for place, group in groups.items()}


def caught(catchers, error):
    """The state an error leads to in the end."""
    place = first_match(catchers, error)
    return None if place is None else catchers[place]["Next"]


def first_match(rules, error):
    """The place of the first rule an error meets: what comes after it is not looked at."""
    for place, rule in enumerate(rules):
        if error != FATAL and is_met(rule["ErrorEquals"], error):
            return place
    return None


def is_met(names, error):
    """Whether one of a rule's names stands for an error."""
    if error in names or error == TOO_LARGE:
        return error in names
    is_failed_task = "States.TaskFailed" in names and error != "States.Timeout"
    return is_failed_task or "States.ALL" in names


def in_words(retrier):
    """A retrier in the words above. What it does not say is AWS's default."""
    times, seconds = retrier.get("MaxAttempts", 3), retrier.get("IntervalSeconds", 1)
    rate, most = retrier.get("BackoffRate", 2), retrier.get("MaxDelaySeconds")
    growth = {1: "", 2: f", doubled up to {most} s"}.get(rate, f", times {rate} up to {most} s")
    jitter = ", with jitter" if retrier.get("JitterStrategy") == "FULL" else ""
    return f"{times} times: after {seconds} s{growth}{jitter}"


def superfluous(retriers, errors):
    """Names of retriers without which the same would be done."""
    for place, retrier in enumerate(retriers):
        for error in retrier["ErrorEquals"]:
            rest = [one for one in retrier["ErrorEquals"] if one != error]
            without = [*retriers[:place], retrier | {"ErrorEquals": rest}, *retriers[place + 1 :]]
            if retried(without, errors) == retried(retriers, errors):
                yield error

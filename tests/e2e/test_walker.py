"""The walker is as strict as AWS: what AWS refuses, it refuses."""

import pytest
import walker
from walker import Answer, StateError, walk

TASK = {"Type": "Task", "Resource": "a:b", "Arguments": {}, "End": True}
ALL = {"ErrorEquals": ["States.ALL"], "Next": "Caught"}
LARGE = "x" * (walker.MOST_BYTES + 1)


def machine(**states):
    """A definition of these states, the first one first, and one for what is caught."""
    caught = {"Type": "Pass", "Output": "caught", "End": True}
    return {
        "StartAt": next(iter(states)),
        "TimeoutSeconds": 1000,
        "States": {**states, "Caught": caught},
    }


def walked(*answers, input=1, **states):
    """An execution of these states; the tasks answer one after the other."""
    left = list(answers)

    def script(*_):
        answer = left.pop(0) if left else 1
        if isinstance(answer, StateError):
            raise answer
        return answer

    return walk(machine(**states), script, input)


def outcome(ended):
    return ended.output if ended.status == "SUCCEEDED" else ended.error


@pytest.mark.parametrize(
    ("error", "names", "expected"),
    [
        ("Any.Error", ["States.ALL"], "caught"),
        ("Any.Error", ["States.TaskFailed"], "caught"),
        ("States.Timeout", ["States.ALL"], "caught"),
        ("States.Timeout", ["States.TaskFailed"], "States.Timeout"),
        ("States.QueryEvaluationError", ["States.ALL"], "caught"),
        ("States.DataLimitExceeded", ["States.ALL"], "States.DataLimitExceeded"),
        ("States.DataLimitExceeded", ["States.TaskFailed"], "States.DataLimitExceeded"),
        ("States.DataLimitExceeded", ["States.DataLimitExceeded"], "caught"),
        ("States.Runtime", ["States.ALL"], "States.Runtime"),
        ("States.Runtime", ["States.Runtime"], "States.Runtime"),
    ],
)
def test_a_wildcard_stands_for_what_it_does_on_aws(error, names, expected):
    rule = {"ErrorEquals": names, "Next": "Caught"}
    assert outcome(walked(StateError(error), Task=TASK | {"Catch": [rule]})) == expected


def test_each_retrier_counts_for_itself_and_the_first_that_is_met_decides():
    def rule(error, times):
        return {"ErrorEquals": [error], "MaxAttempts": times, "IntervalSeconds": 10}

    task = TASK | {"Retry": [rule("A", 1), rule("B", 2), rule("States.ALL", 9)], "Catch": [ALL]}
    a, b = StateError("A"), StateError("B")
    ended = walked(a, b, b, 7, Task=task)
    assert (ended.output, len(ended.calls), ended.seconds) == (7, 4, 10 + 10 + 20)
    ended = walked(a, b, a, 7, Task=task)
    assert (ended.output, len(ended.calls)) == ("caught", 3)


@pytest.mark.parametrize("condition", ["$states.input.none", "1", "'true'", "$none"])
def test_a_choice_takes_booleans_alone(condition):
    choice = {"Type": "Choice", "Choices": [{"Condition": f"{{% {condition} %}}"} | ALL]}
    ended = walked(input={}, Choice=choice | {"Default": "Caught"})
    assert ended.error == "States.QueryEvaluationError"


@pytest.mark.parametrize("seconds", ["$none", "'6'", "1.5", "-1", "100000000", "true", "null"])
def test_a_wait_takes_whole_seconds_alone(seconds):
    wait = {"Type": "Wait", "Seconds": f"{{% {seconds} %}}", "End": True}
    assert walked(Wait=wait).error == "States.QueryEvaluationError"


@pytest.mark.parametrize("field", ["Output", "Assign"])
@pytest.mark.parametrize(
    "expression",
    ["$states.input.none", "$none", "$states.result", "$states.context.None", "'x' + 1", "none"],
)
def test_an_expression_without_a_value_fails_where_nothing_catches_it(field, expression):
    state = {"Type": "Pass", field: {"value": f"{{% {expression} %}}"}, "End": True}
    ended = walked(input={"value": 1}, Pass=state)
    assert ended.error == "States.QueryEvaluationError"


@pytest.mark.parametrize("field", ["Arguments", "Output", "Assign"])
def test_an_expression_without_a_value_is_caught_in_a_task(field):
    task = TASK | {field: {"value": "{% $none %}"}, "Catch": [ALL]}
    assert walked(Task=task).output == "caught"


def test_a_variable_is_assigned_before_it_is_named():
    state = {"Type": "Pass", "Output": "{% $exists($none) %}", "End": True}
    assert walked(Pass=state).error == "States.QueryEvaluationError"


def test_null_is_a_value():
    state = {"Type": "Pass", "Output": "{% $states.input.value %}", "End": True}
    assert walked(input={"value": None}, Pass=state).status == "SUCCEEDED"


def test_variables_are_assigned_from_the_values_before():
    first = {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Second"}
    swap = {"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "Third"}
    last = {"Type": "Pass", "Output": "{% [$a, $b] %}", "End": True}
    assert walked(First=first, Second=swap, Third=last).output == [2, 1]


def test_a_fail_takes_texts_alone():
    fail = {"Type": "Fail", "Error": "{% 1 %}", "Cause": "x"}
    assert walked(Fail=fail).error == "States.QueryEvaluationError"


@pytest.mark.parametrize(
    "state", [TASK, TASK | {"Arguments": LARGE}, {"Type": "Pass", "Assign": {"a": LARGE}}]
)
def test_nothing_above_256_kib_is_carried(state):
    ended = walked(LARGE, State=state | {"Next": "Caught"})
    assert ended.error == "States.DataLimitExceeded"


def test_a_task_and_the_whole_have_their_time():
    assert walked(Answer(1, 31), Task=TASK | {"TimeoutSeconds": 30}).error == "States.Timeout"
    wait = {"Type": "Wait", "Seconds": 1001, "End": True}
    assert walked(Wait=wait).status == "TIMED_OUT"


def test_an_execution_has_25_000_events():
    ended = walked(Task=TASK)
    assert ended.events == 7
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Choice"}]}
    ended = walked(Choice=choice | {"Default": "Caught"})
    assert (ended.error, len(ended.entered)) == ("States.Runtime", 12_500)

"""A state machine walked with AWS's rules: no server, a clock of its own, answers from a script.

What is followed: JSONata alone, without a document of its own, and a value wherever one is needed;
a Choice asks for booleans, a Wait for whole seconds, a Fail for texts; rules of Retry and Catch in
their order; payloads and variables up to 256 KiB; 25,000 events; the machine's time-out. What
fails in a state that has no Catch ends the execution.
"""

import functools
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jsonata
from jsonata.utils import Utils

from checks.retries import first_match

MOST_BYTES = 256 * 1024
MOST_EVENTS = 25_000
MOST_WAIT_SECONDS = 99_999_999
BEGAN = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
ACCOUNT = "eu-central-1:123456789012"
VARIABLE = re.compile(r"\$([A-Za-z_]\w*)\b(?!\()")
# Events of a state that is entered and left, beside those of a task's tries.
ENTERED_AND_LEFT = 2
EVENTS_OF_A_TRY = 3


class StateError(Exception):
    """An error in a state, with the name that rules look for. `seconds` is how long it took."""

    def __init__(self, error, cause="", seconds=0):
        super().__init__(error)
        self.error, self.cause, self.seconds = error, cause, seconds


@dataclass
class Answer:
    """A task's result that came after a while."""

    result: object
    seconds: float = 0


@dataclass
class Ended:
    """How an execution ended, and what it did until then."""

    status: str
    output: object
    error: str
    cause: str
    seconds: float
    events: int
    entered: list
    calls: list

    def called(self, state):
        """The arguments of each try of a task."""
        return [arguments for name, arguments in self.calls if name == state]


class _Over(Exception):
    """The execution is over: status, error, cause."""


def walk(definition, script, input, name="run"):
    """Runs a definition; `script(state, resource, arguments)` answers or raises a StateError."""
    return _Execution(definition, script, input, name).ended()


def arn(machine, name=None):
    """The ARN of a state machine or of one of its executions."""
    kind = "stateMachine" if name is None else "execution"
    return ":".join(["arn:aws:states", ACCOUNT, kind, machine, *([name] if name else [])])


def substituted(definition, **given):
    """A definition with its names filled in; what is not given is its own name."""
    text = json.dumps(definition)
    return json.loads(re.sub(r"\$\{(\w+)\}", lambda found: given.get(found[1], found[1]), text))


@dataclass
class _Execution:
    definition: dict
    script: object
    input: object
    name: str
    machine: str = "partner-sync"
    variables: dict = field(default_factory=dict)
    entered: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    seconds: float = 0
    events: int = 0

    def ended(self):
        output = error = cause = None
        try:
            self.count(1)
            status, output = "SUCCEEDED", self.run()
            self.count(1)
        except _Over as over:
            status, error, cause = over.args
        return Ended(
            status, output, error, cause, self.seconds, self.events, self.entered, self.calls
        )

    def run(self):
        state_name, data = self.definition["StartAt"], self.input
        while state_name is not None:
            state = self.definition["States"][state_name]
            self.entered.append(state_name)
            self.at = self.now()
            do = {
                "Task": self.task,
                "Choice": self.choice,
                "Wait": self.wait,
                "Pass": self.passed,
                "Fail": self.fail,
            }[state["Type"]]
            try:
                data, state_name = do(state_name, state, data)
            except StateError as failed:
                raise _Over("FAILED", failed.error, failed.cause) from failed
            self.count(ENTERED_AND_LEFT)
            measured(data)
        return data

    # Each kind of state: its output, and the next one's name.

    def task(self, name, state, data):
        tries = Counter()
        while True:
            try:
                return self.tried(name, state, data), state.get("Next")
            except StateError as failed:
                place = first_match(state.get("Retry", []), failed.error)
                if place is None or tries[place] >= state["Retry"][place].get("MaxAttempts", 3):
                    return self.caught(state, failed)
                self.pass_time(pause(state["Retry"][place], tries[place]))
                tries[place] += 1

    def tried(self, name, state, data):
        arguments = self.value(state.get("Arguments", {}), {"input": data})
        measured(arguments)
        self.count(EVENTS_OF_A_TRY)
        self.calls.append((name, arguments))
        try:
            answer = self.script(name, state["Resource"], arguments)
        except StateError as failed:
            self.pass_time(failed.seconds)
            raise
        answer = answer if isinstance(answer, Answer) else Answer(answer)
        most = state.get("TimeoutSeconds", MOST_WAIT_SECONDS)
        self.pass_time(min(answer.seconds, most))
        if answer.seconds > most:
            raise StateError("States.Timeout", "the task took too long")
        measured(answer.result)
        return self.left(state, {"input": data, "result": answer.result}, answer.result)

    def caught(self, state, failed):
        place = first_match(state.get("Catch", []), failed.error)
        if place is None:
            raise failed
        told = {"Error": failed.error, "Cause": failed.cause}
        rule = state["Catch"][place]
        return self.left(rule, {"errorOutput": told}, told), rule["Next"]

    def choice(self, _, state, data):
        for rule in state["Choices"]:
            met = self.value(rule["Condition"], {"input": data})
            if not isinstance(met, bool):
                raise StateError("States.QueryEvaluationError", f"{rule} gave no boolean")
            if met:
                return self.left(rule, {"input": data}, data), rule["Next"]
        if "Default" not in state:
            raise StateError("States.NoChoiceMatched")
        return self.left(state, {"input": data}, data), state["Default"]

    def wait(self, _, state, data):
        seconds = self.value(state["Seconds"], {"input": data})
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or int(seconds) != seconds or not 0 <= seconds <= MOST_WAIT_SECONDS:
            raise StateError("States.QueryEvaluationError", f"{seconds!r} are no seconds")
        self.pass_time(seconds)
        return self.left(state, {"input": data}, data), state.get("Next")

    def passed(self, _, state, data):
        return self.left(state, {"input": data}, data), state.get("Next")

    def fail(self, _, state, data):
        told = [self.value(state.get(key, ""), {"input": data}) for key in ("Error", "Cause")]
        if not all(isinstance(one, str) for one in told):
            raise StateError("States.QueryEvaluationError", f"{told} are no texts")
        self.count(ENTERED_AND_LEFT)
        raise _Over("FAILED", *told)

    # What they share.

    def left(self, rule, states, default):
        """The output, and the variables: all are computed from the values before."""
        output = self.value(rule["Output"], states) if "Output" in rule else default
        assigned = self.value(rule.get("Assign", {}), states)
        measured(output)
        measured(assigned)
        self.variables |= assigned
        return output

    def value(self, template, states):
        if isinstance(template, dict):
            return {key: self.value(one, states) for key, one in template.items()}
        if isinstance(template, list):
            return [self.value(one, states) for one in template]
        if not (isinstance(template, str) and template.startswith("{%")):
            return template
        bound = self.variables | {"states": states | {"context": self.context()}}
        # Stricter than the language, for which such a name is nothing.
        if unknown := set(VARIABLE.findall(template)) - bound.keys():
            raise StateError("States.QueryEvaluationError", f"nobody has assigned {unknown}")
        return evaluated(template[2:-2].strip(), bound)

    def context(self):
        return {
            "Execution": {
                "Id": arn(self.machine, self.name),
                "Name": self.name,
                "Input": self.input,
                "StartTime": shown(BEGAN),
            },
            "State": {"Name": self.entered[-1], "EnteredTime": shown(self.at)},
            "StateMachine": {"Id": arn(self.machine), "Name": self.machine},
        }

    def now(self):
        return BEGAN + timedelta(seconds=self.seconds)

    def pass_time(self, seconds):
        self.seconds += seconds
        if self.seconds > self.definition["TimeoutSeconds"]:
            raise _Over("TIMED_OUT", "States.Timeout", "")

    def count(self, events):
        self.events += events
        if self.events > MOST_EVENTS:
            raise _Over("FAILED", "States.Runtime", "too many events in the execution's history")


def pause(retrier, tries):
    """The longest pause before the next try."""
    grown = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** tries
    return min(grown, retrier.get("MaxDelaySeconds", grown))


def shown(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def measured(value):
    """Refuses what AWS does not carry from state to state, nor in a variable."""
    if len(json.dumps(value, ensure_ascii=False).encode()) > MOST_BYTES:
        raise StateError("States.DataLimitExceeded", "larger than 256 KiB")


@functools.cache
def compiled(expression):
    return jsonata.Jsonata.jsonata(expression)


def evaluated(expression, bound):
    """An expression's value; one that gives nothing fails, and null is a value."""
    bound = with_nulls(bound)
    try:
        found = compiled(expression).evaluate(None, bound)
        exists = found is not None or compiled(f"$exists(({expression}))").evaluate(None, bound)
    except Exception as failed:
        raise StateError("States.QueryEvaluationError", f"{expression}: {failed}") from failed
    if not exists:
        raise StateError("States.QueryEvaluationError", f"{expression} returned nothing")
    return without_nulls(found)


def with_nulls(value):
    """The package takes None for nothing at all."""
    if isinstance(value, dict):
        return {key: with_nulls(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_nulls(one) for one in value]
    return Utils.NULL_VALUE if value is None else value


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    return None if value is Utils.NULL_VALUE else value

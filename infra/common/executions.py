"""Executions of the state machine, as Step Functions describes them."""

import json
from dataclasses import dataclass, field


@dataclass
class Step:
    """A state that was entered; what it said is known once it has ended."""

    name: str
    began: float
    ended: float | None = None
    next: str | None = None
    error: str = ""
    output: dict = field(default_factory=dict)

    @property
    def payload(self):
        """What a Lambda returned, if the state called one."""
        payload = self.output.get("Payload")
        return payload if isinstance(payload, dict) else {}


def steps(events):
    """The states of an execution's history, in the order they were entered."""
    found = []
    for event in events:
        at = (event["timestamp"] - events[0]["timestamp"]).total_seconds()
        if entered := event.get("stateEnteredEventDetails"):
            if found:
                found[-1].next = entered["name"]
                found[-1].ended = found[-1].ended or at
            found.append(Step(entered["name"], at))
        elif exited := event.get("stateExitedEventDetails"):
            output = json.loads(exited.get("output") or "{}")
            found[-1].ended = at
            found[-1].output = output if isinstance(output, dict) else {}
        elif failed := event.get("taskFailedEventDetails"):
            found[-1].error = failed.get("error", "")
        elif "taskSucceededEventDetails" in event:
            found[-1].error = ""
    return found


def states_entered(events):
    """The names of the states in the order they were entered."""
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if event["type"].endswith("StateEntered")
    ]


def is_local_timeout(described):
    """True if the local AWS took too long over an expression: a fault of the local twin alone."""
    # The machine has a name of its own for an expression that fails on a stage's answer.
    names = ("States.QueryEvaluationError", "Sync.Contract")
    return described.get("error") in names and "D1012" in str(described.get("cause"))

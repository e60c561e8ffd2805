"""Shows an execution while it runs: a line for each state, with what it answered."""

import json
import time
from dataclasses import dataclass, field

from .answers import answer, title
from .terminal import Line, bar, styled
from .words import counted

INDENT = 46


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


def follow(stack, standins, execution):
    """Prints until the execution has ended, and returns its description."""
    shown = Shown(Pages(standins))
    while True:
        described = stack.sfn.describe_execution(executionArn=execution)
        shown.bring_to(steps(stack.history(execution)), described["status"] != "RUNNING")
        if described["status"] != "RUNNING":
            described["output"] = json.loads(described.get("output") or "null")
            return described
        time.sleep(0.1)


class Shown:
    """What is on the screen of an execution: the lines of its states, the last one open."""

    def __init__(self, pages):
        self.pages, self.closed, self.line = pages, 0, None

    def bring_to(self, steps, has_ended):
        """Closes the lines of the states that have ended, and shows the one that is under way."""
        for place, step in enumerate(steps[self.closed :], self.closed):
            self.line = self.line or Line(beginning(step))
            if step.next is None and not has_ended:
                self.line.show(self.pages.so_far() if is_long(step) else "")
                return
            self.close(step, steps[: place + 1])

    def close(self, step, steps):
        """Says what a state answered; a long one's bar stays."""
        answers = [
            styled(one, "red" if one == step.error else "cyan") for one in answer(step, steps)
        ]
        if is_long(step) and step.payload:
            answers.insert(0, self.pages.in_all(step.ended - step.began))
        self.line.close(f"\n{' ' * INDENT}".join(answers))
        self.line, self.closed = None, self.closed + 1


def beginning(step):
    """The part of a state's line that is known when it is entered."""
    began = styled(f"{step.began:6.1f} s", "dim")
    return f"{began}  {title(step.name):{INDENT - 10}}"


def is_long(step):
    """True of the state that makes many calls."""
    return step.name == "Gather the organizations"


class Pages:
    """The pages of organizations that were read, from the stand-ins' request log."""

    def __init__(self, standins):
        self.standins = standins
        instances = standins.state()["zendesk"].values()
        # A full last page is followed by an empty one.
        self.total = sum(len(one["organizations"]) // 100 + 1 for one in instances)

    def read(self):
        """How many were asked for until now."""
        page = ("GET", "/api/v2/organizations")
        return sum((call["method"], call["path"]) == page for call in self.standins.log())

    def so_far(self):
        """A bar that grows."""
        read = self.read()
        return f"{bar(read, self.total)} {read} of {self.total} pages"

    def in_all(self, seconds):
        """The bar as it was when the state ended."""
        read = self.read()
        return f"{bar(read, self.total)} {counted(read, 'page')} in {seconds:.1f} s"

"""make smoke: a deployed stack looked at, with one run that only plans.

It writes nothing to Zendesk and changes no resource; what it leaves is the plan run's documents.
"""

import sys

from common.terminal import line, say, styled

from . import environments, smoke_checks, smoke_run
from .smoke_checks import guarded
from .smoke_stack import Deployed

COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}
BEFORE_THE_RUN = [
    smoke_checks.definitions,
    smoke_checks.schedule,
    smoke_checks.functions,
    smoke_checks.logs,
]
AFTER_THE_RUN = [smoke_checks.alarms, smoke_checks.subscriptions]


def main():
    environment = environments.read(" ".join(sys.argv[1:]))
    # A name that the terminal's encoding does not have must not end it.
    sys.stdout.reconfigure(errors="replace")
    return smoke(environment)


def smoke(environment):
    """Prints a line for whatever is looked at; 1 if one of them is a FAIL, else 0."""
    marks = []
    for told in lines(Deployed(environment)):
        marks.append(told.mark)
        say(line((f"{told.mark:5}", COLOURS[told.mark]), f" {told.text}"))
    seen = ", ".join(f"{marks.count(mark)} {mark}" for mark in COLOURS)
    say(styled(f"\nSmoke test of {environment.stack}: {seen}.", "bold"))
    return 1 if "FAIL" in marks else 0


def lines(deployed):
    """All that is looked at, in order; without a stack that can run there is nothing more."""
    yield from guarded(smoke_checks.stack, deployed)
    if deployed.can_run:
        for check in [*BEFORE_THE_RUN, smoke_run.planned, *AFTER_THE_RUN]:
            yield from guarded(check, deployed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped looking; a run that was started goes on, and only plans.")
        sys.exit(130)

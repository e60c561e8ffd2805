"""make smoke: a deployed stack looked at, with one run that only plans.

It writes nothing to Zendesk and changes no resource: the one write to the bucket that it tries
would write nothing even if it were allowed (smoke_bucket). What it leaves is the plan run's
documents. With MESSAGE=1 it also sends one message to whoever is subscribed.
"""

import argparse
import sys

from common.terminal import line, say, styled

from . import environments, smoke_bucket, smoke_checks, smoke_messages, smoke_run
from .smoke_checks import guarded
from .smoke_stack import Deployed

COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}
BEFORE_THE_RUN = [
    smoke_checks.definitions,
    smoke_checks.schedule,
    smoke_checks.functions,
    smoke_checks.logs,
    smoke_bucket.policy,
    smoke_bucket.attempt,
]
AFTER_THE_RUN = [
    smoke_checks.alarms,
    smoke_messages.actions,
    smoke_messages.forms,
    smoke_messages.subscriptions,
]


def main():
    parser = argparse.ArgumentParser(prog="make smoke")
    parser.add_argument("environment", nargs="?", default="")
    parser.add_argument("--message", action="store_true")
    said = parser.parse_args()
    environment = environments.read(said.environment)
    # A name that the terminal's encoding does not have must not end it.
    sys.stdout.reconfigure(errors="replace")
    return smoke(environment, said.message)


def smoke(environment, sends=False):
    """Prints a line for whatever is looked at; 1 if one of them is a FAIL, else 0."""
    marks = []
    for told in lines(Deployed(environment), sends):
        marks.append(told.mark)
        say(line((f"{told.mark:5}", COLOURS[told.mark]), f" {told.text}"))
    seen = ", ".join(f"{marks.count(mark)} {mark}" for mark in COLOURS)
    say(styled(f"\nSmoke test of {environment.stack}: {seen}.", "bold"))
    return 1 if "FAIL" in marks else 0


def lines(deployed, sends=False):
    """All that is looked at, in order; without a stack that can run there is nothing more."""
    yield from guarded(smoke_checks.stack, deployed)
    if deployed.can_run:
        last = [smoke_messages.sent] if sends else []
        for check in [*BEFORE_THE_RUN, smoke_run.planned, *AFTER_THE_RUN, *last]:
            yield from guarded(check, deployed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped looking; a run that was started goes on, and only plans.")
        sys.exit(130)

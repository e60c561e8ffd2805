"""What each command of the demo shows: a run, a held run, its release."""

import sys

from common.terminal import say, wrapped
from common.words import counted

from . import kept, release
from .ending import ending, verdict
from .lost import let_hours_pass, lose_many


def show_a_run(demo):
    """One run."""
    return end(demo.run())


def show_a_held_run(demo):
    """Many partners are lost at once, and the run that would mark them is held."""
    return end(held_run(demo))


def show_a_release(demo):
    """The command of the held run's report, done as it stands."""
    if kept.held_plan() is None:
        end(held_run(demo))
    plan = kept.held_plan()
    if plan is None:
        say("Nothing is held, so there is nothing to release.")
        return 1
    command = plan["release"]
    scene(f"The command of the report of {plan['run_id']}, word for word:")
    say(command)
    try:
        what, given = release.in_words(command, demo.stack)
    except release.Refused as error:
        say(f"It cannot be done here: {error}")
        return 1
    scene(f"There is no AWS CLI here, so the demo does what it says itself: it {what}")
    say(given)
    return end(demo.watch(lambda: release.start(command, demo.stack)))


def held_run(demo):
    """A run that is held, after many partners were lost at once."""
    if kept.held_plan():
        scene("Something is held since the last run. It stays held; the next hour's run:")
        return demo.run()
    if not kept.WORLD.exists():
        scene("There is no demo yet to go on with, so its first run comes first.")
        go_on_after(demo.run())
    lost = lose_many(demo.remote)
    if not lost:
        sys.exit("Every partner the demo can lose is lost and marked; make demo-reset begins anew.")
    many = counted(len(lost), "partner loses", "partners lose")
    scene(
        f"{many} the authorisation in Salesforce at once: Partners_Partner_Status__c is Terminated "
        "now. The next hour's run misses them, and lets them wait: nothing is marked before an "
        "account has been missing for 24 hours (MarkAfterHours)."
    )
    waiting = go_on_after(demo.run())["counts"]["waiting"]
    let_hours_pass(demo.stack, demo.remote, 25)
    wait = counted(waiting, "organization waits", "organizations wait")
    scene(f"{wait}. A day later they are due (the clocks of the memory are set back by 25 hours):")
    return demo.run()


def go_on_after(described):
    """Says how a run ended that is not the last one, and returns its output; a failed one ends the
    demo."""
    say(*verdict(described))
    if described["status"] != "SUCCEEDED":
        sys.exit(1)
    return described["output"]


def end(described):
    """Shows a run's end, and returns the exit status."""
    say(*ending(described))
    return 0 if described["status"] == "SUCCEEDED" else 1


def scene(text):
    """Says what comes next."""
    say("", *wrapped(text, "bold"))


BY_NAME = {"": show_a_run, "held": show_a_held_run, "release": show_a_release}

"""What the states of an execution answered, in words."""

from .words import counted, joined

# The state that came next shows which way was taken.
BY_NEXT = {
    "Check the input": {
        "Take the lease": "yes",
        "Refuse the name": "no, its name is refused",
        "Refuse the input": "no, it is refused",
    },
    "Take the lease": {
        "Gather the partner accounts": "taken: no other run is under way",
        "Read the lease": "another run has it",
    },
    "Read the lease": {"Is the lease held": "read"},
    "Is the lease held": {
        "Take the lease": "no",
        "Take over the lease": "by something that is no run",
        "Look at the holder": "yes",
        "Record the failure": "by ever another one",
    },
    "Look at the holder": {
        "Is the holder running": "found",
        "Take over the lease": "there is no such run, or nothing can be said of it",
    },
    "Is the holder running": {"Record the skipped run": "yes", "Take over the lease": "no"},
    "Take over the lease": {
        "Gather the partner accounts": "taken over",
        "Read the lease": "another run was faster",
    },
    "Record the skipped run": {"Skip this run": "its report is written"},
    "Are all organizations gathered": {
        "Compare accounts with organizations": "yes",
        "Wait before gathering on": "no, Zendesk asks for a pause",
        "Gather the organizations": "no, there are more",
        "Record the failure": "that is no answer",
    },
    "Is it only a plan": {"Release the lease": "yes", "Confirm the lease": "no"},
    "Confirm the lease": {"Apply the plan": "it is still this run's"},
    "Is everything synced": {
        "Is there news": "yes",
        "Wait before syncing on": "no, a pause comes first",
        "Confirm the lease": "no, there is more",
        "Record the failure": "that is no answer",
    },
    "Record the failure": {"Is there news": "its report is written"},
    "Is there news": {"Tell people": "yes", "Release the lease": "no, so nobody is told"},
    "Keep the message": {"Note what was not told": "kept in the queue ScheduleFailures"},
    "Note what was not told": {"Release the lease": "the next run tells it"},
    "Release the lease": {"Did the run fail": "released"},
    "Did the run fail": {"Fail with the error's name": "yes", "End with the summary": "no"},
}
QUESTIONS = {"Check the input": "Is the input in order"}


def title(state):
    """A state's name, as a question if it asks one."""
    name = QUESTIONS.get(state, state)
    return name + "?" if name.startswith(("Is ", "Are ", "Did ")) else name


def answer(step, steps):
    """What a state answered that has ended, as the lines of the answer; `steps` are all states."""
    ways = BY_NEXT.get(step.name, {})
    if step.error and (len(ways) == 1 or step.next not in ways):
        return [step.error]
    if step.name.startswith("Wait"):
        return [f"{latest(steps, 'wait_seconds', 0)} s"]
    if step.name == "Tell people":
        return [latest(steps, "notice", {}).get("subject", "")]
    if step.next is None:
        return [step.output.get("verdict", "FAILED")]
    return [ways.get(step.next, step.next)] if ways else told(step.payload)


def latest(steps, key, default):
    """What the last stage answered that answered something of this name."""
    return next((step.payload[key] for step in reversed(steps) if key in step.payload), default)


def told(payload):
    """What a stage's result says of its counts, in lines."""
    if "accounts" in payload:
        return [counted(payload["accounts"]["count"], "partner account") + " in Salesforce"]
    if "organizations" in payload:
        count = counted(payload["organizations"]["count"], "partner organization")
        return [f"{count} on all instances"]
    if "plan" in payload:
        return planned(payload["summary"]["counts"])
    if payload.get("status") in ("wait", "continue"):
        return [f"{payload.get('handled')} of {payload.get('total') or '?'} done so far"]
    if "summary" in payload:
        return [applied(payload["summary"]["applied"])]
    return []


def planned(counts):
    """The plan, and against what it was made."""
    unmarks = f" ({counted(counts['unmarks'], 'un-mark')})" if counts["unmarks"] else ""
    plan = joined(
        counted(counts["creates"], "create"),
        counted(counts["updates"], "update") + unmarks,
        counted(counts["marks"], "mark"),
        f"{counts['unexplained']} unexplained" if counts["unexplained"] else "",
    )
    target = counted(counts["partner_organizations"], "partner organization")
    return [plan, f"of {target} on global, the target"]


def applied(done):
    """What was done, and what was not."""
    shown = [key for key in done if done[key] or key in ("created", "updated", "marked")]
    return ", ".join(f"{done[key]} {key}" for key in shown)

"""The plan run of make smoke: started, shown while it runs, judged, and its report fetched."""

import json
import re
import time
from datetime import UTC, datetime

from common.executions import is_local_timeout, steps
from common.places import ROOT
from common.shown import Shown
from common.terminal import line, say
from common.words import counted

from . import runs
from .smoke_checks import fail, ok, one_line, warn

FOLDER = ROOT / ".local" / "smoke"
FILES = {"html": "report.html", "markdown": "report.md"}
TRIES = 3
# Looks at the list of runs before a run that is not in it is a failure: the list may be late.
LOOKS = 10
MINUTE = 60


def planned(deployed):
    """One run that only plans, to its end, with its report."""
    described = run(deployed)
    yield from judged(described, deployed.parameters.get("RunbookUrl", "infra/RUNBOOK.md"))
    yield refusal(described)
    yield from fetched(deployed, described, FOLDER / deployed.name)


def run(deployed):
    """The description of a plan run that has ended. While another run is under way, it waits."""
    described = follow(deployed, start(deployed))
    if deployed.is_local and is_local_timeout(described):
        described = follow(deployed, start(deployed))
    for _ in range(TRIES - 1):
        output = described["output"] or {}
        if output.get("verdict") != "SKIPPED":
            break
        wait_for(deployed, output.get("holder", ""))
        described = follow(deployed, start(deployed))
    return described


def start(deployed):
    """Starts a run that writes nothing to Zendesk, and returns its execution."""
    # A name can be used once; two starts in one second would be one run.
    name = f"smoke-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3]
    started = deployed.client("stepfunctions").start_execution(
        stateMachineArn=deployed.outputs["StateMachineArn"],
        name=name,
        input=json.dumps({"mode": "plan"}),
    )
    say(f"      plan run {name}:")
    return started["executionArn"]


def follow(deployed, execution):
    """Prints the states of an execution until it has ended, and returns its description."""
    # The state machine ends a run after three hours by itself.
    began, watch = time.monotonic(), Watch(deployed)
    with Shown(Seconds()) as shown:
        while True:
            may_be_unknown = time.monotonic() < began + MINUTE
            if seen := look(deployed, execution, may_be_unknown):
                described, events = seen
                has_ended = described["status"] != "RUNNING"
                shown.bring_to(steps(events), has_ended)
                if has_ended:
                    described["output"] = json.loads(described.get("output") or "null")
                    return {**described, "watch": watch}
                watch.look(described["name"])
            pause(deployed)


def look(deployed, execution, may_be_unknown):
    """An execution's description and its history; None if AWS does not know it yet."""
    client = deployed.client("stepfunctions")
    try:
        described = client.describe_execution(executionArn=execution)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        return described, [event for page in pages for event in page["events"]]
    except client.exceptions.ExecutionDoesNotExist:
        # Both calls are eventually consistent.
        if may_be_unknown:
            return None
        raise


def wait_for(deployed, holder):
    """Waits for the end of the run that holds the lease."""
    say(f"      another run is under way, {holder.rpartition(':')[2]}: waiting for its end")
    client, began, told = deployed.client("stepfunctions"), time.monotonic(), 0
    while holder and client.describe_execution(executionArn=holder)["status"] == "RUNNING":
        minutes = int(time.monotonic() - began) // MINUTE
        if minutes > told:
            told = minutes
            say(f"      {counted(minutes, 'minute')}")
        pause(deployed)


def pause(deployed):
    """Between two looks; AWS allows a few calls a second."""
    time.sleep(0.1 if deployed.is_local else 3)


class Seconds:
    """What is told of the state that makes many calls, where nobody counts them."""

    def so_far(self):
        """Nothing is known before it has ended."""
        return ""

    def in_all(self, seconds):
        """How long it took."""
        return line(f"{seconds:.1f} s")


class Watch:
    """Whether a run, while it was under way, was seen where make deploy looks."""

    def __init__(self, deployed):
        self.deployed, self.looks, self.was_seen = deployed, 0, False

    def look(self, name):
        """Once it was seen, nothing is asked any more."""
        if not self.was_seen:
            self.looks += 1
            client = self.deployed.client("stepfunctions")
            self.was_seen = name in runs.running(client, self.deployed.outputs["StateMachineArn"])


def refusal(described):
    """Would a deployment have been refused while the run was under way?"""
    watch, name = described["watch"], described["name"]
    if watch.was_seen:
        return ok(f"while {name} was under way, make deploy would have refused")
    seen = f"{name} was not in the list of running executions in {counted(watch.looks, 'look')}"
    if watch.looks < LOOKS:
        return warn(f"{seen}; the list may be late", "start make smoke again")
    return fail(
        f"{seen}, so make deploy would not have refused",
        "before a deployment, look yourself whether a run is under way; tell who maintains it",
    )


def judged(described, runbook):
    """What the end of the plan run means."""
    name, output = described["name"], described["output"] or {}
    verdict = output.get("verdict", described["status"])
    if verdict == "PLANNED":
        seconds = (described["stopDate"] - described["startDate"]).total_seconds()
        yield ok(f"plan run {name}: PLANNED in {seconds:.0f} s")
        yield ok(counts(output))
        yield unwritten(output)
    elif verdict == "SKIPPED":
        yield fail(
            f"plan run {name}: SKIPPED, another run was under way {TRIES} times",
            f"start make smoke again between two runs; {section(runbook, 'A run is SKIPPED')}",
        )
    elif verdict == "FAILED":
        error, cause = described.get("error", "no name"), one_line(described.get("cause", ""))
        yield fail(f"plan run {name}: {error}, {cause}", section(runbook, heading(error)))
    elif verdict == "TIMED_OUT":
        yield fail(f"plan run {name}: TIMED_OUT", section(runbook, "Alarm RunTimedOut"))
    else:
        yield fail(f"plan run {name}: {verdict}", "it must end PLANNED; start make smoke again")


def counts(output):
    """What was read and what an apply run would do."""
    counts, held = output["counts"], sum(one["count"] for one in output["held"])
    kinds = ("creates", "updates", "marks", "unexplained")
    changes = ", ".join(f"{counts[key]} {key}" for key in kinds)
    return (
        f"the plan: {counted(counts['accounts'], 'account')}, "
        f"{counts['organizations_scanned']} organizations ({counts['partner_organizations']} of "
        f"partners), {changes}, {held} held, {counts['waiting']} waiting, "
        f"{counts['unlinked']} unlinked"
    )


def unwritten(output):
    """A plan run ends before anything is applied, and its output must say so."""
    done = {what: number for what, number in output["applied"].items() if number}
    if output["mode"] != "plan" or done:
        return fail(
            f"the run's mode is {output['mode']}, and it has applied {done}",
            "stop the pipeline (ScheduleState=DISABLED) and tell who maintains it",
        )
    return ok("nothing was written to Zendesk: the run ended with its plan")


def heading(error):
    """The runbook's heading of an error: its own name, if it is one of ours."""
    return error if error.startswith("Sync.") else "AWS's own names"


def section(runbook, heading):
    """Where the runbook says what to do, as GitLab and GitHub make an address of a heading."""
    return f"{runbook}#{re.sub('[^a-z0-9 _-]', '', heading.lower()).replace(' ', '-')}"


def fetched(deployed, described, folder):
    """The report, copied into a folder."""
    prefix, output = f"runs/{described['name']}/report", described["output"] or {}
    address = output.get("report") or {
        "bucket": deployed.outputs["BucketName"],
        "html": f"{prefix}.html",
        "markdown": f"{prefix}.md",
    }
    folder.mkdir(parents=True, exist_ok=True)
    client = deployed.client("s3")
    for key, file in FILES.items():
        path = folder / file
        # That of an earlier run must not be taken for this one's.
        path.unlink(missing_ok=True)
        try:
            body = client.get_object(Bucket=address["bucket"], Key=address[key])["Body"].read()
        except client.exceptions.NoSuchKey:
            # A run that was refused, stopped or timed out has none.
            if described["status"] == "SUCCEEDED":
                place = f"s3://{address['bucket']}/{address[key]}"
                yield fail(f"the report {place} is not there", "look at the log of Compare")
            continue
        path.write_bytes(body)
        yield ok(f"report: {path}")

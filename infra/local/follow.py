"""Shows an execution while it runs: each state, its counts, and a bar where work is long."""

import json
import sys
import time

LIVE = sys.stdout.isatty()


def follow(stack, standins, execution):
    """Prints until the execution has ended, and returns its description."""
    shown, entered, bar = 0, "", Bar(standins)
    while True:
        described = stack.sfn.describe_execution(executionArn=execution)
        events = stack.history(execution)
        for event in events[shown:]:
            name = event.get("stateEnteredEventDetails", {}).get("name")
            if name:
                bar.end()
                entered = name
                print(f"  {elapsed(events, event):6.1f} s  {name}{seconds(event)}", flush=True)
            counts = told(event)
            if counts:
                bar.end()
                print(f"            {counts}", flush=True)
        shown = len(events)
        if described["status"] != "RUNNING":
            bar.end()
            described["output"] = json.loads(described.get("output") or "null")
            return described
        bar.show(entered)
        time.sleep(0.2)


def elapsed(events, event):
    return (event["timestamp"] - events[0]["timestamp"]).total_seconds()


def seconds(event):
    name = event["stateEnteredEventDetails"]["name"]
    if not name.startswith("Wait"):
        return ""
    waited = (
        json.loads(event["stateEnteredEventDetails"].get("input") or "{}")
        .get("Payload", {})
        .get("wait_seconds")
    )
    return f" ({waited} s)" if waited else ""


def told(event):
    """What a stage's result says of its counts."""
    text = event.get("taskSucceededEventDetails", {}).get("output")
    payload = json.loads(text).get("Payload") if text else None
    if not isinstance(payload, dict):
        return ""
    if "accounts" in payload:
        return f"{payload['accounts']['count']} partner accounts"
    if "organizations" in payload:
        return f"{payload['organizations']['count']} partner organizations"
    if "plan" in payload:
        counts = payload["summary"]["counts"]
        shown = ["creates", "updates", "unmarks", "marks", "retained", "waiting", "conflicts"]
        return ", ".join(f"{counts[key]} {key}" for key in shown)
    if payload.get("status") in ("wait", "continue"):
        return (
            f"{payload['status']}: {payload.get('handled')} of {payload.get('total') or '?'} done"
        )
    if "summary" in payload:
        return ", ".join(f"{number} {key}" for key, number in payload["summary"]["applied"].items())
    return ""


class Bar:
    """A bar for the stages that make many calls, from the stand-ins' request log."""

    def __init__(self, standins):
        self.standins, self.open = standins, False
        instances = standins.state()["zendesk"].values()
        self.pages = sum(-(-len(instance["organizations"]) // 100) for instance in instances)

    def show(self, state):
        if not LIVE or state != "Gather the organizations":
            return
        done = sum(
            1
            for call in self.standins.log()
            if call["path"] == "/api/v2/organizations" and call["method"] == "GET"
        )
        filled = min(40, 40 * done // max(1, self.pages))
        print(
            f"\r            [{'#' * filled}{'.' * (40 - filled)}] {done} of {self.pages} pages",
            end="",
            flush=True,
        )
        self.open = True

    def end(self):
        if self.open:
            print("\r" + " " * 80 + "\r", end="")
        self.open = False


def table(output):
    """The summary as a table."""
    counts, applied = output["counts"], output["applied"]
    rows = [
        ("accounts", counts["accounts"], ""),
        ("organizations scanned", counts["organizations_scanned"], ""),
        ("partner organizations", counts["partner_organizations"], ""),
        ("creates", counts["creates"], applied["created"]),
        ("updates", counts["updates"], applied["updated"]),
        ("  un-marks among them", counts["unmarks"], ""),
        ("marks for deletion", counts["marks"], applied["marked"]),
        ("retained", counts["retained"], ""),
        ("waiting", counts["waiting"], ""),
        ("unlinked", counts["unlinked"], ""),
        ("skipped", counts["skipped"], ""),
        ("conflicts", counts["conflicts"], ""),
        ("failed", "", applied["failed"]),
        ("unknown", "", applied["unknown"]),
        ("drifted", "", applied["drifted"]),
    ]
    lines = [f"  {'':24} {'seen/planned':>12} {'done':>6}"]
    lines += [f"  {name:24} {seen:>12} {done:>6}" for name, seen, done in rows]
    return "\n".join(lines)

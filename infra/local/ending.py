"""The end of a run: what was seen, planned and done, what is held, and what that means."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from common.terminal import WIDTH, styled, wrapped
from common.words import counted, joined

from .kept import BUCKET, document

MOST_ROWS = 10
LISTS = {
    "creates": "creates",
    "updates": "updates",
    "marks": "not_in_sync",
    "unexplained": "not_in_sync",
}
NOUNS = {
    "creates": "create",
    "updates": "update",
    "marks": "mark",
    "unexplained": "unexplained mark",
}
# The column of the report's held marks with the reason, in words.
SAID = "what Salesforce says"
MEANINGS = {
    "OK": "Everything planned was done, and Zendesk proved it.",
    "NOTHING_TO_DO": "Zendesk is already as it must be: nothing was written.",
    "PARTIAL": "Not all of the plan was done, or it is not known; the next run compares anew.",
    "HELD": "What is held waits for a person's approval; everything else went ahead.",
    "PLANNED": "Only a plan was asked for: nothing was written.",
    "SKIPPED": "Another run was under way: nothing was read or written.",
}
COLOURS = {"OK": "green", "NOTHING_TO_DO": "green", "FAILED": "red"}


def ending(described):
    """All of it, in lines. With one category held, they are 34 at most."""
    run_id, output = described["name"], described["output"] or {}
    lines = []
    if "counts" in output:
        plan = document(f"runs/{run_id}/plan.json")
        lines += [*seen(plan, output["counts"]), *table(output, marked(run_id)), ""]
        for held in output["held"]:
            lines += held_rows(run_id, plan, held["category"])
        if output["held"]:
            lines += [*what_releases(plan["release"]), ""]
        if output["applied"]["marked"]:
            lines += [*what_becomes(output["applied"]["marked"]), ""]
    return [*lines, *verdict(described), *addresses(run_id)]


def seen(plan, counts):
    """What was read, and where."""
    lines = [f"  {counted(counts['accounts'], 'partner account')} in Salesforce"]
    for one in plan["instances"]:
        partners = counted(one["partner_organizations"], "partner organization")
        role = "the target" if one["name"] == "global" else "only read"
        lines.append(f"  {partners} among {one['organizations_scanned']} on {one['name']}, {role}")
    return lines


def marked(run_id):
    """How many marks of each category were set."""
    results = document(f"runs/{run_id}/results.json") or {"results": []}
    entries = document(f"runs/{run_id}/not_in_sync.json")["not_in_sync"]
    categories = {one["id"]: one["category"] for one in entries}
    done = (one for one in results["results"] if one["outcome"] == "done")
    return Counter(categories[one["id"]] for one in done if one["action"] == "mark")


def table(output, marked):
    """What was planned, done and held, and what was left."""
    counts, applied = output["counts"], output["applied"]
    held = {one["category"]: one["count"] for one in output["held"]}
    rows = [
        ("creates", counts["creates"], applied["created"], held.get("creates", 0)),
        ("updates", counts["updates"], applied["updated"], held.get("updates", 0)),
        ("  un-marks among them", counts["unmarks"], "", ""),
        ("marks for deletion", counts["marks"], marked["marks"], held.get("marks", 0)),
        (
            "unexplained marks",
            counts["unexplained"],
            marked["unexplained"],
            held.get("unexplained", 0),
        ),
    ]
    kept = ("retained", "waiting", "unlinked", "merged", "exempt", "skipped")
    left = [f"{counts[key]} {key}" for key in kept]
    not_done = [f"{applied[key]} {key}" for key in ("failed", "unknown", "drifted")]
    return [
        styled(f"  {'':24} {'planned':>8} {'done':>8} {'held':>8}", "bold"),
        *("  {:24} {:>8} {:>8} {:>8}".format(*row).rstrip() for row in rows),
        f"  left as they are: {joined(*left, counted(counts['conflicts'], 'conflict'))}",
        f"  not done: {joined(*not_done)}",
    ]


def held_rows(run_id, plan, category):
    """Why a category is held, and its first entries with their reasons."""
    judged = next(one for one in plan["guard"]["categories"] if one["category"] == category)
    name = LISTS[category]
    entries = [
        one
        for one in document(f"runs/{run_id}/{name}.json")[name]
        if one.get("category", category) == category and not is_unmark(one)
    ]
    said = reasons(document(f"runs/{run_id}/report.json"))
    heading = f"Held: {counted(judged['count'], NOUNS[category])}. {measured(judged)}"
    lines = wrapped(heading, "yellow", "bold")
    for one in entries[:MOST_ROWS]:
        id, who = str(one.get("id", "new")), shortened(one["name"], 28)
        lines.append(f"  {id:14} {who:28}  {shortened(why(one, said), WIDTH - 47)}")
    if len(entries) > MOST_ROWS:
        lines.append(f"  and {len(entries) - MOST_ROWS} more, all of them in the report")
    return lines


def measured(judged):
    """What the guard compares with its limit; why it does is in the report."""
    others = [f"{judged[key]} {key}" for key in ("waiting", "standing") if judged[key]]
    beside = f" Beside them: {joined(*others)}." if others else ""
    return f"The limit is {judged['limit']}.{beside}"


def is_unmark(entry):
    """True of an update that does nothing but take a mark back: those are never held."""
    changed = [change["field"] for change in entry.get("changes", [])]
    return changed == ["mark_for_deletion"]


def reasons(report):
    """Why each held organization is to be marked, by its id: the report alone words it."""
    return {
        row[0]: dict(zip(section["head"], row, strict=True))[SAID]
        for section in report["sections"]
        if section["is_held"] and SAID in section["head"]
        for row in section["rows"]
    }


def why(entry, said):
    """The reason of a held entry."""
    changed = joined(*(change["field"] for change in entry.get("changes", [])))
    if changed:
        return f"changes {changed}"
    return said.get(str(entry.get("id")), "has no organization yet")


def shortened(text, width):
    """A text that is not longer than this."""
    return text if len(text) <= width else text[: width - 1] + "…"


def what_releases(command):
    """What is held means, and the command, in lines that a shell takes as one."""
    text = (
        "Nothing is deleted or changed while you wait. If they are wrong, do nothing. If they are "
        "right, this releases exactly these (make demo-release runs it):"
    )
    return [*wrapped(text), *(styled(line, "cyan") for line in broken(command))]


def broken(command):
    """A command in lines, its long options and each digest on lines of their own."""
    lines = re.sub(r" (?=--(?!region))", " \\\\\n  ", command)
    return lines.replace('", "', '",\n    "').split("\n")


def what_becomes(marked):
    """What follows from a mark, and how to take it back."""
    purge = next_purge(datetime.now(UTC)).strftime("%A %Y-%m-%d %H:%M UTC")
    text = (
        f"{counted(marked, 'organization')} marked. On {purge} another job would delete what is "
        "marked and has no tickets, or only closed ones. To take a mark back before that, make the "
        "account a partner again in Salesforce, or name it in ProtectedAccountIds: the next run "
        "takes it back by itself. Or untick mark_for_deletion in Zendesk as well."
    )
    return wrapped(text)


def next_purge(now):
    """The first Saturday 00:45 UTC after a moment."""
    saturday = now + timedelta(days=(5 - now.weekday()) % 7)
    purge = saturday.replace(hour=0, minute=45, second=0, microsecond=0)
    return purge if purge > now else purge + timedelta(days=7)


def verdict(described):
    """How the run ended, and what that means."""
    if described["status"] == "SUCCEEDED":
        output = described["output"]
        name, meaning = output["verdict"], f"{MEANINGS[output['verdict']]}{also(output)}"
    else:
        name = "FAILED"
        meaning = f"{described.get('error') or described['status']}: {described.get('cause')}"
    return wrapped(f"Verdict: {name}. {meaning}", COLOURS.get(name, "yellow"), "bold")


def also(output):
    """What a verdict does not say by itself."""
    drifted = output.get("applied", {}).get("drifted", 0)
    conflicts = output.get("counts", {}).get("conflicts", 0)
    text = f" {drifted} changed meanwhile and left out." if drifted else ""
    if conflicts:
        waits = "waits" if conflicts == 1 else "wait"
        text += f" {counted(conflicts, 'conflict')} {waits} for a person."
    return text


def addresses(run_id):
    """Where the documents and the report are; a terminal makes the report's address a link."""
    folder = BUCKET / "runs" / run_id
    report = folder / "report.html"
    return [f"Documents: {folder}", f"Report: {report.as_uri()}"] if report.exists() else []

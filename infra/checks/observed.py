"""make validate: alarms, dashboard, metrics and runbook hold together, both ways."""

import json
import re

from common.places import ROOT
from common.tables import tables
from common.template import template

# What each alarm is for: statistic and metric, comparison, minutes it looks back, the points that
# must be bad (all, or one), what a missing point means, and when it tells the stack's own topic,
# which mails. Those that do not mail say what the state machine's own message says. None mails when
# it ends: see the template. An existing topic is told when each begins and ends. The minutes
# of NoGoodRun are those of an hourly schedule.
ALARMS = {
    "RunFailed": ("Sum ExecutionsFailed >= 1", 90, "one", "notBreaching", "begin"),
    "RunTimedOut": ("Sum ExecutionsTimedOut >= 1", 5, "one", "notBreaching", "begin"),
    "NoGoodRun": ("Sum GoodRun < 1", 135, "all", "breaching", "begin"),
    "ScheduleFailed": (
        "Maximum ApproximateNumberOfMessagesVisible >= 1",
        5,
        "one",
        "notBreaching",
        "begin",
    ),
    "HeldChanges": ("Maximum HeldChanges >= 1", 5, "one", "ignore", ""),
    "FailedRecords": ("Maximum FailedRecords >= 1", 5, "one", "ignore", ""),
    "UnknownRecords": ("Maximum UnknownRecords >= 1", 5, "one", "ignore", ""),
    "Conflicts": ("Maximum Conflicts >= 1", 5, "one", "ignore", "begin"),
    "InstanceUnread": ("Maximum InstancesUnread >= 1", 5, "one", "ignore", "begin"),
    "Throttling": ("Sum ThrottledReplies >= 20", 60, "one", "notBreaching", "begin"),
    "LeaseTakenOver": ("Sum LeaseTakenOver >= 1", 5, "one", "notBreaching", "begin"),
    "CredentialEnds": ("Minimum CredentialDaysLeft < 30", 180, "one", "notBreaching", "begin"),
    "SuspiciouslyEmptyRun": ("Maximum SuspiciouslyEmptyRun >= 1", 5, "one", "ignore", "begin"),
}
# CloudWatch allows two days.
LONGEST_WARM_UP_MINUTES = 2880
# It ends with the first run, or when none came in time.
WARM_UP = {
    "OnlyStartEvaluatingAfterWarmUpPeriodEnds": False,
    "WarmUpPeriodDurationInMinutes": {
        "FindInMap": ["Interval", {"Ref": "ScheduleIntervalHours"}, "WarmUpMinutes"]
    },
}
SIGNS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


def meaning(alarm, whole):
    """What an alarm of the template is for, as above."""
    one = alarm["Properties"]
    minutes = period(one["Period"], whole) * one["EvaluationPeriods"] // 60
    points = "one" if one.get("DatapointsToAlarm", one["EvaluationPeriods"]) == 1 else "all"
    mails = told(one, {"Ref": "Notifications"}, 1)
    sign = SIGNS.get(one["ComparisonOperator"])
    what = f"{one['Statistic']} {one['MetricName']} {sign} {one['Threshold']}"
    return (what, minutes, points, one["TreatMissingData"], mails)


TOLD = {"AlarmActions": "begin", "OKActions": "end"}


def told(alarm, topic, way):
    """When an alarm tells a topic. `way` is 1 if the stack creates the topic, and 2 if not."""
    return "+".join(
        word for key, word in TOLD.items() if _chosen(alarm.get(key, []), way) == [topic]
    )


def _chosen(value, way):
    """A value of the template as it is for one of both topics."""
    if isinstance(value, dict) and value.get("If", [""])[0] == "CreatesTopic":
        return value["If"][way]
    return [_chosen(one, way) for one in value] if isinstance(value, list) else value


def incident_problems(alarms):
    """Alarms that would not open an incident behind an existing topic, or would not close it."""
    for name, alarm in alarms.items():
        heard = told(alarm["Properties"], {"Ref": "NotificationTopicArn"}, 2)
        if heard != "begin+end":
            yield f"{name}: tells an existing topic {heard or 'nothing'} instead of begin+end"


def period(value, whole):
    """The seconds of a period; one that is looked up, for the parameter's default."""
    if not isinstance(value, dict):
        return value
    mapping, parameter, key = value["FindInMap"]
    default = whole["Parameters"][parameter["Ref"]]["Default"]
    return whole["Mappings"][mapping].get(str(default), {}).get(key, 0)


def interval_problems(whole):
    """Intervals of the schedule for which the alarm NoGoodRun looks back a wrong time, or waits a
    wrong time for the first run."""
    intervals = whole["Parameters"]["ScheduleIntervalHours"]["AllowedValues"]
    wanted = {
        str(hours): {
            "QuarterSeconds": hours * 900,
            "WarmUpMinutes": min(hours * 135, LONGEST_WARM_UP_MINUTES),
        }
        for hours in intervals
        if hours
    }
    known = whole["Mappings"]["Interval"]
    for hours in wanted.keys() | known.keys():
        if wanted.get(hours) != known.get(hours):
            is_, should = known.get(hours), wanted.get(hours)
            yield f"Interval: {hours} h is {is_}, and should be {should}"
    waits = whole["Resources"]["NoGoodRun"]["Properties"].get("WarmUpConfiguration")
    if waits != WARM_UP:
        yield f"NoGoodRun: would ring when the schedule is switched on: {waits} is not {WARM_UP}"


def dashboard_metrics(resource):
    """The names of our metrics on the dashboard."""
    widgets = json.loads(resource["Properties"]["DashboardBody"]["Sub"][0])["widgets"]
    return {
        metric[1]
        for widget in widgets
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == "PartnerSync"
    }


def anchor(heading):
    """What GitLab and GitHub make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def problems(names):
    """What does not hold together. `names` are the error names."""
    whole = template()
    resources = whole["Resources"]
    alarms = {
        name: one for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    boards = {
        name: one for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Dashboard"
    }
    emitted = set(tables()["metrics"])
    shown = set().union(*(dashboard_metrics(board) for board in boards.values()))
    watched = {
        one["Properties"]["MetricName"]
        for one in alarms.values()
        if one["Properties"]["Namespace"] == "PartnerSync"
    }
    yield from (f"{name}: emitted, and not on the dashboard" for name in emitted - shown)
    yield from (f"{name}: on the dashboard, and never emitted" for name in shown - emitted)
    yield from (
        f"{name}: an alarm watches it, and it is never emitted" for name in watched - emitted
    )
    wrong = [
        (name, meaning(alarm, whole))
        for name, alarm in alarms.items()
        if meaning(alarm, whole) != ALARMS.get(name)
    ]
    yield from (f"{name}: is {is_}, not {ALARMS.get(name)}" for name, is_ in wrong)
    yield from (f"{name}: there is no such alarm" for name in set(ALARMS) - set(alarms))
    yield from incident_problems(alarms)
    yield from interval_problems(whole)
    sections = dict(
        part.split("\n", 1)
        for part in re.split(r"^## ", (ROOT / "infra" / "RUNBOOK.md").read_text(), flags=re.M)[1:]
    )
    yield from incomplete(sections)
    headings = list(sections)
    anchors = {anchor(heading) for heading in headings}
    for name, alarm in alarms.items():
        link = re.search(
            r"\$\{RunbookUrl\}#([\w-]+)", alarm["Properties"]["AlarmDescription"]["Sub"]
        )
        if not link or link.group(1) not in anchors:
            yield f"{name}: its description links to no section of the runbook"
        if not any(f"{name}.Arn" in json.dumps(board) for board in boards.values()):
            yield f"{name}: not on the dashboard"
    yield from (f"{name}: no section in the runbook" for name in names if name not in headings)
    missing = {
        heading.removeprefix("Alarm ") for heading in headings if heading.startswith("Alarm ")
    } - set(alarms)
    yield from (
        f"the runbook has a section for the alarm {name}, which there is not" for name in missing
    )
    yield from (
        f"the report names the runbook's section {one!r}, which there is not"
        for one in tables()["runbook_headings"]
        if one not in headings
    )
    if "ReservedConcurrentExecutions" not in resources["Sync"]["Properties"]:
        yield "Sync: its reserved concurrency is gone, and two of it could write at once"
    counted = {
        "memory_mb": whole["Globals"]["Function"]["MemorySize"],
        "alarms": len(alarms),
        "dashboards": len(boards),
    }
    yield from (
        f"{name} is {number} in the template, and the cost in the report is computed with another"
        for name, number in counted.items()
        if tables()["cost"][name] != number
    )


def incomplete(sections):
    """Sections of alarms and errors that do not say whether to get up, what to ask first, what to
    look at, or what not to do."""
    for heading, text in sections.items():
        if not heading.startswith(("Alarm ", "Sync.")):
            continue
        first = text.lstrip("\n").split("\n\n")[0]
        if not re.match(r"\*\*(Page|Tomorrow)\*\*[^?]*\?", first):
            yield (
                f"the runbook's section {heading} does not begin with **Page** or **Tomorrow** "
                "and the question to answer first"
            )
        if "Do not " not in text or not re.search(
            r"\b(look|Look|read|Read|see|See|cause|Open|report)\b", text
        ):
            yield f"the runbook's section {heading} does not say what to look at, or what not to do"

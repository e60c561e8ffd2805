"""What the installation costs a month, by the prices that the report computes with."""

from common.tables import tables
from common.template import template
from common.words import counted

# Salesforce's and one for each Zendesk instance.
SECRETS = 3
# Hours of a month, as AWS counts them.
HOURS = 730
# Runs by hand, each in an hour of its own, of a sandbox whose schedule is off.
RUNS_BY_HAND = 20

# AWS's list prices of November 2026 in us-east-1, in dollars. A gigabyte has 2^30 bytes there.
S3_PUT, S3_GET = 0.005 / 1000, 0.0004 / 1000
S3_GIGABYTE = 0.023
GIGABYTE = 2**30
# What a run without changes writes and reads: tests/e2e/test_costs.py counts it.
PUTS, GETS = 17, 17
# An account in accounts.json and its organization in organizations.json.
BYTES_OF_A_PARTNER = 770
# All other documents of such a run, most of it the report as a page.
BYTES_OF_A_RUN = 46_000
# The bucket's rules: a run's documents expire after 90 days, and their old versions after 30 more.
DAYS_KEPT = 90 + 30
PARTNERS = (5_000, 50_000, 100_000)


def costs():
    """The fixed costs of a month as a table, with hourly runs and with the schedule off."""
    cost = tables()["cost"]
    prices = cost["nano_usd"]
    metrics, alarms = len(tables()["metrics"]), cost["alarms"]
    of_metrics = metrics * prices["metric"]
    # A metric costs for the hours in which it is published.
    lines = [
        (f"{metrics} custom metrics", "metric", of_metrics, of_metrics * RUNS_BY_HAND // HOURS),
        (
            f"{alarms} alarms, {standing()} with the schedule off",
            "alarm",
            alarms * prices["alarm"],
            standing() * prices["alarm"],
        ),
        *(
            (counted(number, what), what, number * prices[what], number * prices[what])
            for what, number in (("dashboard", cost["dashboards"]), ("secret", SECRETS))
        ),
    ]
    rows = [
        f"| what | each | hourly runs | schedule off, {RUNS_BY_HAND} runs by hand |",
        "|---|---|---|---|",
    ]
    rows += [
        f"| {what} | {usd(prices[each])} | {usd(hourly)} | {usd(off)} |"
        for what, each, hourly, off in lines
    ]
    totals = [sum(line[place] for line in lines) for place in (2, 3)]
    return "\n".join([*rows, f"| all of these | | {usd(totals[0])} | {usd(totals[1])} |"])


def standing():
    """The alarms that there are while the schedule is off."""
    alarms = (one for one in template()["Resources"].values() if is_alarm(one))
    return sum(one.get("Condition") != "ExpectsRuns" for one in alarms)


def is_alarm(resource):
    return resource["Type"] == "AWS::CloudWatch::Alarm"


def storage():
    """What S3 costs a month with hourly runs that find nothing to do, by the number of partners."""
    requests = HOURS * (PUTS * S3_PUT + GETS * S3_GET)
    rows = ["| partners | documents of a run | requests | storage | S3 |", "|---|---|---|---|---|"]
    for partners in PARTNERS:
        size = partners * BYTES_OF_A_PARTNER + BYTES_OF_A_RUN
        stored = size * 24 * DAYS_KEPT / GIGABYTE * S3_GIGABYTE
        rows.append(
            f"| {partners:,} | {size / 1_000_000:.1f} MB | {requests:.2f} | {stored:.2f} "
            f"| {requests + stored:.2f} |"
        )
    return "\n".join(rows)


def usd(nano):
    return f"{nano / 1_000_000_000:.2f}"

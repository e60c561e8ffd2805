"""What the installation costs a month, by the prices that the report computes with."""

from common.tables import tables

# Salesforce's and one for each Zendesk instance.
SECRETS = 3


def costs():
    """The fixed costs of a month as a table."""
    cost = tables()["cost"]
    prices = cost["nano_usd"]
    lines = [
        ("custom metrics", len(tables()["metrics"]), prices["metric"]),
        ("dashboard", cost["dashboards"], prices["dashboard"]),
        ("alarms", cost["alarms"], prices["alarm"]),
        ("secrets", SECRETS, prices["secret"]),
    ]
    rows = ["| what | number | each | a month |", "|---|---|---|---|"]
    rows += [
        f"| {what} | {number} | {usd(each)} | {usd(number * each)} |"
        for what, number, each in lines
    ]
    total = sum(number * each for _, number, each in lines)
    return "\n".join([*rows, f"| all of these | | | {usd(total)} |"])


def usd(nano):
    return f"{nano / 1_000_000_000:.2f}"

"""What the installation costs a month, from the prices in the code of the report, for SETUP.md."""

import re

from common.places import ROOT

from .observed import metrics

# Salesforce's and one for each Zendesk instance.
SECRETS = 3


def costs():
    """The fixed costs of a month as a table."""
    said = numbers()
    lines = [
        ("custom metrics", len(metrics()), said["metric"]),
        ("dashboard", said["DASHBOARDS"], said["dashboard"]),
        ("alarms", said["ALARMS"], said["alarm"]),
        ("secrets", SECRETS, said["secret"]),
    ]
    rows = ["| what | number | each | a month |", "|---|---|---|---|"]
    rows += [
        f"| {what} | {number} | {usd(each)} | {usd(number * each)} |"
        for what, number, each in lines
    ]
    total = sum(number * each for _, number, each in lines)
    return "\n".join([*rows, f"| all of these | | | {usd(total)} |"])


def numbers():
    """Prices, in thousand-millionths of a dollar, and counts of cost.rs."""
    text = (ROOT / "shared" / "src" / "report" / "cost.rs").read_text()
    prices = re.findall(r"^    (\w+): ([\d_]+),$", text, re.MULTILINE)
    counts = re.findall(r"^const (\w+): u64 = ([\d_]+);$", text, re.MULTILINE)
    said = {name: int(value.replace("_", "")) for name, value in prices + counts}
    if missing := {"metric", "alarm", "dashboard", "secret", "ALARMS", "DASHBOARDS"} - said.keys():
        raise SystemExit(f"infra/checks/costs.py finds no {', '.join(sorted(missing))} in cost.rs")
    return said


def usd(nano):
    return f"{nano / 1_000_000_000:.2f}"

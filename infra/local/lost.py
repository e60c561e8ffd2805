"""Many partners lost at once, and the time that passes after it."""

import json
from datetime import UTC, datetime, timedelta

from .standins import organizations

MANY = 14
# The demo uses the accounts before and after these for other things: tests/src/standins/demo.rs.
FIRST, LAST = "0014M0000000100", "0014M0000008999"


def lose_many(remote):
    """Ends the authorisation of the first partners whose organizations are not marked yet, and
    returns their accounts' ids. Until they are marked, they are the same ones."""
    state = remote.state()
    ids = sorted(
        fields["salesforce_id"]
        for fields in (one["organization_fields"] for one in organizations(state).values())
        if not fields.get("mark_for_deletion")
        and FIRST <= (fields.get("salesforce_id") or "")[:15] <= LAST
    )[:MANY]
    for id in ids:
        state["salesforce"]["accounts"][id]["Partners_Partner_Status__c"] = "Terminated"
        state["salesforce"]["accounts"][id]["LastModifiedDate"] = in_salesforce(datetime.now(UTC))
    remote.put_state(state)
    return ids


def let_hours_pass(stack, remote, hours):
    """Moves the clocks of the memory, and the days of Salesforce's changes, this many hours back:
    as if the time had passed since then."""
    key = {"Bucket": stack.bucket, "Key": "memory.json"}
    memory = json.loads(stack.s3.get_object(**key)["Body"].read())
    for entry in memory["absent"]:
        # Without it no clock runs: something else keeps the organization.
        if since := entry.get("since"):
            entry["since"] = before(since, hours).isoformat().replace("+00:00", "Z")
    stack.s3_as_operator.put_object(**key, Body=json.dumps(memory).encode())
    state = remote.state()
    for account in state["salesforce"]["accounts"].values():
        if changed := account.get("LastModifiedDate"):
            account["LastModifiedDate"] = in_salesforce(before(changed, hours))
    remote.put_state(state)


def before(moment, hours):
    """A written moment, this many hours earlier."""
    return datetime.fromisoformat(moment) - timedelta(hours=hours)


def in_salesforce(moment):
    """A moment as Salesforce writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

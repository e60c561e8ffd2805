"""The stand-in Salesforce and Zendesk, as a process."""

import contextlib
import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta

from common.places import TARGET
from common.processes import process, said

HOSTS = ["salesforce", "global", "us-government"]


class Standins:
    """Control over running stand-ins."""

    def __init__(self, urls):
        """By the addresses of the hosts and of control."""
        self.control, self.urls = urls["control"], {host: urls[host] for host in HOSTS}

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.control + path, data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def state(self):
        """Everything the stand-ins know."""
        return self._call("GET", "/state")

    def put_state(self, state):
        """Replaces everything the stand-ins know; their addresses stay."""
        state["salesforce"]["instance_url"] = self.urls["salesforce"]
        self._call("PUT", "/state", state)

    def put_world(self, **world):
        """A new world: kind="demo" or "differences", or equal systems (seed, accounts, global_,
        us_government)."""
        self._call("PUT", "/world", {key.rstrip("_"): value for key, value in world.items()})

    def log(self):
        """Every request since the log was cleared."""
        return self._call("GET", "/log")

    def clear_log(self):
        """Forgets the requests."""
        self._call("DELETE", "/log")

    def put_faults(self, faults):
        """Tells the stand-ins how to fail."""
        self._call("PUT", "/faults", faults)

    def secrets(self, stack="partner-sync"):
        """Secret name to its text, as an operator would write it for these hosts and a stack."""
        state = self.state()
        app = state["salesforce"]
        secrets = {
            f"{stack}/salesforce": {
                "auth": "client_credentials",
                "login_url": self.urls["salesforce"],
                "client_id": app["client_id"],
                "client_secret": app["client_secret"],
            }
        }
        for name, instance in state["zendesk"].items():
            secrets[f"{stack}/zendesk/{name}"] = {
                "auth": "client_credentials",
                "base_url": self.urls[name],
                "client_id": instance["client_id"],
                "client_secret": instance["client_secret"],
            }
        return {name: json.dumps(value) for name, value in secrets.items()}


def memory(state, hours, just_lost=()):
    """A memory.json in which the accounts that are gone have been missing for this many hours, and
    those that were only just lost for two."""
    partners = ("alliance_partner", "open_partner", "select_partner")
    authorised = {
        id
        for id, account in state["salesforce"]["accounts"].items()
        if account["Partners_Partner_Status__c"] == "Authorized"
    }
    absent = []
    for id, one in organizations(state).items():
        fields = one["organization_fields"]
        account = fields.get("salesforce_id") or one["external_id"] or ""
        is_gone = re.fullmatch(r"\w{18}", account) and account not in authorised
        if fields.get("account_type") in partners and is_gone:
            since = hours_ago(2 if account in just_lost else hours)
            absent.append({"id": id, "salesforce_id": account, "since": since})
    return {
        "schema_version": 1,
        "run_id": "before",
        "generated_at": hours_ago(1),
        "count": len(absent),
        "absent": absent,
        "marked": [],
        "held": {},
    }


def hours_ago(hours):
    """A moment as the documents write it."""
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


@contextlib.contextmanager
def standins(folder):
    """Starts the stand-ins with the demo's world."""
    log, file = folder / "standins.log", folder / "standins.json"
    file.unlink(missing_ok=True)
    with process([TARGET / "debug" / "standins", file], log) as child:
        yield Standins(json.loads(said(file, child, log)))


def organizations(state, instance="global"):
    """Organizations of a state by id."""
    return {
        int(id): organization
        for id, organization in state["zendesk"][instance]["organizations"].items()
    }

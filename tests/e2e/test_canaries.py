"""A secret, an e-mail address and a token planted in every input come out nowhere.

Not in a log, a document, a report, a metric or a message.
"""

import base64
import json

import pytest
from test_failures import with_secret

SALESFORCE, GLOBAL, US_GOVERNMENT = (
    "partner-sync/salesforce",
    "partner-sync/zendesk/global",
    "partner-sync/zendesk/us-government",
)
SECRET, TOKEN, EMAIL = "canary-secret-7f3a9c", "canary-token-91bc07", "canary.person@leak.example"
# Also as the header of basic authentication has them.
BASIC = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
ALL = (SECRET, TOKEN, EMAIL, "leak.example", BASIC)
TEXT = f"{SECRET} {TOKEN} {EMAIL}"
HTML = f"<html><body>Sign in, {EMAIL}: {SECRET} {TOKEN}</body></html>"
# The documents that are made to carry the values of managed fields; no other may hold an address.
DATA = (
    "accounts.json",
    "organizations.json",
    "creates.json",
    "updates.json",
    "not_in_sync.json",
    "plan.json",
)


def plant(state):
    """Canaries in everything both vendors say except managed fields, and in their credentials."""
    state["salesforce"]["client_secret"] = SECRET
    for record in state["salesforce"]["accounts"].values():
        if record["Solutions_Architect_Lookup__r"]:
            record["Solutions_Architect_Lookup__r"].update(Email=EMAIL, Alias=TOKEN)
        record["Solutions_Architect_Lookup__r"] = record["Solutions_Architect_Lookup__r"] or None
    for instance in state["zendesk"].values():
        instance["client_secret"] = SECRET
        for field in instance["fields"]:
            field.update(title=TEXT, description=TEXT)
        for one in instance["organizations"].values():
            one.update(
                notes=TEXT,
                details=TEXT,
                tags=[TOKEN, SECRET],
                domain_names=["leak.example"],
                url=f"https://{EMAIL}",
            )
            one["organization_fields"].update(billing_contact=EMAIL, api_token=TOKEN)
    state["zendesk"]["us-government"]["basic"] = f"{EMAIL}/token:{TOKEN}"
    state["headers"] = {
        "set-cookie": TOKEN,
        "x-zendesk-api-warn": f'{{:unpermitted_keys=>["organization.{EMAIL}"], '
        f':invalid_values=>["{SECRET}"]}}',
        "sforce-limit-info": f"api-usage={TOKEN}/{SECRET}",
        "x-runtime": TEXT,
    }


def secrets(twin):
    """The same canaries in the operator's secrets, also under keys nobody reads."""
    texts = {
        name: {**json.loads(text), "note": TEXT, "password": SECRET}
        for name, text in twin.remote.secrets().items()
    }
    texts[US_GOVERNMENT] = {
        "auth": "api_token",
        "base_url": twin.remote.urls["us-government"],
        "email": EMAIL,
        "token": TOKEN,
        "note": TEXT,
    }
    twin.stack.put_secrets({name: json.dumps(text) for name, text in texts.items()})


def instead(host, path, status, body=HTML, method="", times=1, **headers):
    act = {"kind": "instead", "status": status, "body": body, "headers": headers}
    return {"host": host, "method": method, "path": path, "skip": 0, "times": times, "act": act}


def leaked(twin):
    told = "\n".join(f"{subject}\n{message}" for subject, message in twin.told())
    return [*twin.leaks(*ALL), *(canary for canary in ALL if canary in told)]


def test_nothing_comes_out_of_a_run_with_faults_and_refused_records(twin):
    twin.change(plant)
    secrets(twin)

    def refuse(state):
        ids = sorted(int(id) for id in state["zendesk"]["global"]["organizations"])
        state["zendesk"]["global"]["jobs"]["refuse"] = {
            str(id): f"Owner: {EMAIL} is invalid" for id in ids
        }

    twin.change(refuse)
    error = json.dumps(
        {
            "error": EMAIL,
            "description": f"no such user {EMAIL}",
            "details": {"name": [{"description": EMAIL}]},
        }
    )
    twin.remote.put_faults(
        [
            instead("salesforce", "/services/data", 500),
            instead("global", "/api/v2/organizations", 401, method="GET"),
            instead("us-government", "/api/v2/organizations", 503),
            instead("global", "/api/v2/organizations", 422, error, method="POST"),
        ]
    )
    described = twin.run()
    assert described["output"]["verdict"] == "PARTIAL", described.get("cause")
    results = twin.stack.document(described["name"], "results.json")["results"]
    assert any("[e-mail]" in (one.get("error") or "") for one in results), (
        "Zendesk's words are kept, without the address"
    )
    assert leaked(twin) == []
    assert twin.leaks("Nova Linden", "accounts gathered") == ["Nova Linden", "accounts gathered"], (
        "the search finds what is there"
    )


CASES = {
    "a page of HTML for accounts": (
        lambda: [instead("salesforce", "/services/data", 200, times=0)],
        "Sync.Transient",
    ),
    "a page of HTML for organizations": (
        lambda: [instead("global", "/api/v2/organizations", 200, times=0)],
        "Sync.Transient",
    ),
    "a redirect to a person": (
        lambda: [
            instead(
                "global", "/api/v2/organizations", 302, times=0, location=f"https://{EMAIL}/{TOKEN}"
            )
        ],
        "Sync.Contract",
    ),
    "a refused token": (
        lambda: [
            instead(
                "salesforce",
                "/services/oauth2/token",
                400,
                json.dumps({"error": EMAIL, "error_description": TEXT}),
                times=0,
            ),
        ],
        "Sync.Auth",
    ),
    "a refused token of Zendesk": (
        lambda: [
            instead(
                "global",
                "/oauth/tokens",
                401,
                json.dumps({"error": EMAIL, "error_description": TEXT}),
                times=0,
            )
        ],
        "Sync.Auth",
    ),
    "a forbidden write": (
        lambda: [
            instead(
                "global",
                "/api/v2/organizations",
                403,
                json.dumps({"error": EMAIL, "description": TEXT}),
                "POST",
                times=0,
            )
        ],
        "Sync.Auth",
    ),
    "a refused query": (
        lambda: [
            instead(
                "salesforce",
                "/services/data",
                400,
                json.dumps([{"errorCode": EMAIL, "message": TEXT}]),
                times=0,
            )
        ],
        "Sync.Rejected",
    ),
    "a refused page": (
        lambda: [
            instead(
                "global",
                "/api/v2/organizations",
                422,
                json.dumps({"error": EMAIL, "title": EMAIL}),
                times=0,
            )
        ],
        "Sync.Rejected",
    ),
    "a page of another shape": (
        lambda: [
            instead(
                "global",
                "/api/v2/organizations",
                200,
                json.dumps({"organizations": TEXT, "meta": {"has_more": TOKEN}}),
                times=0,
            )
        ],
        "Sync.Contract",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_comes_out_of_a_run_that_fails_over(twin, case):
    faults, name = CASES[case]
    twin.change(plant)
    secrets(twin)
    twin.remote.put_faults(faults())
    described = twin.run()
    assert (described["status"], described["error"]) == ("FAILED", name)
    assert leaked(twin) == []


def test_nothing_comes_out_of_malformed_secrets(twin):
    for prepare in (
        with_secret(GLOBAL, base_url=f"https://{EMAIL}"),
        with_secret(SALESFORCE, auth=TOKEN),
        with_secret(GLOBAL, auth=SECRET),
    ):
        twin.stack.put_secrets(twin.remote.secrets())
        prepare(twin)
        assert twin.run()["error"] == "Sync.Config"
    assert leaked(twin) == []


def test_an_input_that_is_refused_is_not_repeated(twin):
    described = twin.run({"approve": [EMAIL], TOKEN: SECRET})
    assert (described["status"], described["error"]) == ("FAILED", "Sync.Input")
    seen = [
        described["cause"],
        twin.stack.all_logs(),
        *twin.documents(),
    ]
    assert not [canary for canary in ALL for text in seen if canary in text]


def test_an_address_in_a_managed_field_stays_in_the_documents_made_to_carry_it(twin):
    def plant_in_fields(state):
        records = state["salesforce"]["accounts"]
        for number in range(70, 75):
            records[next(id for id in records if id.startswith(f"0014M00000000{number}"))][
                "Account_Owner_Calc__c"
            ] = f"Owner {EMAIL}"
        gone = next(
            one
            for one in state["zendesk"]["global"]["organizations"].values()
            if one["organization_fields"].get("salesforce_id", "").startswith("0014M0000009001")
        )
        gone["name"] = f"Left {EMAIL}"
        records[next(id for id in records if id.startswith("0014M0000000010"))]["Name"] = (
            f"New {EMAIL}"
        )

    twin.change(plant_in_fields)
    described = twin.run()
    assert described["output"]["verdict"] == "OK"
    objects = twin.stack.objects()
    carried = [key for key, data in objects.items() if EMAIL.encode() in data]
    assert {key.rsplit("/", 1)[-1] for key in carried} <= set(DATA) and any(
        key.endswith("updates.json") for key in carried
    )
    assert (
        EMAIL not in twin.stack.all_logs()
        and EMAIL not in str(twin.told())
        and EMAIL not in json.dumps(described, default=str)
    )
    assert "[e-mail]" in objects[f"runs/{described['name']}/report.md"].decode().replace("\\", "")

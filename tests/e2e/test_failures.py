"""Bad settings, credentials and replies: each run ends FAILED with its name and what to do.

Nothing is written to Zendesk.
"""

import json

import pytest

SALESFORCE, GLOBAL = "partner-sync/salesforce", "partner-sync/zendesk/global"


def with_secret(name, **changes):
    def prepare(twin):
        secret = {**json.loads(twin.remote.secrets()[name]), **changes}
        twin.stack.put_secrets(
            {name: json.dumps({key: value for key, value in secret.items() if value is not None})}
        )

    return prepare


def raw_secret(name, text):
    return lambda twin: twin.stack.put_secrets({name: text})


def without_secret(name):
    return lambda twin: twin.stack.secrets_manager.delete_secret(
        SecretId=name, ForceDeleteWithoutRecovery=True
    )


def hidden_field(twin):
    twin.change(lambda state: state["salesforce"]["hidden"].append("Support_Hold__c"))


def renamed_field(twin):
    def rename(state):
        field = next(
            field
            for field in state["zendesk"]["global"]["fields"]
            if field["key"] == "support_hold"
        )
        field["key"] = "support_hold_2"

    twin.change(rename)


def wrong_checksum(twin):
    def spoil(state):
        next(iter(state["salesforce"]["accounts"].values()))["Account_ID_18__c"] = (
            "0014M00001sDiGEQAX"
        )

    twin.change(spoil)


CASES = {
    "missing secret": (without_secret(SALESFORCE), "Sync.Config", [SALESFORCE, "create it"]),
    "secret that is no JSON": (
        raw_secret(GLOBAL, "canary-password"),
        "Sync.Config",
        [GLOBAL, "JSON"],
    ),
    "secret without a key": (
        with_secret(SALESFORCE, client_secret=None),
        "Sync.Config",
        [SALESFORCE, "client_secret"],
    ),
    "plain http": (
        with_secret(GLOBAL, base_url="http://canary.example"),
        "Sync.Config",
        ["base_url", "https"],
    ),
    "wrong Salesforce credentials": (
        with_secret(SALESFORCE, client_secret="canary-wrong"),
        "Sync.Auth",
        ["client_secret"],
    ),
    "wrong Zendesk credentials": (
        with_secret(GLOBAL, client_secret="canary-wrong"),
        "Sync.Auth",
        ["zendesk global", "client_secret"],
    ),
    "unreachable host": (
        with_secret(GLOBAL, base_url="http://127.0.0.1:9"),
        "Sync.Transient",
        ["cannot connect", "check the host"],
    ),
    "field hidden from the user": (
        hidden_field,
        "Sync.Contract",
        ["Support_Hold__c", "field-level security"],
    ),
    "renamed organization field": (
        renamed_field,
        "Sync.Contract",
        ["support_hold is missing", "checkbox"],
    ),
    "id with a wrong checksum": (
        wrong_checksum,
        "Sync.Contract",
        ["0014M00001sDiGEQAX", "must be QA0"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_ends_with_its_name_and_what_to_do(twin, case):
    prepare, name, words = CASES[case]
    prepare(twin)
    described = twin.run()
    assert (described["status"], described["error"]) == ("FAILED", name), described.get("cause")
    for word in words:
        assert word in described["cause"]
    assert twin.writes() == []
    assert twin.stack.lease() is None
    assert "latest.json" not in twin.stack.objects()
    assert twin.leaks("canary-password", "canary-wrong", "canary.example") == []


def test_wrong_settings_are_named_all_at_once(deployed):
    twin = deployed
    with pytest.raises(Exception, match="RetentionYears|MaxMarks"):
        twin.stack.cloudformation.create_stack(
            StackName="wrong",
            TemplateURL=twin.stack.package(),
            Parameters=[
                {"ParameterKey": "RetentionYears", "ParameterValue": "-1"},
                {"ParameterKey": "MaxMarks", "ParameterValue": "x"},
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

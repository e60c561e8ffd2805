"""make doctor: what is wrong with a set-up is named in one line, and nothing is written."""

import json
import os
import re
import subprocess
import sys

import pytest

from common.places import ROOT, SYNC_TOML
from common.processes import signed_in
from deploy import doctor
from deploy.environments import Environment
from local.ministack import local_aws
from local.stack import Stack
from local.standins import standins

FILES = {
    "salesforce.json": "partner-sync/salesforce",
    "zendesk-global.json": "partner-sync/zendesk/global",
    "zendesk-us-government.json": "partner-sync/zendesk/us-government",
}
SMALL = {"seed": 1, "accounts": 20, "global_": 150, "us_government": 30, "rate_limit": 100_000}
CANARIES = ["sf-secret", "zd-secret", "zd-gov-secret", "00DSTANDIN", "zd-token-", "canary"]


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    with standins(tmp_path_factory.mktemp("doctor")) as remote:
        yield remote


class Patient:
    """A set-up: the stand-ins, a folder of secrets, and parameters."""

    def __init__(self, remote, folder):
        remote.put_world(**SMALL)
        remote.clear_log()
        self.remote, self.folder = remote, folder
        for file, name in FILES.items():
            (folder / file).write_text(remote.secrets()[name])

    def org(self, **changes):
        state = self.remote.state()
        state["salesforce"].update(changes)
        self.remote.put_state(state)

    def instance(self, name="global", **changes):
        state = self.remote.state()
        state["zendesk"][name].update(changes)
        self.remote.put_state(state)

    def field(self, field, /, **changes):
        state = self.remote.state()
        fields = state["zendesk"]["global"]["fields"]
        next(one for one in fields if one["key"] == field).update(changes)
        self.remote.put_state(state)

    def secret(self, file, **changes):
        said = json.loads((self.folder / file).read_text())
        kept = {key: value for key, value in {**said, **changes}.items() if value is not None}
        (self.folder / file).write_text(json.dumps(kept))

    def examine(self, **variables):
        """The doctor's exit code, and its lines: kind, topic, words."""
        env = doctor.settings({}) | {"SECRET_PREFIX": "any", "SYNC_CONFIG": str(SYNC_TOML)}
        return examined({**env, "SECRETS": str(self.folder), **variables})

    def written(self):
        """Requests that neither read nor sign in."""
        return [
            call
            for call in self.remote.log()
            if call["method"] != "GET"
            and not call["path"].startswith(("/oauth", "/services/oauth"))
        ]


def examined(variables):
    env = {**os.environ, **variables}
    done = subprocess.run(
        [doctor.TARGET / "debug" / "doctor"], env=env, capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    assert not [canary for canary in CANARIES if canary in said]
    *lines, last = done.stdout.splitlines()
    assert last.endswith("Nothing was written.")
    return done.returncode, [(line[:4].strip(), line[6:42].strip(), line[44:]) for line in lines]


@pytest.fixture
def patient(remote, tmp_path):
    return Patient(remote, tmp_path)


def test_a_sound_set_up_passes_every_check_and_nothing_is_written(patient):
    code, lines = patient.examine()
    assert code == 0 and {kind for kind, _, _ in lines} == {"ok"}
    said = {topic: words for _, topic, words in lines}
    assert said["salesforce: accounts"] == "20 authorised partner accounts"
    assert said["zendesk global: organizations"].startswith("150, so 2 pages")
    assert "zendesk us-government: calls" in said
    assert patient.remote.log() and not patient.written()


BROKEN = {
    "a wrong client secret of the app": (
        lambda it: it.secret("salesforce.json", client_secret="canary"),
        "salesforce: token",
        "Sync.Auth: .* wrong client_secret",
    ),
    "an address that is not https": (
        lambda it: it.secret("salesforce.json", login_url="http://partner.example"),
        "salesforce: secret",
        "Sync.Config: .*login_url: it is not https",
    ),
    "an API version the org does not serve": (
        lambda it: it.secret("salesforce.json", api_version="v99.0"),
        "salesforce: API version",
        "Sync.Config: .*v99.0; set api_version in the secret, v67.0 is its newest",
    ),
    "a field hidden from the app's user": (
        lambda it: it.org(hidden=["Support_Hold__c", "Type"]),
        "salesforce: fields of Account",
        "Sync.Contract: .*Support_Hold__c is missing, or hidden.*; Type is missing",
    ),
    "a lookup hidden from the app's user": (
        lambda it: it.org(hidden=["Solutions_Architect_Lookup__c"]),
        "salesforce: fields of Account",
        "Sync.Contract: .*Solutions_Architect_Lookup__r.Name is missing, or hidden.*"
        "Solutions_Architect_Lookup__c is missing",
    ),
    "a field of another type": (
        lambda it: it.org(types={"Support_Hold__c": "picklist"}),
        "salesforce: fields of Account",
        "Sync.Contract: .*Support_Hold__c has the type picklist .wanted: a checkbox",
    ),
    "an org whose calls are used up": (
        lambda it: it.org(calls_used=100_000),
        "salesforce: fields of Account",
        "Sync.Rejected: .*API calls of 24 hours are used up",
    ),
    "a wrong client secret of the instance": (
        lambda it: it.secret("zendesk-us-government.json", client_secret="canary"),
        "zendesk us-government: token",
        "Sync.Auth: .*check client_id, client_secret and scope",
    ),
    "a scope that opens organizations alone": (
        lambda it: it.secret("zendesk-global.json", scope="organizations:read organizations:write"),
        "zendesk global: rights",
        "Sync.Auth: .*scope",
    ),
    "a client that may not write": (
        lambda it: it.instance(allowed_scopes="read"),
        "zendesk global: write token",
        "Sync.Auth: .*invalid_scope",
    ),
    "a user without the right to edit organizations": (
        lambda it: it.instance(role="agent", edits_organizations=False),
        "zendesk global: rights",
        "Sync.Auth: .*may not edit organizations; allow it there",
    ),
    "a user who is an agent without a role": (
        lambda it: it.instance(role="agent"),
        "zendesk global: rights",
        "Sync.Auth: .*may edit notes only",
    ),
    "an organization field of another key": (
        lambda it: it.field("support_hold", key="hold"),
        "zendesk global: organization fields",
        "Sync.Contract: .*support_hold is missing .wanted: checkbox",
    ),
    "an exemption that is no checkbox": (
        lambda it: it.field("ignore_deletion", type="text"),
        "zendesk global: organization fields",
        r"Sync.Contract: .*ignore_deletion has the type text \(wanted: checkbox\)",
    ),
    "an organization field of another type": (
        lambda it: it.field("support_hold", type="text"),
        "zendesk global: organization fields",
        "Sync.Contract: .*support_hold has the type text .wanted: checkbox",
    ),
    "a drop-down without an option": (
        lambda it: it.field("account_type", custom_field_options=[]),
        "zendesk global: organization fields",
        "Sync.Contract: .*account_type has no option alliance_partner",
    ),
    "a secret without a key": (
        lambda it: it.secret("zendesk-global.json", client_id=None),
        "zendesk global: secret",
        "Sync.Config: .*client_id missing",
    ),
    "a secret that is no JSON": (
        lambda it: (it.folder / "salesforce.json").write_text("canary"),
        "salesforce: secret",
        "Sync.Config: .*it is no JSON object",
    ),
    "a secret that is not there": (
        lambda it: (it.folder / "zendesk-global.json").unlink(),
        "zendesk global: secret",
        "Sync.Config: secret any/zendesk/global: the file cannot be read",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_in_one_line_and_nothing_is_written(patient, what):
    breaks, topic, words = BROKEN[what]
    breaks(patient)
    code, lines = patient.examine()
    [failed] = [line for line in lines if line[0] == "FAIL"]
    assert code == 1 and failed[1] == topic
    assert re.search(words, failed[2]), failed
    assert not patient.written()


def test_a_proxy_of_the_environment_is_not_used_for_loopback(patient):
    dead = {name: "http://127.0.0.1:1" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY")}
    code, lines = patient.examine(**dead, NO_PROXY="", no_proxy="")
    assert code == 0, lines


def test_in_a_lambda_on_aws_no_address_on_loopback_is_a_vendors(patient):
    code, lines = patient.examine(AWS_LAMBDA_RUNTIME_API="127.0.0.1:9001", AWS_ENDPOINT_URL="")
    refused = [topic for kind, topic, words in lines if "it is not https" in words]
    assert code == 1 and refused == [
        "salesforce: secret",
        "zendesk global: secret",
        "zendesk us-government: secret",
    ]


def test_a_wrong_setting_is_named_with_its_range(patient):
    code, lines = patient.examine(MAX_MARKS="many")
    [failed] = [line for line in lines if line[0] == "FAIL"]
    assert code == 1 and failed[1] == "settings: compare" and "MAX_MARKS must be" in failed[2]


def test_what_lets_a_run_start_is_a_warning(patient):
    patient.org(calls_used=95_000, unshared=list(patient.remote.state()["salesforce"]["accounts"]))
    patient.instance(role="agent", edits_organizations=True, hides_roles=True)
    patient.secret("zendesk-global.json", scope="read")
    patient.field("ignore_deletion", active=False)
    code, lines = patient.examine()
    warned = [topic for kind, topic, _ in lines if kind == "warn"]
    assert code == 0 and warned == [
        "salesforce: accounts",
        "salesforce: API calls",
        "zendesk global: write token",
        "zendesk global: rights",
        "zendesk global: ignore_deletion",
    ]


def test_lookups_whose_records_may_not_be_seen_are_found_before_the_first_run(patient):
    accounts = patient.remote.state()["salesforce"]["accounts"]
    lookup = "Solutions_Architect_Lookup__r"
    filled = [id for id, account in accounts.items() if account[lookup]]
    patient.org(unseen=filled[:3])
    code, lines = patient.examine()
    [warned] = [line for line in lines if line[0] == "warn"]
    assert code == 0 and warned[1] == "salesforce: lookups"
    assert f"{lookup}.Name leads to in 3 of 20 accounts" in warned[2] and "give" in warned[2]


def test_credentials_of_nobody_are_refused(patient):
    patient.instance(role="end-user")
    code, lines = patient.examine()
    assert code == 1 and "belong to no agent" in str(lines)


def test_an_optional_instance_without_a_secret_is_not_read_and_any_other_must_have_one(patient):
    (patient.folder / "zendesk-us-government.json").unlink()
    code, lines = patient.examine()
    assert code == 1 and "zendesk us-government: secret" in [topic for _, topic, _ in lines]
    own = patient.folder / "own.sync.toml"
    own.write_text(f"{SYNC_TOML.read_text()}optional = true\n")
    code, lines = patient.examine(SYNC_CONFIG=str(own))
    said = {topic: words for _, topic, words in lines}
    assert code == 0 and said["zendesk us-government: secret"].startswith("is not read")


def test_every_mistake_of_the_file_is_named_with_its_line(patient):
    own = patient.folder / "own.sync.toml"
    text = SYNC_TOML.read_text().replace('"checkbox"', '"tickbox"').replace("[purge]", "[purges]")
    own.write_text(text)
    code, lines = patient.examine(SYNC_CONFIG=str(own))
    said = " ".join(words for _, _, words in lines)
    assert code == 1 and "tickbox" in said and "purges is no known key" in said and "line " in said


def test_a_field_that_zendesk_or_salesforce_does_not_have_is_found_before_the_first_run(patient):
    own = patient.folder / "own.sync.toml"
    line = 'region = { rule = "text", column = "Region__c" }'
    own.write_text(SYNC_TOML.read_text().replace("[roles]", f"{line}\n\n[roles]"))
    code, lines = patient.examine(SYNC_CONFIG=str(own))
    failed = {topic: words for kind, topic, words in lines if kind == "FAIL"}
    assert code == 1
    assert "Region__c is missing" in failed["salesforce: fields of Account"]
    assert "region is missing" in failed["zendesk global: organization fields"]


def test_an_environments_secrets_are_below_its_prefix_or_its_stacks_name():
    one = Environment("x", "stack", "us-east-1", {})
    assert doctor.secret_prefix(one) == "stack"
    other = Environment("x", "stack", "us-east-1", {"SecretPrefix": "elsewhere"})
    assert doctor.secret_prefix(other) == "elsewhere"


def test_the_secrets_of_an_environment_are_read_from_aws(remote, tmp_path):
    remote.put_world(**SMALL)
    with local_aws(tmp_path, 1) as endpoint:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "infra"),
            **signed_in(endpoint),
        }
        command = [sys.executable, "-m", "deploy.doctor", "sandbox"]

        def run():
            return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)

        missing = run()
        assert missing.returncode == 1
        assert "secret partner-sync-sandbox/salesforce: ResourceNotFoundException" in missing.stdout
        secrets = {
            name.replace("partner-sync/", "partner-sync-sandbox/"): text
            for name, text in remote.secrets().items()
        }
        Stack(endpoint).put_secrets(secrets)
        found = run()
        assert found.returncode == 0, found.stdout + found.stderr

"""A field more, a field fewer, a type more: each by sync.toml alone, through doctor, plan, the held
mass update and its release, on the local AWS."""

import itertools
import os
import subprocess

import pytest

from common.places import SYNC_TOML, TARGET
from local.ministack import local_aws
from local.stack import Stack
from local.standins import organizations, standins

SMALL = {"seed": 3, "accounts": 60, "global_": 200, "us_government": 30, "rate_limit": 100_000}
TEXT = SYNC_TOML.read_text()
REGION = 'region = { rule = "text", column = "Region__c" }\n'
SUPPORT_HOLD = next(line for line in TEXT.splitlines(True) if line.startswith("support_hold"))
LIMITS = {"MarkAfterHours": 0, "MaxUpdates": 5, "MaxUpdatesPercent": 0}


class Company:
    """A deployed stack with a sync.toml of its own, and the stand-ins behind it."""

    def __init__(self, stack, remote, folder):
        self.stack, self.remote, self.folder = stack, remote, folder
        self.numbers = itertools.count(1)

    def begin(self):
        """Both systems are equal, and the product's own file is deployed."""
        self.remote.put_world(**SMALL)
        for key in self.stack.objects():
            self.stack.s3_as_operator.delete_object(Bucket=self.stack.bucket, Key=key)
        self.use(TEXT)
        assert self.run("first")["verdict"] == "NOTHING_TO_DO"

    def use(self, text):
        """Another file is written and deployed: nothing is built."""
        own = self.folder / "sync.toml"
        own.write_text(text)
        self.stack.sync_toml = own
        # The local AWS refuses an update that changes nothing, as AWS does.
        self.stack.deploy(**LIMITS, ReminderHours=next(self.numbers))

    def doctor(self, text):
        """What make doctor says of a file: its exit code, and its words."""
        own = self.folder / "asked.toml"
        own.write_text(text)
        for name, secret in self.remote.secrets("x").items():
            name = name.removeprefix("x/").replace("/", "-")
            (self.folder / f"{name}.json").write_text(secret)
        given = {"SECRETS": str(self.folder), "SECRET_PREFIX": "x", "SYNC_CONFIG": str(own)}
        env = {**os.environ, "BUCKET": "none", **given}
        program = [TARGET / "debug" / "doctor"]
        done = subprocess.run(program, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout

    def change(self, edit):
        state = self.remote.state()
        edit(state)
        self.remote.put_state(state)

    def run(self, name, input=None):
        described = self.stack.run(f"{name}-{next(self.numbers)}", input)
        assert described["status"] == "SUCCEEDED", described
        return described["output"]

    def report(self, output):
        body = self.stack.s3.get_object(Bucket=self.stack.bucket, Key=output["report"]["markdown"])
        return body["Body"].read().decode().replace("\\", "")

    def values(self, key):
        """The values of a field of the partners' organizations."""
        fields = [one["organization_fields"] for one in organizations(self.remote.state()).values()]
        return {one.get(key) for one in fields if str(one["account_type"]).endswith("_partner")}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    with local_aws(folder, 0.02) as endpoint, standins(folder) as remote:
        stack = Stack(endpoint)
        remote.put_world(**SMALL)
        stack.put_secrets(remote.secrets())
        stack.deploy(**LIMITS)
        yield Company(stack, remote, folder)


def with_region(state):
    """Salesforce's administrators make a column, and Zendesk's a field."""
    for account in state["salesforce"]["accounts"].values():
        account["Region__c"] = "EMEA"
    fields = state["zendesk"]["global"]["fields"]
    fields.append({**fields[0], "id": 77, "key": "region", "title": "Region", "type": "text"})


def test_a_field_more_goes_from_the_doctor_to_its_release(company):
    company.begin()
    file = TEXT.replace(SUPPORT_HOLD, SUPPORT_HOLD + REGION)
    code, said = company.doctor(file)
    assert code == 1 and "Region__c is missing" in said and "region is missing" in said
    company.change(with_region)
    code, said = company.doctor(file)
    assert code == 0, said

    company.use(file)
    planned = company.run("plan", {"mode": "plan"})
    assert planned["counts"]["updates"] == 60
    held = company.run("held")
    assert held["verdict"] == "HELD" and held["applied"]["updated"] == 0
    assert "sync.toml has changed since the run before: fields: 1 more (region)" in (
        company.report(held)
    )
    released = company.run("released", {"approve": [held["held"][0]["digest"]]})
    assert (released["verdict"], released["applied"]["updated"]) == ("OK", 60)
    assert company.values("region") == {"EMEA"}
    assert company.run("last")["verdict"] == "NOTHING_TO_DO"


def test_a_field_that_is_taken_away_is_left_alone(company):
    company.begin()

    def hold(state):
        for account in state["salesforce"]["accounts"].values():
            account["Support_Hold__c"] = True

    before = company.values("support_hold")
    company.change(hold)
    company.use(TEXT.replace(SUPPORT_HOLD, ""))
    output = company.run("fewer")
    assert output["verdict"] == "NOTHING_TO_DO"
    assert "fields: 1 fewer (support_hold)" in company.report(output)
    assert company.values("support_hold") == before


def test_a_type_more_brings_its_partners(company):
    company.begin()

    def services(state):
        accounts = list(state["salesforce"]["accounts"].values())
        for account in accounts[1:4]:
            account["Partner_Track__c"] = "Services"
        options = next(
            one for one in state["zendesk"]["global"]["fields"] if one["key"] == "account_type"
        )["custom_field_options"]
        options.append({"id": 9, "name": "Services", "value": "services_partner"})

    company.change(services)
    file = TEXT.replace('["Open", "Select"]', '["Open", "Select", "Services"]')
    file = file.replace("types = [", 'types = ["services_partner", ')
    file = file.replace(
        'Select = "select_partner" }', 'Select = "select_partner", Services = "services_partner" }'
    )
    assert company.doctor(file)[0] == 0
    company.use(file)
    output = company.run("more")
    assert (output["verdict"], output["applied"]["updated"]) == ("OK", 3)
    assert "services_partner" in company.values("account_type")
    assert "types: 1 more (services_partner)" in company.report(output)

"""The messages of real runs: each form is as its maker publishes it, and mail gets its own."""

import json

import pytest

from common import message_schemas
from common.executions import steps

GLOBAL = "partner-sync/zendesk/global"


def ok(twin):
    """A first run that sets marks."""


def held(twin):
    """Many partners are lost at once."""

    def leave(state):
        for id in [id for id in state["salesforce"]["accounts"] if "M00000001" in id][:12]:
            state["salesforce"]["accounts"][id]["Partners_Partner_Status__c"] = "Terminated"

    twin.change(leave)
    twin.remember()


def failed(twin):
    """The credentials of the target are wrong."""
    secret = json.loads(twin.remote.secrets()[GLOBAL])
    twin.stack.put_secrets({GLOBAL: json.dumps({**secret, "client_secret": "wrong"})})


@pytest.mark.parametrize(
    ("prepare", "verdict"), [(ok, "OK"), (held, "HELD"), (failed, "FAILED Sync.Auth")]
)
def test_each_form_of_a_runs_message_is_as_published(twin, prepare, verdict):
    prepare(twin)
    execution = twin.stack.start(twin.name())
    twin.stack.wait(execution)
    *_, notice = [
        step.payload["notice"]
        for step in steps(twin.stack.history(execution))
        if step.payload.get("notice")
    ]
    subject, forms = notice["subject"], notice["forms"]
    assert subject.startswith(f"partner-sync: {verdict}")
    assert message_schemas.of_publish(subject, forms, "json") == []
    chat = message_schemas.form_for("https", forms)
    assert message_schemas.of_amazon_q(chat) == []
    assert json.loads(chat)["metadata"]["threadId"], "the messages of one incident are one thread"
    assert message_schemas.of_pagerduty(subject, chat), "it is no alarm, and opens no incident"
    assert message_schemas.form_for("sms", forms) == subject
    mail = message_schemas.form_for("email", forms)
    assert twin.told() == [(subject, mail)], "what is published is this message"

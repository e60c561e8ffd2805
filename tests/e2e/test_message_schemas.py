"""What each kind of subscriber takes: the forms of common/message_schemas.py, as published."""

import json

import pytest

from common import message_schemas
from common.places import ROOT

CUSTOM = {"version": "1.0", "source": "custom", "content": {"description": "x"}}
FULL = {
    **CUSTOM,
    "id": "1",
    "content": {
        "textType": "client-markdown",
        "title": "HELD",
        "description": "x",
        "nextSteps": ["look"],
        "keywords": ["partners"],
    },
    "metadata": {
        "threadId": "1",
        "summary": "HELD",
        "eventType": "held",
        "relatedResources": ["arn"],
        "additionalContext": {"run": "1"},
        "enableCustomActions": False,
    },
}
ALARM = {
    "AlarmName": "HeldChanges",
    "AlarmDescription": None,
    "AWSAccountId": "000000000000",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold crossed",
    "StateChangeTime": "2026-11-30T06:00:00.000+0000",
    "Region": "US East (N. Virginia)",
    "OldStateValue": "OK",
    "Trigger": {"MetricName": "HeldChanges"},
}
MOST = message_schemas.MOST_BYTES


def without(value, key):
    return {name: one for name, one in value.items() if name != key}


@pytest.mark.parametrize("message", [CUSTOM, FULL])
def test_amazon_q_shows_a_message_in_its_form(message):
    assert message_schemas.of_amazon_q(json.dumps(message)) == []


@pytest.mark.parametrize(
    "message",
    [
        *(without(CUSTOM, key) for key in CUSTOM),
        {**CUSTOM, "version": "1"},
        {**CUSTOM, "source": "partner-sync"},
        {**CUSTOM, "content": {"title": "no description"}},
        {**CUSTOM, "content": {"description": ""}},
        {**CUSTOM, "content": {"description": "x", "textType": "markdown"}},
        {**CUSTOM, "content": {"description": "x", "nextSteps": "look"}},
        {**CUSTOM, "content": {"description": "x", "nextsteps": ["look"]}},
        {**CUSTOM, "metadata": {"threadID": "1"}},
        {**CUSTOM, "metadata": {"threadId": 1}},
        {**CUSTOM, "threadId": "1"},
        "partner-sync: HELD",
    ],
)
def test_amazon_q_would_drop_anything_else(message):
    assert message_schemas.of_amazon_q(json.dumps(message))


def test_a_text_is_no_form():
    [fault] = message_schemas.of_amazon_q("Run 1 ended: HELD")
    assert fault.startswith("it is no JSON")


@pytest.mark.parametrize("state", ["ALARM", "OK"])
def test_pagerduty_takes_an_alarm_whose_subject_names_its_state(state):
    message = json.dumps({**ALARM, "NewStateValue": state})
    assert message_schemas.of_pagerduty(f'{state}: "HeldChanges" in US East', message) == []


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("partner-sync: HELD (was OK)", ALARM),
        ("OK: HeldChanges", ALARM),
        ("ALARM: HeldChanges", CUSTOM),
        *(("ALARM: HeldChanges", without(ALARM, key)) for key in ALARM),
        ("ON: HeldChanges", {**ALARM, "NewStateValue": "ON"}),
    ],
)
def test_pagerduty_would_drop_anything_else(subject, message):
    assert message_schemas.of_pagerduty(subject, json.dumps(message))


@pytest.mark.parametrize(
    ("subject", "message", "structure"),
    [
        ("a", "text", ""),
        ("", "without a subject", ""),
        ("x" * 99, "text", ""),
        ('"quoted"', '{"default": ""}', "json"),
        ("a", json.dumps(dict.fromkeys(["default", *message_schemas.PROTOCOLS], "x")), "json"),
        ("a", "x" * MOST, ""),
    ],
)
def test_sns_takes_a_message_within_its_rules(subject, message, structure):
    assert message_schemas.of_publish(subject, message, structure) == []


@pytest.mark.parametrize(
    ("subject", "message", "structure", "words"),
    [
        ("x" * 100, "text", "", "Subject: "),
        (" a", "text", "", "Subject: "),
        ("a\n", "text", "", "Subject: "),
        ("a\tb", "text", "", "Subject: "),
        ("Zürich", "text", "", "Subject: "),
        ("a", "", "", "Message is empty"),
        ("a", "é" * (MOST // 2 + 1), "", "Message is longer than 262144"),
        ("a", "text", "text", "only json is known"),
        ("a", "text", "json", "Message: it is no JSON"),
        ("a", '["default"]', "json", "Message: "),
        ("a", '{"email": "x"}', "json", "'default' is a required property"),
        ("a", '{"default": 1}', "json", "Message: "),
        ("a", '{"default": "x", "email": {}}', "json", "Message: "),
        ("a", '{"default": "x", "slack": "x"}', "json", "'slack' was unexpected"),
        ("a", '{"default": "x", "default": "y"}', "json", "a key comes twice"),
        ("a", json.dumps({"default": "x", "sms": "x" * 1601}), "json", "Message: "),
    ],
)
def test_what_sns_refuses_or_nobody_would_get_is_named(subject, message, structure, words):
    [fault] = message_schemas.of_publish(subject, message, structure)
    assert words in fault


def test_a_subscriber_gets_the_form_of_its_protocol_or_else_the_default():
    forms = json.dumps({"default": "for all", "email": "for mail"})
    assert message_schemas.form_for("email", forms) == "for mail"
    assert message_schemas.form_for("https", forms) == "for all"


def known_messages():
    """Name of a known run to the subject and the forms of its message; some runs tell nobody."""
    for file in sorted((ROOT / "tests" / "known_reports").glob("*.notice.snap")):
        lines = file.read_text().split("---\n")[2].strip().split("\n")
        if lines[0] != "(nobody is told)":
            yield pytest.param(lines[0], lines[-1], id=file.name.removesuffix(".notice.snap"))


@pytest.mark.parametrize(("subject", "forms"), list(known_messages()))
def test_each_form_of_a_known_message_is_as_published(subject, forms):
    assert message_schemas.of_publish(subject, forms, "json") == []
    chat = message_schemas.form_for("https", forms)
    assert message_schemas.of_amazon_q(chat) == []
    assert message_schemas.of_pagerduty(subject, chat), "it is no alarm, and opens no incident"
    assert message_schemas.form_for("sms", forms) == subject


def test_there_are_known_messages():
    assert len(list(known_messages())) > 10

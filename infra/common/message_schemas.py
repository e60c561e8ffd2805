"""What each kind of subscriber of the topic takes, as its maker publishes it.

- SNS: its API's reference for Publish. A key that no protocol has is ignored there, and is a fault
  here: nobody would get that text. Of the subject it has two wordings; the narrower one holds here.
- Slack and Teams: Amazon Q in chat applications, "Custom notifications". What is not in this form,
  and no message of an AWS service, is dropped without a word. It names no lengths.
- PagerDuty's CloudWatch integration: it takes alarms, and drops the rest. It publishes no schema;
  the fields are those that CloudWatch documents, and those that PagerDuty was seen to ask for.
"""

import json

from jsonschema import Draft202012Validator

MOST_BYTES = 256 * 1024
PROTOCOLS = (
    "email",
    "email-json",
    "http",
    "https",
    "sms",
    "sqs",
    "lambda",
    "application",
    "firehose",
)
TEXT = {"type": "string"}
SAID = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": SAID}

# Printable ASCII that begins with no space: no line break, no control character.
SUBJECT = {"type": "string", "pattern": "^[!-~][ -~]*\\Z", "maxLength": 99}
FORMS = {
    "type": "object",
    "required": ["default"],
    "properties": {
        "default": TEXT,
        **dict.fromkeys(PROTOCOLS, TEXT),
        # The longest that one Publish may send to a telephone.
        "sms": {"type": "string", "maxLength": 1600},
    },
    "additionalProperties": False,
}
AMAZON_Q = {
    "type": "object",
    "required": ["version", "source", "content"],
    "properties": {
        "version": {"const": "1.0"},
        "source": {"const": "custom"},
        "id": SAID,
        "content": {
            "type": "object",
            "required": ["description"],
            "properties": {
                "textType": {"const": "client-markdown"},
                "title": SAID,
                "description": SAID,
                "nextSteps": TEXTS,
                "keywords": TEXTS,
            },
            "additionalProperties": False,
        },
        "metadata": {
            "type": "object",
            "properties": {
                "threadId": SAID,
                "summary": SAID,
                "eventType": SAID,
                "relatedResources": TEXTS,
                "additionalContext": {"type": "object", "additionalProperties": TEXT},
                "enableCustomActions": {"type": "boolean"},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
ALARM = {
    "type": "object",
    "required": [
        "AlarmName",
        "AlarmDescription",
        "AWSAccountId",
        "NewStateValue",
        "NewStateReason",
        "StateChangeTime",
        "Region",
        "OldStateValue",
        "Trigger",
    ],
    "properties": {
        "AlarmName": SAID,
        "AlarmDescription": {"type": ["string", "null"]},
        "AWSAccountId": {"type": "string", "pattern": "^[0-9]{12}\\Z"},
        "NewStateValue": {"enum": ["ALARM", "OK", "INSUFFICIENT_DATA"]},
        "NewStateReason": TEXT,
        "StateChangeTime": SAID,
        "Region": SAID,
        "OldStateValue": {"enum": ["ALARM", "OK", "INSUFFICIENT_DATA"]},
        "Trigger": {"type": "object"},
    },
}


def of_publish(subject, message, structure=""):
    """What SNS would refuse of a message, and what nobody would get of it."""
    found = [f"Subject: {one}" for one in faults(SUBJECT, subject)] if subject else []
    if not message:
        found.append("Message is empty")
    if len((message or "").encode()) > MOST_BYTES:
        found.append(f"Message is longer than {MOST_BYTES} bytes")
    if structure not in ("", "json"):
        found.append(f"MessageStructure is {structure!r}, and only json is known")
    if structure == "json":
        found += [f"Message: {one}" for one in of_text(FORMS, message)]
    return found


def of_amazon_q(message):
    """Why Amazon Q would show nothing in Slack or Teams."""
    return of_text(AMAZON_Q, message)


def of_pagerduty(subject, message):
    """Why PagerDuty would neither open nor close an incident."""
    found = of_text(ALARM, message)
    if not found:
        state = json.loads(message)["NewStateValue"]
        if not subject.startswith(f"{state}: "):
            found.append(f"the subject does not begin with {state}:")
    return found


def form_for(protocol, forms):
    """What a subscriber of a protocol gets of a message in several forms."""
    known = json.loads(forms)
    return known.get(protocol, known["default"])


def of_text(schema, text):
    """What is wrong with a text that must be JSON of a schema."""
    try:
        return faults(schema, json.loads(text, object_pairs_hook=once))
    except ValueError as error:
        return [f"it is no JSON: {error}"]


def faults(schema, value):
    """What is wrong with a value, in a sentence each."""
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def once(pairs):
    """An object's keys; SNS refuses one that comes twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found

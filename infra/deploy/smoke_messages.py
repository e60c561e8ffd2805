"""Who hears of a run, and in which form? With MESSAGE=1, a test message in all of them."""

import json
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from common.words import counted

from .smoke_checks import DEPLOY, REFUSALS, fail, ok, warn

# By protocol; whoever is not here gets the form `default`.
GETS = {
    "email": "e-mail gets a text",
    "sms": "a telephone gets the subject",
}
AMAZON_Q, PAGERDUTY = ".chatbot.amazonaws.com", ".pagerduty.com"
# On a topic of the stack's own these are silent, because the message says the same.
ALSO_TOLD = ["HeldChanges", "FailedRecords", "UnknownRecords"]
PUBLISH = ":states:::sns:publish"


def subscriptions(deployed):
    """Is anybody told, and what does each of them get?"""
    topic = deployed.outputs.get("NotificationTopicArn")
    if not topic:
        return
    try:
        found = subscribers(deployed, topic)
    except ClientError as error:
        code = error.response["Error"].get("Code")
        if code in REFUSALS and deployed.parameters.get("NotificationTopicArn"):
            seen = f"who is subscribed to {topic}, which is not the stack's own, is not told to you"
            yield warn(seen, "ask its owner whether somebody hears it")
            return
        if code not in ("NotFound", "NotFoundException"):
            raise
        yield fail(f"the topic {topic} is gone", "correct NotificationTopicArn, and deploy again")
        return
    yield subscribed(found, topic)
    confirmed = [one for one in found if is_confirmed(one)]
    if confirmed:
        yield ok(f"messages: {'; '.join(sorted({kind(one) for one in confirmed}))}")
    if any(is_at(one, PAGERDUTY) for one in confirmed):
        yield from pagerduty(deployed, topic)


def subscribers(deployed, topic):
    """All subscriptions of a topic."""
    pages = deployed.client("sns").get_paginator("list_subscriptions_by_topic")
    return [one for page in pages.paginate(TopicArn=topic) for one in page["Subscriptions"]]


def subscribed(found, topic):
    """What the subscriptions of a topic come to. Addresses are not shown."""
    confirmed = [one for one in found if is_confirmed(one)]
    pending = [one for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    heard = ", ".join(sorted({one["Protocol"] for one in confirmed}))
    if pending:
        seen = f"{counted(len(pending), 'subscription')} of the messages not confirmed"
        click = "click the link in AWS's mail; until then every message is dropped"
        return warn(f"{seen}, {len(confirmed)} are", click) if confirmed else fail(seen, click)
    if not confirmed:
        return warn(
            "nobody is told: the messages have no subscription",
            f"set NotificationEmail and deploy again, or subscribe to {topic}",
        )
    return ok(f"messages: {counted(len(confirmed), 'confirmed subscription')} ({heard})")


def is_confirmed(subscription):
    """One that nobody confirmed has the word PendingConfirmation instead of an ARN."""
    return subscription["SubscriptionArn"].startswith("arn:")


def is_at(subscription, domain):
    """Is a subscription an address of somebody's service?"""
    host = urlsplit(subscription.get("Endpoint", "")).hostname or ""
    return f".{host}".endswith(domain)


def kind(subscription):
    """What a subscription gets, in words, without its address."""
    if is_at(subscription, AMAZON_Q):
        return "Slack or Teams (Amazon Q) gets its own form"
    if is_at(subscription, PAGERDUTY):
        return "PagerDuty gets the alarms, and drops the rest"
    protocol = subscription["Protocol"]
    return GETS.get(protocol, f"{protocol} gets Amazon Q's form, which is JSON")


def pagerduty(deployed, topic):
    """On the stack's own topic, PagerDuty does not hear of what only the messages say."""
    silent = silent_alarms(deployed, topic)
    # Where the topic is not the stack's own, `actions` says it, as a failure.
    if silent and not deployed.parameters.get("NotificationTopicArn"):
        yield warn(
            f"PagerDuty hears alarms alone, and {', '.join(silent)} do not tell it",
            "make a topic for it, and deploy with its ARN as NotificationTopicArn",
        )


def actions(deployed):
    """On somebody else's topic, do alarms tell what the messages say, for who hears only them?"""
    topic = deployed.parameters.get("NotificationTopicArn")
    if not topic:
        return
    if silent := silent_alarms(deployed, topic):
        yield fail(
            f"alarms that do not tell {topic} of their beginning and their end: "
            f"{', '.join(silent)}",
            DEPLOY,
        )
    else:
        yield ok(f"alarms open and close incidents, {', '.join(ALSO_TOLD)} too")


def silent_alarms(deployed, topic):
    """Those of ALSO_TOLD that do not tell a topic when they begin and when they end."""
    there = deployed.resources.get("AWS::CloudWatch::Alarm", {})
    names = {there[name]: name for name in ALSO_TOLD if name in there}
    # Without names, every alarm of the account would be described.
    found = (
        names
        and deployed.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    )
    telling = {names[one["AlarmName"]] for one in found if tells(one, topic)}
    return [name for name in ALSO_TOLD if name not in telling]


def tells(alarm, topic):
    """Does an alarm tell a topic of its beginning and of its end?"""
    return alarm["ActionsEnabled"] and all(
        topic in alarm[actions] for actions in ("AlarmActions", "OKActions")
    )


def forms(deployed):
    """Does the deployed state machine send a form for each kind of subscriber?"""
    machine = deployed.client("stepfunctions").describe_state_machine(
        stateMachineArn=deployed.outputs["StateMachineArn"]
    )
    if one_form := in_one_form(json.loads(machine["definition"])):
        yield fail(f"states that send one form to all: {', '.join(one_form)}", DEPLOY)
    else:
        yield ok("messages: each kind of subscriber is sent a form of its own")


def in_one_form(definition):
    """The states that publish without a form for each protocol."""
    return [
        name
        for name, state in definition["States"].items()
        if state.get("Resource", "").endswith(PUBLISH)
        if state["Arguments"].get("MessageStructure") != "json"
    ]


def sent(deployed):
    """Sends a test message: whether it arrives, only a person can see."""
    topic = deployed.outputs["NotificationTopicArn"]
    answer = deployed.client("sns").publish(TopicArn=topic, **test_message(deployed.name))
    yield ok(
        f"a test message was sent ({answer['MessageId']}): look whether it came wherever it "
        "must; PagerDuty shows none, because it is no alarm"
    )


def test_message(stack):
    """What says that nothing has happened, in all forms."""
    subject = f"{stack}: a test of the messages"
    text = (
        "This is a test of partner-sync, sent by make smoke with MESSAGE=1. Nothing happened, and "
        "nothing is to be done."
    )
    chat = {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", "title": subject, "description": text},
        "metadata": {"threadId": f"{stack}-test", "summary": subject},
    }
    forms = {"default": json.dumps(chat), "email": text, "sms": subject}
    return {"Subject": subject, "Message": json.dumps(forms), "MessageStructure": "json"}

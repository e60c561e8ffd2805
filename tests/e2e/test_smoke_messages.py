"""make smoke shows who is told, and what each kind of subscriber gets."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import uuid
from types import SimpleNamespace

import pytest
from smoke_tools import PRODUCTION, refuse, told

from common import message_schemas
from common.places import ROOT
from common.processes import signed_in
from deploy import smoke_messages
from deploy.smoke_checks import guarded
from deploy.smoke_stack import Deployed

TOPIC = "arn:aws:sns:us-east-1:000000000000:people"
THREE = ["HeldChanges", "FailedRecords", "UnknownRecords"]
PAGERDUTY = {
    "Protocol": "https",
    "Endpoint": "https://events.pagerduty.com/integration/canary/enqueue",
    "SubscriptionArn": f"{TOPIC}:1",
}


def test_without_a_subscription_it_is_told_that_nobody_hears_anything(seen):
    stack = Deployed(PRODUCTION)
    [listed] = seen.stack.sns.list_subscriptions_by_topic(
        TopicArn=stack.outputs["NotificationTopicArn"]
    )["Subscriptions"]
    seen.stack.sns.unsubscribe(SubscriptionArn=listed["SubscriptionArn"])
    try:
        mark, text = told(smoke_messages.subscriptions, stack)
    finally:
        seen.stack.listen()
    assert mark == "warn" and text.startswith("nobody is told") and "NotificationEmail" in text


# As AWS lists them; the local AWS gives an unconfirmed one an ARN.
@pytest.mark.parametrize(
    ("arns", "mark", "words"),
    [
        ([], "warn", "nobody is told"),
        (["Deleted"], "warn", "nobody is told"),
        (["PendingConfirmation"], "FAIL", "click the link in AWS's mail; until then every message"),
        (["PendingConfirmation", f"{TOPIC}:1"], "warn", "1 subscription of the messages not conf"),
        ([f"{TOPIC}:1", f"{TOPIC}:2"], "ok", "2 confirmed subscriptions (email)"),
    ],
)
def test_only_a_confirmed_subscription_is_one(arns, mark, words):
    address = {"Protocol": "email", "Endpoint": "canary@example.org"}
    line = smoke_messages.subscribed([{**address, "SubscriptionArn": arn} for arn in arns], TOPIC)
    assert line.mark == mark and words in line.text and "canary" not in line.text


@pytest.mark.parametrize(("own", "mark"), [("", "FAIL"), (TOPIC, "warn")])
def test_only_the_topic_of_somebody_else_may_keep_its_subscriptions_to_itself(own, mark):
    sns = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=refuse("AuthorizationError"))
    )
    stack = SimpleNamespace(
        outputs={"NotificationTopicArn": TOPIC},
        parameters={"NotificationTopicArn": own},
        client=lambda _: sns,
    )
    assert told(guarded, smoke_messages.subscriptions, stack)[0] == mark


@pytest.mark.parametrize(
    ("protocol", "endpoint", "words"),
    [
        ("email", "canary@example.org", "e-mail gets a text"),
        ("email-json", "canary@example.org", "email-json gets Amazon Q's form, which is JSON"),
        ("sms", "+1555canary", "a telephone gets the subject"),
        ("sqs", "arn:aws:sqs:us-east-1:000000000000:canary", "sqs gets Amazon Q's form"),
        ("https", "https://global.sns-api.chatbot.amazonaws.com", "Slack or Teams (Amazon Q) gets"),
        ("https", PAGERDUTY["Endpoint"], "PagerDuty gets the alarms, and drops the rest"),
        ("https", "https://canary.example.org/pagerduty.com", "https gets Amazon Q's form"),
        ("https", "https://notpagerduty.com/canary", "https gets Amazon Q's form"),
    ],
)
def test_what_each_kind_of_subscriber_gets_is_told_without_its_address(protocol, endpoint, words):
    text = smoke_messages.kind({"Protocol": protocol, "Endpoint": endpoint})
    assert words in text and "canary" not in text


def alarmed(topic, *subscriptions, **changes):
    """A stack whose three alarms tell a topic, but for some changes to HeldChanges."""
    tells = {"ActionsEnabled": True, "AlarmActions": [TOPIC], "OKActions": [TOPIC]}
    alarms = [{"AlarmName": name.lower(), **tells} for name in THREE]
    alarms[0] |= changes
    page = {"Subscriptions": list(subscriptions)}
    client = SimpleNamespace(
        describe_alarms=lambda AlarmNames: {
            "MetricAlarms": [one for one in alarms if one["AlarmName"] in AlarmNames]
        },
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [page]),
    )
    return SimpleNamespace(
        resources={"AWS::CloudWatch::Alarm": {name: name.lower() for name in THREE}},
        parameters={"NotificationTopicArn": topic},
        outputs={"NotificationTopicArn": TOPIC},
        client=lambda _: client,
    )


def test_each_kind_is_told_once_and_who_has_not_confirmed_gets_nothing():
    mail = {"Protocol": "email", "Endpoint": "a@example.org", "SubscriptionArn": f"{TOPIC}:1"}
    queue = {**mail, "Protocol": "sqs", "SubscriptionArn": "PendingConfirmation"}
    stack = alarmed("", mail, mail, {**mail, "Protocol": "sms"}, queue)
    _, kinds = smoke_messages.subscriptions(stack)
    assert kinds.text == "messages: a telephone gets the subject; e-mail gets a text"


SILENT = [
    {"AlarmActions": []},
    {"OKActions": []},
    {"AlarmActions": [f"{TOPIC}-of-others"]},
    {"ActionsEnabled": False},
]


def test_alarms_that_open_and_close_incidents_on_somebody_elses_topic_are_right():
    assert told(smoke_messages.actions, alarmed(TOPIC))[0] == "ok"


@pytest.mark.parametrize("changes", SILENT)
def test_an_alarm_that_is_silent_on_somebody_elses_topic_is_a_failure(changes):
    mark, text = told(smoke_messages.actions, alarmed(TOPIC, **changes))
    assert mark == "FAIL" and "their end: HeldChanges. What to do: deploy this version" in text


def test_an_alarm_that_is_not_there_tells_nobody():
    stack = alarmed(TOPIC)
    del stack.resources["AWS::CloudWatch::Alarm"]["FailedRecords"]
    assert "their end: FailedRecords." in told(smoke_messages.actions, stack)[1]
    stack.resources.clear()
    assert f"their end: {', '.join(THREE)}." in told(smoke_messages.actions, stack)[1]


@pytest.mark.parametrize("changes", SILENT)
def test_on_the_stacks_own_topic_they_may_be_silent_unless_pagerduty_listens(changes):
    def marks(*subscriptions, **changes):
        stack = alarmed("", *subscriptions, **changes)
        assert list(smoke_messages.actions(stack)) == []
        return [line.mark for line in smoke_messages.subscriptions(stack)]

    assert marks(PAGERDUTY, **changes) == ["ok", "ok", "warn"]
    assert marks({**PAGERDUTY, "Endpoint": "https://example.org"}, **changes) == ["ok", "ok"]
    assert marks(PAGERDUTY) == ["ok", "ok"]


def test_what_pagerduty_does_not_hear_is_named_once():
    *_, last = smoke_messages.subscriptions(alarmed("", PAGERDUTY, OKActions=[]))
    assert "PagerDuty hears alarms alone, and HeldChanges do not tell it" in last.text
    lines = list(smoke_messages.subscriptions(alarmed(TOPIC, PAGERDUTY, OKActions=[])))
    assert [line.mark for line in lines] == ["ok", "ok"], "on another topic it is a failure already"


def machine(arguments):
    """A stack whose state machine publishes with these arguments."""
    publishes = {"Resource": "arn:aws:states:::sns:publish", "Arguments": arguments}
    invokes = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {}}
    states = {"Tell people": publishes, "Compare": invokes, "End": {"Type": "Pass"}}
    described = {"definition": json.dumps({"States": states})}
    client = SimpleNamespace(describe_state_machine=lambda **_: described)
    return SimpleNamespace(outputs={"StateMachineArn": "arn"}, client=lambda _: client)


def test_a_state_that_sends_one_form_to_all_is_named():
    mark, text = told(smoke_messages.forms, machine({}))
    assert mark == "FAIL" and "one form to all: Tell people." in text
    mark, text = told(smoke_messages.forms, machine({"MessageStructure": "json"}))
    assert mark == "ok" and "a form of its own" in text


@contextlib.contextmanager
def listening():
    """A subscriber over HTTP: its address, and what it got."""
    got = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Nothing is printed."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", got
        finally:
            server.shutdown()
            thread.join()


class People:
    """A topic with a subscriber of each kind."""

    def __init__(self, twin, address, got):
        self.twin, self.got, stack = twin, got, twin.stack
        name = f"people-{uuid.uuid4().hex}"
        self.topic = stack.sns.create_topic(Name=name)["TopicArn"]
        self.queue = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
        asked = stack.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        for protocol, endpoint in (
            ("email", "people@example.org"),
            ("sms", "+15550100"),
            ("sqs", asked["Attributes"]["QueueArn"]),
            ("http", address),
        ):
            stack.sns.subscribe(TopicArn=self.topic, Protocol=protocol, Endpoint=endpoint)
        twin.until(lambda: got)
        stack.sns.confirm_subscription(TopicArn=self.topic, Token=got.pop()["Token"])

    def heard(self):
        """Subject and text of the last message, by protocol."""
        self.twin.until(lambda: self.got)
        sqs, mail = self.twin.stack.sqs, self.twin.stack.mail()
        [queued] = sqs.receive_message(QueueUrl=self.queue)["Messages"]
        sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=queued["ReceiptHandle"])
        bodies = {"http": self.got.pop(), "sqs": json.loads(queued["Body"])}
        mails = {one["protocol"]: one for one in mail if one["topic"] == self.topic}
        return {
            **{name: (one["Subject"], one["Message"]) for name, one in bodies.items()},
            **{name: (one["subject"], one["message"]) for name, one in mails.items()},
        }


@pytest.fixture
def people(deployed):
    with listening() as (address, got):
        yield People(deployed, address, got)


def test_the_test_message_reaches_each_kind_of_subscriber_in_its_form(people):
    stack = SimpleNamespace(
        name="partner-sync",
        outputs={"NotificationTopicArn": people.topic},
        client=lambda _: people.twin.stack.sns,
    )
    mark, text = told(smoke_messages.sent, stack)
    assert mark == "ok" and "look whether it came wherever it must" in text
    heard = people.heard()
    subject = "partner-sync: a test of the messages"
    assert {protocol: said[0] for protocol, said in heard.items()} == dict.fromkeys(
        ["http", "sqs", "email", "sms"], subject
    )
    assert heard["email"][1].startswith("This is a test of partner-sync, ")
    assert heard["sms"][1] == subject
    for protocol in ("http", "sqs"):
        assert message_schemas.of_amazon_q(heard[protocol][1]) == []
        assert message_schemas.of_pagerduty(*heard[protocol]), "it is no alarm"


def test_an_alarm_reaches_pagerduty_in_the_form_that_opens_and_closes_an_incident(people):
    name, cloudwatch = f"alarm-{uuid.uuid4().hex}", people.twin.stack.cloudwatch
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="PartnerSync",
        MetricName="HeldChanges",
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[people.topic],
        OKActions=[people.topic],
    )
    try:
        for state in ("ALARM", "OK"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
            subject, message = people.heard()["http"]
            assert message_schemas.of_pagerduty(subject, message) == []
            assert json.loads(message)["NewStateValue"] == state
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])


@pytest.mark.parametrize("sends", [True, False])
def test_only_who_asks_for_a_message_sends_one(twin, sends):
    env = {**os.environ, **signed_in(twin.stack.endpoint), "PYTHONPATH": str(ROOT / "infra")}
    command = [sys.executable, "-m", "deploy.smoke", "production", *["--message"] * sends]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert ("a test message was sent" in done.stdout) == sends, done
    subjects = [subject for subject, _ in twin.told()]
    assert subjects == ["partner-sync: a test of the messages"] * sends


def test_make_smoke_hands_the_wish_for_a_message_on():
    def dry(*arguments):
        command = ["make", "-n", "--no-print-directory", "smoke", "ENV=sandbox", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()

    assert dry().endswith("-m deploy.smoke 'sandbox'")
    assert dry("MESSAGE=1").endswith("-m deploy.smoke 'sandbox' --message")

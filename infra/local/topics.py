"""The local AWS publishes as SNS does: what SNS refuses is refused, and mail can be read.

MiniStack publishes whatever it is given, and what goes to e-mail addresses and telephones it only
logs. Here the rules of common/message_schemas.py hold for the subject and for a message in several
forms, and `GET /_local/mail` answers what those people would have got. PublishBatch is left alone.
"""

import json

import ministack.app
from ministack.services import sns

from common import message_schemas

MAIL = "/_local/mail"
TO_PEOPLE = {"email", "email-json", "sms"}
SENT = []


def enforce():
    """From now on SNS's rules hold, and mail is kept."""
    sns.publish_internal = checked(sns.publish_internal)
    sns._fanout = kept(sns._fanout)
    ministack.app.app = shown(ministack.app.app)


def checked(publish):
    """Publish, with the rules for subject and forms that MiniStack does not know."""

    def published(topic_arn, message, subject="", *, message_structure="", **more):
        wrong = message_schemas.of_publish(subject, message, message_structure)
        if wrong:
            raise sns.SnsPublishError("InvalidParameter", f"Invalid parameter: {wrong[0]}")
        return publish(topic_arn, message, subject, message_structure=message_structure, **more)

    return published


def kept(fanout):
    """The fan-out to subscribers, which keeps what people get."""

    def fanned(topic_arn, id, message, subject, message_structure="", *more, **named):
        topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
        for one in topic["subscriptions"]:
            if one.get("confirmed") and one["protocol"] in TO_PEOPLE:
                text = sns._resolve_message_for_protocol(
                    message, message_structure, one["protocol"]
                )
                sent = {"protocol": one["protocol"], "subject": subject, "message": text}
                SENT.append({"topic": topic_arn, **sent})
        return fanout(topic_arn, id, message, subject, message_structure, *more, **named)

    return fanned


def shown(app):
    """MiniStack, and the mail beside it."""

    async def answered(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != MAIL:
            return await app(scope, receive, send)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(SENT).encode()})

    return answered

"""What the tests of make smoke share."""

from botocore.exceptions import ClientError

from common.places import REGION
from deploy.environments import Environment

PRODUCTION = Environment(name="production", stack="partner-sync", region=REGION, parameters={})


def told(check, *arguments):
    """Mark and text of the only line of a check."""
    [line] = check(*arguments)
    return line.mark, line.text


def refuse(code, message="no"):
    """A call that AWS refuses."""

    def call(*_, **__):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "TheCall")

    return call

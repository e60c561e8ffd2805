"""A deployed stack as AWS describes it, seen with the credentials of the person who asks."""

import functools
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from . import stack_states

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Deployed:
    """The stack of an environment. Nothing is asked before it is needed."""

    def __init__(self, environment):
        self.environment, self.name = environment.name, environment.stack
        self.region, self.clients = environment.region, {}

    @functools.cached_property
    def session(self):
        """The person's own profile, in the environment's region."""
        return boto3.Session(region_name=self.region)

    def client(self, service):
        """A client of one of AWS's services."""
        if service not in self.clients:
            calm = Config(retries={"mode": "standard"})
            self.clients[service] = self.session.client(service, config=calm)
        return self.clients[service]

    @functools.cached_property
    def described(self):
        """What CloudFormation says of the stack; empty if there is none of this name."""
        return stack_states.described(self.client("cloudformation"), self.name) or {}

    @functools.cached_property
    def outputs(self):
        """Output name to value."""
        outputs = self.described.get("Outputs", [])
        return {one["OutputKey"]: one["OutputValue"] for one in outputs}

    @functools.cached_property
    def parameters(self):
        """Parameter name to the value the stack was deployed with."""
        parameters = self.described.get("Parameters", [])
        return {one["ParameterKey"]: one["ParameterValue"] for one in parameters}

    @functools.cached_property
    def resources(self):
        """Logical id to physical id, by type of resource."""
        found = {}
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        for page in pages.paginate(StackName=self.name):
            for one in page["StackResourceSummaries"]:
                if not one["ResourceStatus"].startswith("DELETE_"):
                    of_type = found.setdefault(one["ResourceType"], {})
                    of_type[one["LogicalResourceId"]] = one.get("PhysicalResourceId", "")
        return found

    @property
    def is_local(self):
        """True of a local AWS, which does not know everything that AWS knows."""
        return urlsplit(self.client("stepfunctions").meta.endpoint_url).hostname in LOOPBACK

    @property
    def can_run(self):
        """True if the stack was seen, stands still, and says where a run starts and reports."""
        was_seen = bool(vars(self).get("described"))
        return (
            was_seen
            and self.described["StackStatus"] in stack_states.STANDING
            and {"StateMachineArn", "BucketName"} <= self.outputs.keys()
        )

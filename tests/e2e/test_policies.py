"""docs/policies and the roles for GitLab's jobs: what each lets do, and what it does not."""

import json
import re
import subprocess
from itertools import product

import pytest
import rights
import yaml
from rights import ACCOUNT, RANDOM, Deployment

from checks import policies
from checks.iam import Unknown, allows, decision, fits, holds, listed
from checks.policies import NAMES, VARIANTS, policy
from checks.setup_steps import blocks
from common.places import BIN, ROOT
from common.template import Loader

PIPELINE = ROOT / "infra" / "pipeline-roles.yaml"
ROLES = ["deploy-roles", "deploy-roles-bounded"]
VIA = {"aws:ViaAWSService": "true"}
DIRECTLY = {"aws:ViaAWSService": "false"}
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# What makes a role strong, or keeps it from being so.
STRONG = [
    "iam:CreateRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy",
    "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary",
]  # fmt: skip
STACK = Deployment("partner-sync")
SANDBOX = Deployment("partner-sync-sandbox")
OURS = STACK.arn(f"iam::{ACCOUNT}:role/partner-sync-SyncRole-{RANDOM}")
BOUNDARY = STACK.arn(f"iam::{ACCOUNT}:policy/partner-sync-boundary")
# cfn-lint's list, which is newer than that of the actions, has them for buckets.
NEW_FOR_BUCKETS = {"s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"}
# The roles of people and of jobs, by whatever name somebody gives them.
NOT_OURS = [
    STACK.arn(f"iam::{ACCOUNT}:role/{name}")
    for name in (
        "admin", "partner-sync-break-glass", "partner-sync-deployers",
        f"pipeline/partner-sync-roles-DeployRole-{RANDOM}", "aws-reserved/sso.amazonaws.com/admin",
    )
]  # fmt: skip


def documents(*files, name="partner-sync", partition="aws"):
    return [policy(file, name, partition) for file in files]


def statements(file):
    return [one | {"file": file} for one in policy(file)["Statement"]]


def every_statement():
    return [one for file in policies.texts() for one in statements(file)]


# --- The evaluator, by AWS's documented rules


def said(effect="Allow", **parts):
    return {"Statement": [{"Effect": effect, "Action": "s3:*", "Resource": "*"} | parts]}


def test_an_explicit_denial_wins_and_what_nothing_allows_is_refused():
    call = "s3:GetObject", "arn:aws:s3:::one/two"
    assert decision([said()], *call) == "allowed"
    assert decision([said(), said("Deny")], *call) == "denied"
    assert decision([said(Action="s3:PutObject")], *call) == "refused"
    assert not allows([said()], *call, boundary=said(Action="s3:PutObject"))
    assert allows([said()], *call, boundary=said())


@pytest.mark.parametrize(
    ("parts", "fitting"),
    [
        ({"Action": "S3:getobject"}, True),
        ({"Action": "s3:Get?bject"}, True),
        ({"Action": "s3:Get"}, False),
        ({"NotAction": "s3:Get*"}, False),
        ({"NotAction": "s3:Put*"}, True),
        ({"Resource": "arn:aws:s3:::on*"}, True),
        ({"Resource": "arn:aws:s3:::one"}, False),
        # A wildcard does not reach into the next part of an ARN.
        ({"Resource": "arn:aws:s3*one/two"}, False),
        ({"NotResource": "arn:aws:s3:::one/*"}, False),
    ],
)
def test_names_fit_as_aws_fits_them(parts, fitting):
    statement = said(**parts)["Statement"][0]
    for kind in ("Action", "Resource"):
        if f"Not{kind}" in parts:
            del statement[kind]
    policy = {"Statement": statement}
    assert allows([policy], "s3:GetObject", "arn:aws:s3:::one/two") == fitting


@pytest.mark.parametrize(
    ("condition", "context", "is_true"),
    [
        ({"StringEquals": {"a:B": ["x", "y"]}}, {"A:b": "y"}, True),
        ({"StringEquals": {"a:b": "x"}}, {}, False),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {}, True),
        ({"StringNotEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, False),
        ({"StringNotEquals": {"a:b": "x"}}, {}, True),
        ({"StringNotLike": {"a:b": "x*"}}, {"a:b": "xy"}, False),
        (
            {"ArnLike": {"a:b": "arn:aws:iam::*:policy/x*"}},
            {"a:b": "arn:aws:iam::1:policy/xy"},
            True,
        ),
        ({"ArnLike": {"a:b": "arn:aws:iam::*"}}, {"a:b": "arn:aws:iam::1:policy/xy"}, False),
        ({"Bool": {"a:b": "true"}}, {"a:b": True}, True),
        ({"Bool": {"a:b": "false"}}, {}, False),
        ({"BoolIfExists": {"a:b": "false"}}, {}, True),
        ({"Null": {"a:b": "true"}}, {}, True),
        ({"Null": {"a:b": "false"}}, {"a:b": "x"}, True),
        ({"ForAllValues:StringEquals": {"a:b": "x"}}, {}, True),
        ({"ForAllValues:StringEquals": {"a:b": "x"}}, {"a:b": ["x", "y"]}, False),
        ({"ForAnyValue:StringEquals": {"a:b": "x"}}, {"a:b": ["x", "y"]}, True),
        ({"ForAnyValue:StringNotEquals": {"a:b": "x"}}, {}, False),
        ({"StringEquals": {"a:b": "x"}, "Bool": {"a:c": "true"}}, {"a:b": "x"}, False),
    ],
)
def test_conditions_are_true_as_aws_documents_it(condition, context, is_true):
    assert holds(condition, context) == is_true


@pytest.mark.parametrize(
    "parts",
    [
        {"Condition": {"NumericLessThan": {"a:b": 1}}},
        {"Condition": {"StringEquals": {"a:list": "x"}}},
        {"Condition": {"ForAnyValue:StringEquals": {"a:one": "x"}}},
        {"Resource": "arn:aws:s3:::${aws:username}"},
        {"Principal": "*"},
    ],
)
def test_what_the_evaluator_does_not_know_it_does_not_guess(parts):
    with pytest.raises(Unknown):
        allows([said(**parts)], "s3:GetObject", "arn:aws:s3:::x", {"a:list": ["x"], "a:one": "x"})


# --- Their form


def test_every_copy_of_a_policy_is_small_enough_for_iam(monkeypatch, tmp_path):
    assert {("partner-sync-sandbox", "aws-us-gov"), ("acme-sync", "aws-cn")} <= set(VARIANTS)
    assert list(policies.problems()) == []
    statement = said(Sid="One", Resource=["arn:aws:s3:::partner-sync*"] * 200)["Statement"]
    (tmp_path / "large.json").write_text(json.dumps({"Statement": statement}))
    monkeypatch.setattr(policies, "FOLDER", tmp_path)
    told = list(policies.problems())
    # As it is written it is small enough; a longer name and a longer partition make it too large.
    assert any("for partner-sync-sandbox in aws-us-gov" in one for one in told)
    assert not any("for acme-sync in aws," in one for one in told)


def test_a_policy_whose_statements_have_one_name_is_told(monkeypatch, tmp_path):
    (tmp_path / "twice.json").write_text(json.dumps({"Statement": said(Sid="A")["Statement"] * 2}))
    monkeypatch.setattr(policies, "FOLDER", tmp_path)
    assert "needs a Sid of its own" in next(policies.problems())


def test_the_command_of_setup_makes_the_copies_that_the_tests_judge(tmp_path):
    [block] = [one for one in blocks() if "iam create-policy" in one.text]
    for name, partition in VARIANTS:
        first = f"NAME={name} PARTITION={partition}"
        script = block.text.replace("NAME=partner-sync PARTITION=aws", first)
        assert first in script
        (tmp_path / "aws").write_text("#!/bin/sh\n")
        (tmp_path / "aws").chmod(0o755)
        (tmp_path / "docs").mkdir(exist_ok=True)
        if not (tmp_path / "docs" / "policies").exists():
            (tmp_path / "docs" / "policies").symlink_to(policies.FOLDER)
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=env, check=True)
        made = {one.stem: one.read_text() for one in (tmp_path / ".local/policies").glob("*")}
        wanted = {
            file: policies.copy(text, name, partition) for file, text in policies.texts().items()
        }
        assert made == wanted


def test_aws_knows_every_action_of_the_policies_and_can_limit_it_as_they_do():
    for one in every_statement():
        for pattern in listed(one["Action"]):
            found = rights.known(pattern)
            assert found, f"{one['file']}, {one['Sid']}: AWS has no {pattern}"
            can_be = [action for action in found if can_be_limited(action, one["Resource"])]
            assert can_be, f"{one['file']}, {one['Sid']}: {pattern} on {one['Resource']}"


def can_be_limited(action, resources):
    """Whether AWS limits an action to resources such as those of a statement."""
    if listed(resources) == ["*"] or action in NEW_FOR_BUCKETS:
        return True
    beginnings = [
        (*template.split(":", 5)[2:3], template.split(":", 5)[5].split("$")[0])
        for template in rights.types(action)
    ]
    for resource in listed(resources):
        service, name = resource.split(":", 5)[2], resource.split(":", 5)[5].split("*")[0]
        if any(
            service == of and (name.startswith(begin) or begin.startswith(name))
            for of, begin in beginnings
        ):
            return True
    return False


def test_what_has_no_resource_is_granted_without_one():
    for one in every_statement():
        if listed(one["Resource"]) == ["*"]:
            assert not any(pattern.endswith("*") for pattern in listed(one["Action"]))
            continue
        for pattern in listed(one["Action"]):
            assert any(rights.types(action) for action in rights.known(pattern)), pattern


def test_every_condition_is_one_that_aws_has_for_the_action():
    tested = 0
    for one in every_statement():
        for operator, tests in one.get("Condition", {}).items():
            for key, action in product(tests, listed(one["Action"])):
                if not key.startswith("aws:"):
                    tested += 1
                    known = any(
                        fits(re.sub(r"\$\{.*\}", "*", each), key) for each in rights.keys(action)
                    )
                    assert known, f"{one['Sid']}: {action}, {operator} {key}"
    assert tested > 20


KEY_CONDITIONS = [
    "kms:ViaService",
    "kms:EncryptionContext:aws:states:stateMachineArn",
    "kms:EncryptionContext:SourceArn",
]


def conditions_of(statement):
    return {key for tests in statement.get("Condition", {}).values() for key in tests}


def test_the_policies_open_nothing_but_what_is_called_partner_sync():
    for one in every_statement():
        for resource in listed(one["Resource"]):
            name = resource.rpartition(":")[2] if resource == "*" else resource.split(":", 5)[5]
            is_ours = "partner-sync" in name or "aws-sam-cli-managed" in name
            # A key has no name of ours: it opens only for what is ours, or through its service.
            is_through = name == "key/*" and set(KEY_CONDITIONS) & conditions_of(one)
            # The boundary allows messages to anybody's topic; a role's own policy names one.
            is_topic = one["file"] == "boundary" and one["Action"] == "sns:Publish"
            has_no_name = one["Sid"] == "WhatHasNoName" or name == "transform/*"
            assert is_ours or is_through or is_topic or has_no_name, (one["file"], resource)


# --- Who may do what


# Role: what it must be able to do, and what it must not, each with a resource.
MACHINE, STARTER = STACK.arn_of("StateMachine"), STACK.arn_of("Starter")
RUN = STACK.arn("states:{region}:{account}:execution:partner-sync:2026-11-30T06-00Z")
START = STACK.arn("states:{region}:{account}:execution:partner-sync-starter:1")
REPORT = f"{STACK.arn_of('Bucket')}/runs/2026-11-30T06-00Z/report.html"
MEMORY = f"{STACK.arn_of('Bucket')}/memory.json"
SECRET = STACK.arn("secretsmanager:{region}:{account}:secret:partner-sync/zendesk/global-AbCdEf")
QUEUE, TOPIC, SYNC = (STACK.arn_of(one) for one in ("ScheduleFailures", "Notifications", "Sync"))
LOG, TABLE = STACK.arn_of("SyncLogs"), STACK.arn_of("LeaseTable")
ALARM, BUCKET = STACK.arn_of("RunFailed"), STACK.arn_of("Bucket")
SCHEDULE = STACK.arn("scheduler:{region}:{account}:schedule/default/partner-sync-1")
STACK_ARN = STACK.arn("cloudformation:{region}:{account}:stack/partner-sync/1")
PACKAGE = STACK.upload()
READING = [
    ("s3:GetObject", REPORT), ("s3:GetObject", MEMORY), ("s3:GetObjectVersion", MEMORY),
    ("s3:ListBucket", BUCKET), ("s3:ListBucketVersions", BUCKET),
    ("states:ListExecutions", MACHINE), ("states:DescribeExecution", RUN),
    ("states:GetExecutionHistory", RUN), ("states:DescribeStateMachine", STARTER),
    ("cloudwatch:DescribeAlarms", "*"), ("cloudwatch:DescribeAlarmHistory", ALARM),
    ("cloudwatch:GetDashboard", STACK.arn_of("Dashboard")), ("cloudwatch:GetMetricData", "*"),
    ("logs:StartQuery", LOG), ("logs:GetQueryResults", "*"), ("logs:FilterLogEvents", LOG),
    ("logs:FilterLogEvents", STACK.arn_of("StateMachineLogs")), ("xray:BatchGetTraces", "*"),
    ("logs:GetLogEvents", f"{LOG}:log-stream:one"), ("cloudformation:DescribeStacks", STACK_ARN),
    ("sns:ListSubscriptionsByTopic", TOPIC), ("sqs:GetQueueAttributes", QUEUE),
]  # fmt: skip
WRITING = [
    ("s3:PutObject", MEMORY), ("s3:DeleteObject", MEMORY), ("s3:DeleteObjectVersion", MEMORY),
    ("s3:PutBucketPolicy", BUCKET), ("lambda:UpdateFunctionCode", SYNC),
    ("lambda:InvokeFunction", SYNC), ("states:UpdateStateMachine", MACHINE),
    ("dynamodb:PutItem", TABLE), ("cloudformation:CreateChangeSet", STACK_ARN),
    ("sns:Publish", TOPIC), ("sns:Subscribe", TOPIC), ("sns:SetTopicAttributes", TOPIC),
    ("scheduler:UpdateSchedule", SCHEDULE),
    ("logs:DeleteLogGroup", LOG), ("sqs:SendMessage", QUEUE), ("iam:PutRolePolicy", OURS),
    ("iam:PassRole", OURS), ("secretsmanager:PutSecretValue", SECRET), ("sts:AssumeRole", OURS),
]  # fmt: skip
SECRETS = [
    (f"secretsmanager:{one}", SECRET)
    for one in ("CreateSecret", "PutSecretValue", "GetSecretValue", "DeleteSecret", "RestoreSecret",
                "DescribeSecret", "UpdateSecret", "TagResource")
]  # fmt: skip
DOCUMENTS = [(f"s3:{one}Object", MEMORY) for one in ("Get", "Put", "Delete")]
BOTH_STARTS = [("states:StartExecution", MACHINE), ("states:StartExecution", STARTER)]
HAS_STARTED = [("states:DescribeExecution", one) for one in (RUN, START)]
# The SAM CLI's own stack and bucket, and what makes SAM's template CloudFormation's.
SAM_BUCKET = STACK.arn("s3:::aws-sam-cli-managed-default-samclisourcebucket-1")
SAMS = [
    ("cloudformation:CreateChangeSet", STACK.arn(f"cloudformation:{{region}}:{place}"))
    for place in (
        f"{ACCOUNT}:stack/aws-sam-cli-managed-default/1",
        "aws:transform/Serverless-2016-10-31",
    )
]
SAMS += [("s3:CreateBucket", SAM_BUCKET), ("s3:PutObject", f"{SAM_BUCKET}/0123456789abcdef")]
MAY = {
    "read": (READING, [*WRITING, *SECRETS, *BOTH_STARTS, ("states:StopExecution", RUN)]),
    "start": (
        [BOTH_STARTS[1], *HAS_STARTED, ("states:GetExecutionHistory", RUN)],
        [*WRITING, *SECRETS, BOTH_STARTS[0], ("states:StopExecution", RUN), *READING[:5],
         ("states:RedriveExecution", RUN), ("states:StartSyncExecution", MACHINE)],
    ),
    "approve": (
        [*BOTH_STARTS, *HAS_STARTED, ("states:StopExecution", RUN), ("sqs:PurgeQueue", QUEUE),
         ("sqs:ReceiveMessage", QUEUE), ("sqs:DeleteMessage", QUEUE),
         ("cloudwatch:SetAlarmState", ALARM), ("sns:Publish", TOPIC)],
        [*[one for one in WRITING if one[0] != "sns:Publish"], *SECRETS, *READING[:5],
         ("states:RedriveExecution", RUN)],
    ),
    "secrets": (SECRETS, [*[one for one in WRITING if "secretsmanager" not in one[0]], *READING]),
    "break-glass": (
        [*DOCUMENTS, ("s3:DeleteObjectVersion", MEMORY), ("s3:ListBucket", BUCKET),
         ("s3:DeleteBucket", BUCKET)],
        [*WRITING[3:], *SECRETS, *BOTH_STARTS],
    ),
    "deploy": (
        [("states:ListExecutions", MACHINE), ("s3:PutObject", PACKAGE), ("s3:GetObject", PACKAGE),
         ("s3:PutBucketPolicy", BUCKET), ("s3:PutBucketLogging", BUCKET),
         ("sns:SetTopicAttributes", TOPIC), ("cloudformation:CreateChangeSet", STACK_ARN), *SAMS],
        [*DOCUMENTS, *SECRETS, *BOTH_STARTS, ("states:StopExecution", RUN),
         ("lambda:InvokeFunction", SYNC), ("dynamodb:PutItem", TABLE), ("dynamodb:GetItem", TABLE),
         ("lambda:AddPermission", SYNC), ("lambda:CreateFunctionUrlConfig", SYNC)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("file", MAY)
def test_each_policy_lets_do_what_it_is_for_and_nothing_that_another_is_for(file):
    may, may_not = MAY[file]
    given = documents(file)
    assert [call for call in may if not allows(given, *call)] == []
    assert [call for call in may_not if allows(given, *call)] == []


@pytest.mark.parametrize("file", [file for file in MAY if file != "deploy"])
def test_the_key_opens_through_the_services_that_a_policy_is_for_and_not_by_itself(file):
    key = STACK.arn("kms:{region}:{account}:key/1")
    services = {
        "read": {"s3", "states", "logs"},
        "start": {"states"},
        "approve": {"states", "sns", "sqs"},
        "secrets": {"secretsmanager"},
        "break-glass": {"s3"},
    }[file]
    opened = {
        service
        for service in ("s3", "states", "logs", "secretsmanager", "sns", "sqs", "lambda", "ec2")
        if allows(
            documents(file), "kms:Decrypt", key,
            {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"},
        )
    }  # fmt: skip
    assert opened == services
    assert not allows(documents(file), "kms:Decrypt", key)


def test_whoever_deploys_writes_no_document_even_if_the_buckets_policy_and_others_allow_it():
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl",
                   "s3:ReplicateObject", "s3:ReplicateDelete", "s3:RestoreObject"):  # fmt: skip
        for name, partition in VARIANTS:
            memory = f"{Deployment(name, partition).arn_of('Bucket')}/memory.json"
            given = [*documents("deploy", name=name, partition=partition), EVERYTHING]
            assert decision(given, action, memory) == "denied", (action, memory)


def test_the_copy_for_the_sandbox_opens_nothing_of_production():
    production = [call for _, *call in STACK.needed() if call[1] != "*"]
    called = [call for may, _ in MAY.values() for call in may if call not in SAMS]
    production += [(*call, VIA) for call in called if call[1] != "*"]
    # A boundary opens nothing by itself.
    files = [file for file in policies.texts() if file != "boundary"]
    given = documents(*files, name="partner-sync-sandbox")
    for one in given:
        # What has no name is read alike by everybody who has any of these rights.
        one["Statement"] = [each for each in one["Statement"] if each["Resource"] != "*"]
    opened = {
        (action, resource)
        for action, resource, context in production
        # The bucket for the uploads is common; the keys in it are not. A key has no name.
        if resource != STACK.packages() and ":key/" not in resource
        and allows(given, action, resource, context)
    }  # fmt: skip
    assert opened == set()


def test_the_policies_open_the_sandbox_as_well():
    given = documents("deploy", "deploy-roles")
    assert [call for _, *call in SANDBOX.needed() if not allows(given, *call)] == []


def test_a_copy_for_another_name_reaches_the_bucket_that_deploy_makes():
    said = (ROOT / "infra" / "deploy" / "deploy.py").read_text()
    assert 'name = f"partner-sync-packages-{account.id}-{account.region}"' in said
    assert '["--s3-bucket", bucket, "--s3-prefix", environment.stack,' in said
    for name, partition in VARIANTS:
        stack = Deployment(name, partition)
        given = documents("deploy", name=name, partition=partition)
        for action in ("s3:CreateBucket", "s3:ListBucket", "s3:PutBucketPublicAccessBlock",
                       "s3:PutEncryptionConfiguration", "s3:DeleteBucket"):  # fmt: skip
            assert allows(given, action, stack.packages()), (name, action)
        for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
            assert allows(given, action, stack.upload()), (name, action)


# --- They suffice


@pytest.mark.parametrize(("name", "partition"), VARIANTS)
@pytest.mark.parametrize("roles", ROLES)
def test_deploying_needs_nothing_that_aws_lists_and_the_policies_do_not_allow(
    roles, name, partition
):
    stack = Deployment(name, partition)
    given = documents("deploy", roles, name=name, partition=partition)
    needed = list(stack.needed())
    assert len(needed) > 300
    missing = {(id, action) for id, action, *call in needed if not allows(given, action, *call)}
    # This one it must not have.
    missing = {one for one in missing if one[1] != "iam:DeleteRolePermissionsBoundary"}
    assert missing == set()


@pytest.mark.parametrize(("name", "partition"), VARIANTS)
def test_the_boundary_allows_all_that_the_roles_of_the_template_may_do(name, partition):
    stack = Deployment(name, partition)
    boundary = policy("boundary", name, partition)
    roles = [id for id, one in stack.resources.items() if one["Type"] == "AWS::IAM::Role"]
    used = [(role, *call) for role in roles for call in stack.used(role)]
    assert len(roles) == 7
    assert len(used) > 60
    assert [one for one in used if not allows([boundary], *one[1:])] == []


def test_somebody_has_the_right_for_every_call_of_the_tools():
    allowed = [
        pattern
        for one in every_statement()
        if one["Effect"] == "Allow" and one["file"] in ("deploy", "deploy-roles", "read", "approve")
        for pattern in listed(one["Action"])
    ]
    called = rights.calls_of_the_tools()
    assert len(called) > 20
    assert {one for one in called if not any(fits(pattern, one) for pattern in allowed)} == set()


# Of the AWS CLI: services whose rights have another prefix, and commands whose rights have other
# names. What is for everybody (sts, sso) or for an administrator (iam) needs another policy.
PREFIXES = {"stepfunctions": "states", "s3api": "s3"}
COMMANDS = {
    "cp": "GetObject",
    "rb": "DeleteBucket",
    "ls": "ListBucket",
    "wait": "DescribeStacks",
    "deploy": "CreateChangeSet",
    "package": "GetTemplateSummary",
    "list-object-versions": "ListBucketVersions",
    "delete-objects": "DeleteObjectVersion",
}
NEEDS_ANOTHER = {"sts", "sso", "iam", "configure"}


@pytest.mark.parametrize("file", ["docs/SETUP.md", "docs/REFERENCE.md", "infra/RUNBOOK.md"])
def test_somebody_has_the_right_for_every_aws_command_of_the_documents(file):
    allowed = [
        pattern
        for one in every_statement()
        if one["Effect"] == "Allow" and one["file"] != "boundary"
        for pattern in listed(one["Action"])
    ]
    called = set(re.findall(r"\baws ([a-z0-9]+) ([a-z][a-z-]+)", (ROOT / file).read_text()))
    needed = {right_of(*call) for call in called if call[0] not in NEEDS_ANOTHER}
    assert needed
    assert {one for one in needed if not any(fits(pattern, one) for pattern in allowed)} == set()


def right_of(service, command):
    """The IAM action behind a command of the AWS CLI."""
    action = COMMANDS.get(command) or command.title().replace("-", "")
    return f"{PREFIXES.get(service, service)}:{action}"


def test_setup_names_every_policy():
    text = (ROOT / "docs" / "SETUP.md").read_text()
    part = text[text.index("### Who may do what") :]
    assert [file for file in policies.texts() if f"`{file}`" not in part] == []


# --- Escalation: what is stopped


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("action", STRONG)
def test_a_role_is_changed_through_cloudformation_alone_whatever_else_somebody_has(roles, action):
    given = [*documents("deploy", roles), EVERYTHING]
    bounded = {"iam:PermissionsBoundary": BOUNDARY}
    assert decision(given, action, OURS, DIRECTLY | bounded) == "denied"
    assert decision(given, action, OURS, bounded) == "denied"
    if action != "iam:DeleteRolePermissionsBoundary" or roles == "deploy-roles":
        assert decision(given, action, OURS, VIA | bounded) == "allowed"


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("action", ["iam:CreatePolicy", "iam:CreatePolicyVersion"])
def test_the_policy_of_the_key_is_changed_through_cloudformation_alone(roles, action):
    given = [*documents("deploy", roles), EVERYTHING]
    own = STACK.arn(f"iam::{ACCOUNT}:policy/partner-sync-KeyUse-{RANDOM}")
    assert decision(given, action, own, DIRECTLY) == "denied"
    assert decision(given, action, own, VIA) == "allowed"


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("role", NOT_OURS)
def test_a_role_of_a_person_or_a_job_is_not_changed_and_not_passed_on(roles, role):
    given = documents("deploy", roles)
    key = STACK.arn(f"iam::{ACCOUNT}:policy/partner-sync-KeyUse-{RANDOM}")
    for action in [*STRONG, "iam:DeleteRole", "iam:DetachRolePolicy", "iam:UpdateRole"]:
        context = VIA | {"iam:PermissionsBoundary": BOUNDARY, "iam:PolicyARN": key}
        assert not allows(given, action, role, context), action
    for service in ("lambda", "states", "scheduler"):
        passed = VIA | {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert not allows(given, "iam:PassRole", role, passed)


@pytest.mark.parametrize("roles", ROLES)
def test_no_role_gets_a_policy_of_aws_or_goes_to_another_service(roles):
    given = documents("deploy", roles)
    for name in ("aws:policy/AdministratorAccess", f"{ACCOUNT}:policy/partner-sync-break-glass"):
        context = VIA | {"iam:PolicyARN": STACK.arn(f"iam::{name}")}
        assert not allows(given, "iam:AttachRolePolicy", OURS, context)
        assert not allows(
            given, "iam:AttachRolePolicy", OURS, context | {"iam:PermissionsBoundary": BOUNDARY}
        )
    # Not to CloudFormation either: a stack may not be given a role that can do more.
    for service in ("cloudformation", "ec2", "glue"):
        passed = VIA | {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert not allows(given, "iam:PassRole", OURS, passed)


@pytest.mark.parametrize("roles", ROLES)
def test_nobody_who_deploys_changes_a_policy_of_people_or_makes_a_user(roles):
    given = documents("deploy", roles)
    for file in policies.texts():
        own = STACK.arn(f"iam::{ACCOUNT}:policy/partner-sync-{file}")
        for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy"):
            assert not allows(given, f"iam:{action}", own, VIA)
    for call in (
        ("iam:CreateUser", STACK.arn(f"iam::{ACCOUNT}:user/partner-sync-me")),
        ("iam:CreateAccessKey", STACK.arn(f"iam::{ACCOUNT}:user/me")),
        ("iam:AttachUserPolicy", STACK.arn(f"iam::{ACCOUNT}:user/me")),
        ("sts:AssumeRole", OURS),
    ):
        assert not allows(given, *call, VIA)


def strong_role(roles, boundary):
    """The steps of an escalation, through CloudFormation: which of them are allowed."""
    given = documents("deploy", roles)
    bounded = {"iam:PermissionsBoundary": boundary} if boundary else {}
    role = STACK.arn(f"iam::{ACCOUNT}:role/partner-sync-EvilRole-{RANDOM}")
    function = STACK.arn("lambda:{region}:{account}:function:partner-sync-evil")
    steps = [
        ("iam:CreateRole", role, VIA | bounded),
        ("iam:PutRolePolicy", role, VIA | bounded),
        ("iam:PassRole", role, VIA | {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("lambda:CreateFunction", function, VIA),
    ]
    return {step[0] for step in steps if allows(given, *step)}


ALL_STEPS = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "lambda:CreateFunction"}


def test_without_the_boundary_a_template_may_make_a_role_with_any_right_as_setup_says():
    assert strong_role("deploy-roles", None) == ALL_STEPS
    assert "can give them any right" in (ROOT / "docs" / "SETUP.md").read_text()


def test_with_the_boundary_no_role_is_made_without_it():
    missing = {"iam:CreateRole", "iam:PutRolePolicy"}
    assert strong_role("deploy-roles-bounded", None) == ALL_STEPS - missing
    other = STACK.arn("iam::aws:policy/AdministratorAccess")
    assert strong_role("deploy-roles-bounded", other) == ALL_STEPS - missing
    assert strong_role("deploy-roles-bounded", BOUNDARY) == ALL_STEPS


def test_a_role_with_the_boundary_and_every_right_still_does_only_what_a_stage_may():
    boundary = policy("boundary")
    for call in DOCUMENTS[:2]:
        assert allows([EVERYTHING], *call, boundary=boundary)
    elsewhere = [
        ("s3:GetObject", "arn:aws:s3:::another/one"), ("s3:PutBucketPolicy", BUCKET),
        ("secretsmanager:GetSecretValue", SECRET.replace("partner-sync", "another")),
        ("lambda:UpdateFunctionCode", SYNC), ("ec2:RunInstances", "*"), ("sts:AssumeRole", OURS),
        ("dynamodb:Scan", TABLE), *[(action, OURS) for action in STRONG], ("iam:PassRole", OURS),
    ]  # fmt: skip
    assert [call for call in elsewhere if allows([EVERYTHING], *call, boundary=boundary)] == []


@pytest.mark.parametrize(
    ("action", "resource", "boundary"),
    [
        ("iam:DeleteRolePermissionsBoundary", OURS, BOUNDARY),
        ("iam:PutRolePermissionsBoundary", OURS, STACK.arn("iam::aws:policy/AdministratorAccess")),
        ("iam:PutRolePermissionsBoundary", OURS, f"{BOUNDARY}-2"),
        ("iam:CreatePolicyVersion", BOUNDARY, None),
        ("iam:SetDefaultPolicyVersion", BOUNDARY, None),
        ("iam:DeletePolicyVersion", BOUNDARY, None),
        ("iam:DeletePolicy", BOUNDARY, None),
        ("iam:AttachRolePolicy", OURS, None),
        ("iam:PutRolePolicy", OURS, None),
        ("iam:CreateRole", OURS, None),
    ],
)
def test_the_boundary_cannot_be_taken_off_replaced_or_changed(action, resource, boundary):
    given = [*documents("deploy", "deploy-roles-bounded"), EVERYTHING]
    context = VIA | ({"iam:PermissionsBoundary": boundary} if boundary else {})
    assert decision(given, action, resource, context) == "denied"
    # Nor by the deployer's own two policies without the explicit denial.
    plain = documents("deploy", "deploy-roles-bounded")
    for one in plain:
        one["Statement"] = [each for each in one["Statement"] if each["Effect"] == "Allow"]
    assert not allows(plain, action, resource, context)


# --- The roles for GitLab's jobs


class Roles(Deployment):
    """infra/pipeline-roles.yaml, as a stack with parameters."""

    def __init__(self, partition="aws", **parameters):
        self.name, self.partition, self.region = (
            "roles-of-partner-sync",
            partition,
            rights.REGIONS[partition],
        )
        self.whole = whole = yaml.load(PIPELINE.read_text(), Loader)
        self.resources = whole["Resources"]
        defaults = {id: one["Default"] for id, one in whole["Parameters"].items()}
        assert parameters.keys() <= defaults.keys()
        self.parameters = defaults | parameters

    def value(self, name):
        if name == "GitLab":
            return self.arn(f"iam::{ACCOUNT}:oidc-provider/{self.parameters['GitLabHost']}")
        return self.parameters[name] if name in self.parameters else super().value(name)

    def arn_of(self, id):
        path = self.resources[id]["Properties"]["Path"]
        return self.arn(f"iam::{ACCOUNT}:role{path}{self.name}-{id}-{RANDOM}")

    def policies_of(self, role):
        """The names of the policies that a role has."""
        found = [self.text(one) for one in self.resources[role]["Properties"]["ManagedPolicyArns"]]
        begin = self.arn(f"iam::{ACCOUNT}:policy/{self.parameters['StackName']}-")
        assert all(one.startswith(begin) for one in found)
        return [one.removeprefix(begin) for one in found]

    def trusts(self, role, subject, audience="https://gitlab.com", host="gitlab.com"):
        """True if a role is lent to the bearer of a token."""
        document = self.text(self.resources[role]["Properties"]["AssumeRolePolicyDocument"])
        [trust] = json.loads(document)["Statement"]
        assert trust["Effect"] == "Allow" and trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert trust["Principal"] == {"Federated": self.value("GitLab")}
        return holds(trust["Condition"], {f"{host}:aud": audience, f"{host}:sub": subject})


GITLAB = {"DeployProject": "partners/partner-sync", "StartProject": "customers/customer-sync"}


def subject(project, ref="main", kind="branch"):
    """What GitLab's token says of a job."""
    return f"project_path:{project}:ref_type:{kind}:ref:{ref}"


def test_the_job_that_deploys_has_the_two_policies_to_deploy_and_no_other():
    for roles in ROLES:
        assert Roles(RolesPolicy=roles).policies_of("DeployRole") == ["deploy", roles]
    allowed = yaml.load(PIPELINE.read_text(), Loader)["Parameters"]["RolesPolicy"]["AllowedValues"]
    assert allowed == ROLES


@pytest.mark.parametrize(("name", "partition"), VARIANTS)
def test_the_job_that_starts_runs_may_start_the_starter_and_approve_nothing(name, partition):
    stack, roles = Deployment(name, partition), Roles(partition, StackName=name)
    files = roles.policies_of("StartRole")
    assert files == ["start"]
    given = documents(*files, name=name, partition=partition)
    starter = roles.text(roles.whole["Outputs"]["StarterArn"]["Value"])
    assert starter == stack.arn_of("Starter")
    assert allows(given, "states:StartExecution", starter)
    assert not allows(given, "states:StartExecution", stack.arn_of("StateMachine"))
    run = stack.arn("states:{region}:{account}:execution:{name}:2026-11-30T06-00Z")
    assert allows(given, "states:DescribeExecution", run)


def test_every_policy_that_the_roles_name_is_a_file():
    for role in ("DeployRole", "StartRole"):
        assert set(Roles().policies_of(role)) <= policies.texts().keys()


@pytest.mark.parametrize(
    ("token", "is_trusted"),
    [
        (subject("partners/partner-sync"), True),
        (subject("partners/partner-sync", "feature"), False),
        (subject("partners/partner-sync", "main", "tag"), False),
        (subject("partners/partner-sync-fork"), False),
        (subject("evil/partners/partner-sync"), False),
        (subject("partners/partner-sync", "main2"), False),
    ],
)
def test_a_role_is_lent_to_the_jobs_of_one_branch_of_one_project(token, is_trusted):
    roles = Roles(**GITLAB | {"StartProject": "partners/partner-sync"})
    for role in ("DeployRole", "StartRole"):
        assert roles.trusts(role, token) == is_trusted
        assert not roles.trusts(role, token, audience="https://another")
        assert not roles.trusts(role, token, host="gitlab.example.com")
    own = Roles(**GITLAB, GitLabHost="gitlab.example.com")
    audience = "https://gitlab.example.com"
    assert own.trusts("DeployRole", token, audience, "gitlab.example.com") == is_trusted


def test_production_can_be_deployed_by_tags_alone():
    roles = Roles(**GITLAB, DeployRefType="tag", DeployRef="v*")
    project = GITLAB["DeployProject"]
    assert roles.trusts("DeployRole", subject(project, "v0.5.0", "tag"))
    assert not roles.trusts("DeployRole", subject(project, "v0.5.0", "branch"))
    assert not roles.trusts("DeployRole", subject(project, "x0.5.0", "tag"))


def test_no_parameter_lets_any_project_or_any_branch_in():
    allowed = yaml.load(PIPELINE.read_text(), Loader)["Parameters"]
    for name, refused in {
        "DeployProject": ["*", "partners/*", "a:b/c", "partners"],
        "StartProject": ["*", "partners/*", "partners"],
        "DeployRef": ["*", "", "v*x", "main:x", "?"],
        "StartBranch": ["*", "main*", "", "?"],
        "GitLabHost": ["https://gitlab.com", 'a", "b', "*"],
    }.items():
        for value in refused:
            assert not re.fullmatch(allowed[name]["AllowedPattern"], value), (name, value)
    for name, value in GITLAB.items():
        assert re.fullmatch(allowed[name]["AllowedPattern"], value)


@pytest.mark.parametrize("roles", ROLES)
def test_whoever_deploys_cannot_change_the_roles_of_the_jobs(roles):
    given = documents("deploy", roles)
    bounded = VIA | {"iam:PermissionsBoundary": BOUNDARY}
    pipeline = Roles()
    for name, role, action in product([*NAMES, "x"], ("DeployRole", "StartRole"), STRONG):
        pipeline.name = name
        assert not allows(given, action, pipeline.arn_of(role), bounded)


def test_the_template_of_the_roles_passes_the_checks_of_the_stacks_own():
    cfn_lint = [BIN / "cfn-lint", "--regions", "us-east-1", "us-gov-west-1", "cn-north-1", "--"]
    checkov = [ROOT / ".venv-security" / "bin" / "checkov", "--config-file", ".checkov.yaml", "-f"]
    for command in (cfn_lint, checkov):
        done = subprocess.run([*command, PIPELINE], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

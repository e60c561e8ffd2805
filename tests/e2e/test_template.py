"""The template for any stack: its own secrets, roles of its own, bounds and keys as parameters."""

import copy
import json
import re

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

from checks import docs, guarded, roles, sizes, validate
from common.places import REGION, ROOT, SYNC_TOML
from common.template import definitions, template
from local.ministack import local_aws
from local.stack import Stack
from local.standins import standins

NAME = "partner-sync-sandbox"
ACCOUNT = "000000000000"
FUNCTIONS = ["GatherAccounts", "GatherOrgs", "Compare", "Sync"]
ROLES = [f"{owner}Role" for owner in [*FUNCTIONS, "StateMachine", "Starter", "Schedule"]]
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A stack that is not called as the others are, and its stand-ins."""
    folder = tmp_path_factory.mktemp("sandbox")
    with local_aws(folder, 0.02) as endpoint, standins(folder) as remote:
        stack = Stack(endpoint, NAME)
        stack.put_secrets(remote.secrets(NAME))
        stack.deploy()
        remote.put_world(rate_limit=100_000, kind="differences")
        yield stack, remote


def deploy(stack, **parameters):
    """Brings the stack to these parameters, whichever test came before."""
    try:
        stack.deploy(**parameters)
    except ClientError as error:
        if "No updates" not in str(error):
            raise


def policy(stack, role):
    """All statements of a role of the stack, without conditions of the template in them."""
    name = stack.resources()[role]
    [policy] = stack.iam.list_role_policies(RoleName=name)["PolicyNames"]
    found = [stack.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]]
    for arn in attached(stack, role):
        version = stack.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        beside = stack.iam.get_policy_version(PolicyArn=arn, VersionId=version)
        found.append(beside["PolicyVersion"]["Document"])
    documents = [json.loads(one) if isinstance(one, str) else one for one in found]
    return [statement for one in documents for statement in one["Statement"]]


def attached(stack, role):
    """The ARNs of the policies a role has beside its own."""
    found = stack.iam.list_attached_role_policies(RoleName=stack.resources()[role])
    return [one["PolicyArn"] for one in found["AttachedPolicies"]]


def may(stack, role, service):
    """What a role may do of a service: action to resources, as the stack has it."""
    return [
        (action, resource)
        for statement in policy(stack, role)
        for action in roles.listed(statement["Action"])
        for resource in roles.listed(statement["Resource"])
        if action.startswith(f"{service}:")
    ]


def secrets_of(stack):
    """Function to the secrets it may read."""
    return {
        function: [
            resource.split(":secret:")[1]
            for _, resource in may(stack, f"{function}Role", "secretsmanager")
        ]
        for function in FUNCTIONS
    }


def test_a_second_stack_reads_its_own_secrets_and_no_others(sandbox):
    stack, remote = sandbox
    described = stack.run("own-secrets", {"mode": "plan"})
    assert described["output"]["verdict"] == "PLANNED", described
    assert {call["host"] for call in remote.log()} == {"salesforce", "global", "us-government"}
    assert secrets_of(stack) == {
        "GatherAccounts": [f"{NAME}/salesforce-??????"],
        "GatherOrgs": [f"{NAME}/zendesk/*"],
        "Compare": [],
        "Sync": [f"{NAME}/zendesk/global-??????"],
    }


def test_each_function_may_write_to_its_own_log_group_and_to_no_other(sandbox):
    stack, _ = sandbox
    groups = stack.resources()
    for function in FUNCTIONS:
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{groups[f'{function}Logs']}:*"
        assert may(stack, f"{function}Role", "logs") == [
            ("logs:CreateLogStream", group),
            ("logs:PutLogEvents", group),
        ]
        assert attached(stack, f"{function}Role") == []


def test_with_another_prefix_and_a_file_of_one_instance_one_instance_is_read(sandbox, tmp_path):
    stack, remote = sandbox
    stack.put_secrets(remote.secrets("elsewhere/x"))
    own = tmp_path / "sync.toml"
    text = SYNC_TOML.read_text()
    own.write_text(text[: text.rindex("[[instances]]")])
    stack.sync_toml = own
    stack.deploy(SecretPrefix="elsewhere/x")
    stack.sync_toml = SYNC_TOML
    remote.clear_log()
    described = stack.run("one-instance", {"mode": "plan"})
    assert described["output"]["verdict"] == "PLANNED", described
    assert {call["host"] for call in remote.log()} == {"salesforce", "global"}
    assert secrets_of(stack) == {
        "GatherAccounts": ["elsewhere/x/salesforce-??????"],
        "GatherOrgs": ["elsewhere/x/zendesk/*"],
        "Compare": [],
        "Sync": ["elsewhere/x/zendesk/global-??????"],
    }


def test_every_role_after_the_transform_is_ours_and_can_be_bounded(sandbox):
    stack, _ = sandbox
    # The local AWS keeps no boundary of a role: the template is as far as this can be followed.
    bounded = stack.cloudformation.get_template(StackName=NAME, TemplateStage="Processed")
    found = {
        name: one["Properties"].get("PermissionsBoundary")
        for name, one in bounded["TemplateBody"]["Resources"].items()
        if one["Type"] == "AWS::IAM::Role"
    }
    nothing = {"Ref": "AWS::NoValue"}
    boundary = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, nothing]}
    assert found == dict.fromkeys(ROLES, boundary)
    stack.deploy(PermissionsBoundaryArn=f"arn:aws:iam::{ACCOUNT}:policy/bounds")


def test_a_key_is_on_everything_it_is_for_and_every_role_may_use_it(sandbox):
    stack, _ = sandbox
    ids = stack.resources()
    assert all(may(stack, role, "kms") == [] for role in ROLES)
    stack.deploy(KmsKeyArn=KEY)
    use = [("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)]
    executions = {"StarterRole": use, "StateMachineRole": [*use, ("kms:GenerateDataKey", KEY)]}
    for role in ROLES:
        assert may(stack, role, "kms") == executions.get(role, []) + use
        assert attached(stack, role) == [stack.resources()["KeyUse"]]
    for machine in ("StateMachine", "Starter"):
        described = stack.sfn.describe_state_machine(stateMachineArn=ids[machine])
        assert described["encryptionConfiguration"] == {
            "type": "CUSTOMER_MANAGED_KMS_KEY",
            "kmsKeyId": KEY,
            "kmsDataKeyReusePeriodSeconds": 900,
        }
    queue = stack.sqs.get_queue_attributes(QueueUrl=ids["ScheduleFailures"], AttributeNames=["All"])
    assert queue["Attributes"]["KmsMasterKeyId"] == KEY
    groups = stack.logs.describe_log_groups()["logGroups"]
    keys = {one["logGroupName"]: one.get("kmsKeyId") for one in groups}
    for logs in ("GatherAccounts", "GatherOrgs", "Compare", "Sync", "StateMachine"):
        assert keys[ids[f"{logs}Logs"]] == KEY, logs


def test_without_a_key_executions_are_encrypted_with_the_key_of_aws(sandbox):
    stack, _ = sandbox
    deploy(stack)
    for machine in ("StateMachine", "Starter"):
        arn = stack.resources()[machine]
        described = stack.sfn.describe_state_machine(stateMachineArn=arn)
        assert described["encryptionConfiguration"]["type"] == "AWS_OWNED_KEY"


OBJECT = "runs/2026-11-24T06-00Z/accounts.json"
# All that writes an object, or takes one away, by AWS's list of actions.
WRITING = [
    "AbortMultipartUpload",
    "BypassGovernanceRetention",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjectVersion",
    "DeleteObjectVersionTagging",
    "ObjectOwnerOverrideToBucketOwner",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "PutObjectVersionAcl",
    "PutObjectVersionTagging",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "RestoreObject",
    "UpdateObjectEncryption",
]
READING = ["GetObject", "GetObjectVersion", "GetObjectTagging", "ListMultipartUploadParts"]


def denied(stack, principal, actions, resource):
    """Those of some actions that the bucket's policy denies a principal, over TLS."""
    document = stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"]
    return [
        action
        for action in actions
        if evaluate_resource_policy(
            document,
            EvalContext(
                principal_arn=principal,
                principal_type="AssumedRole",
                principal_account=ACCOUNT,
                action=f"s3:{action}",
                resource_arn=resource,
                region=REGION,
                secure_transport=True,
            ),
        ).decision
        == "Deny"
    ]


def test_only_the_functions_and_the_break_glass_role_may_write_to_the_bucket(sandbox):
    stack, _ = sandbox
    deploy(stack)
    bucket = f"arn:aws:s3:::{stack.bucket}"
    root, admin = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/ops/Admin"
    ids = stack.resources()
    arns = [stack.iam.get_role(RoleName=ids[name])["Role"]["Arn"] for name in ROLES]
    functions, others = arns[: len(FUNCTIONS)], arns[len(FUNCTIONS) :]
    for key in (OBJECT, "memory.json", "history.json"):
        for principal in (root, admin, *others, "arn:aws:iam::999999999999:role/Sync"):
            assert denied(stack, principal, WRITING, f"{bucket}/{key}") == WRITING, principal
            assert denied(stack, principal, READING, f"{bucket}/{key}") == []
        for function in functions:
            assert denied(stack, function, WRITING, f"{bucket}/{key}") == []
    # The bucket itself stays CloudFormation's and its owner's.
    assert denied(stack, admin, ["DeleteBucket", "PutBucketPolicy", "ListBucket"], bucket) == []
    stack.deploy(BreakGlassRoleArn=admin)
    assert denied(stack, admin, WRITING, f"{bucket}/{OBJECT}") == []
    assert denied(stack, f"{admin}2", WRITING, f"{bucket}/{OBJECT}") == WRITING
    assert denied(stack, functions[0], WRITING, f"{bucket}/{OBJECT}") == []


def test_the_bucket_can_be_emptied_once_the_stack_is_deleted(sandbox):
    stack = Stack(sandbox[0].endpoint, "short-lived")
    stack.deploy()
    assert "OnlyTheFunctionsWrite" in stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"]
    stack.cloudformation.delete_stack(StackName=stack.name)
    stack.cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=stack.name, WaiterConfig={"Delay": 1}
    )
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        stack.s3.get_bucket_policy(Bucket=stack.bucket)


def test_access_logs_go_below_the_stacks_name_to_the_bucket_that_is_named():
    given = template()["Resources"]["Bucket"]["Properties"]["LoggingConfiguration"]
    logged = {
        "DestinationBucketName": {"Ref": "AccessLogsBucket"},
        "LogFilePrefix": {"Sub": "${AWS::StackName}/"},
    }
    assert given == {"If": ["LogsAccess", logged, roles.NOTHING]}
    none = {"Not": [{"Equals": [{"Ref": "AccessLogsBucket"}, ""]}]}
    assert template()["Conditions"]["LogsAccess"] == none


def schedule(stack):
    """The stack's schedule."""
    client = boto3.client(
        "scheduler",
        endpoint_url=stack.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    name = stack.resources()["StarterSchedule"].rsplit("/", 1)[-1]
    return client.get_schedule(Name=name)


def test_a_schedule_is_read_in_the_time_zone_that_is_named():
    # The local AWS makes every schedule of a template in UTC.
    zone = template()["Resources"]["StarterSchedule"]["Properties"]["ScheduleExpressionTimezone"]
    assert zone == {"Ref": "ScheduleTimezone"}
    given = template()["Parameters"]["ScheduleTimezone"]
    for name in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"):
        assert re.search(given["AllowedPattern"], name) and len(name) <= given["MaxLength"]
    assert given["Default"] == "UTC"


def test_the_heartbeat_is_shown_with_a_schedule(sandbox):
    stack, _ = sandbox
    deploy(stack)
    assert "NoGoodRun" not in stack.resources()
    when = "at(2099-01-01T00:00:00)"
    stack.deploy(ScheduleState="ENABLED", ScheduleExpression=when)
    found = schedule(stack)
    assert (found["ScheduleExpression"], found["State"]) == (when, "ENABLED")
    assert found["Target"]["Input"] == "{}", "or the Scheduler sends a notification of its own"
    body = stack.cloudwatch.get_dashboard(DashboardName=stack.name)["DashboardBody"]
    [shown] = [one for one in json.loads(body)["widgets"] if one["type"] == "alarm"]
    every = [one["AlarmArn"] for one in stack.cloudwatch.describe_alarms()["MetricAlarms"]]
    assert sorted(shown["properties"]["alarms"]) == sorted(every)
    assert len([one for one in every if "NoGoodRun" in one]) == 1


def with_key(value):
    """A part of the template as it is if there is a key."""
    if isinstance(value, list):
        return [with_key(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("If", [""])[0] == "HasKey":
        return with_key(value["If"][1])
    return {key: with_key(one) for key, one in value.items()}


def test_a_key_is_on_the_documents_and_the_messages_too():
    # The local AWS knows no key of a bucket or a topic that a template makes.
    own = with_key(template()["Resources"])
    key = {"Ref": "KmsKeyArn"}
    encryption = own["Bucket"]["Properties"]["BucketEncryption"]
    assert encryption["ServerSideEncryptionConfiguration"] == [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        }
    ]
    assert own["Notifications"]["Properties"]["KmsMasterKeyId"] == key
    # A queue under a key may not ask for SQS's own besides.
    assert own["ScheduleFailures"]["Properties"]["SqsManagedSseEnabled"] == roles.NOTHING


def problems_after(change):
    """What make validate says of the template after a change."""
    whole = copy.deepcopy(template())
    change(whole)
    return [
        *roles.problems(whole["Resources"]),
        *guarded.problems(whole["Resources"]),
        *sizes.problems(whole),
        *validate.version_problems(whole),
    ]


def role(whole, name):
    return whole["Resources"][f"{name}Role"]["Properties"]


def statement(whole, name, sid):
    [found] = [one for one in roles.statements(role(whole, name)) if one["Sid"] == sid]
    return found


def test_make_validate_finds_nothing_wrong_with_the_template():
    assert problems_after(lambda whole: None) == []


def secret_in_compare(whole):
    taken = statement(whole, "Sync", "ReadItsSecret")
    role(whole, "Compare")["Policies"][0]["PolicyDocument"]["Statement"].append(taken)


def another_secret(whole):
    resource = statement(whole, "GatherAccounts", "ReadItsSecret")["Resource"]
    resource["Sub"][0] = resource["Sub"][0].replace("salesforce", "zendesk/global")


def every_secret(whole):
    resource = statement(whole, "GatherAccounts", "ReadItsSecret")["Resource"]
    resource["Sub"][0] = resource["Sub"][0].replace("salesforce-??????", "*")


def told_of_another_prefix(whole):
    variables = whole["Resources"]["Sync"]["Properties"]["Environment"]["Variables"]
    variables["SECRET_PREFIX"] = "another"


def told_of_no_target(whole):
    del whole["Resources"]["Compare"]["Properties"]["Environment"]["Variables"]["TARGET_INSTANCE"]


def every_instance_for_sync(whole):
    resource = statement(whole, "Sync", "ReadItsSecret")["Resource"]
    resource["Sub"][0] = resource["Sub"][0].replace("${TargetInstance}-??????", "*")


def compare_through_a_secret(whole):
    resource = {"Sub": "arn:${AWS::Partition}:secretsmanager:*:*:secret:any"}
    statement(whole, "Compare", "ReadDocuments")["Resource"].append(resource)


def key_use(whole):
    return whole["Resources"]["KeyUse"]


def key_through_anything(whole):
    del key_use(whole)["Properties"]["PolicyDocument"]["Statement"][0]["Condition"]


def every_key(whole):
    key_use(whole)["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] = "*"


def key_without_sync(whole):
    key_use(whole)["Properties"]["Roles"].remove({"Ref": "SyncRole"})


def key_policy_without_key(whole):
    del key_use(whole)["Condition"]


def no_key_policy(whole):
    del whole["Resources"]["KeyUse"]


def key_in_a_role(whole):
    statement(whole, "Sync", "WriteTraces")["Action"].append("kms:Decrypt")


def every_log_group(whole):
    statement(whole, "Sync", "WriteItsLog")["Resource"] = "*"


def another_log_group(whole):
    statement(whole, "Sync", "WriteItsLog")["Resource"] = {"GetAtt": "CompareLogs.Arn"}


def policies_of_aws(whole):
    role(whole, "Sync")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]


def role_of_sam(whole):
    del whole["Resources"]["Sync"]["Properties"]["Role"]


def events_of_sam(whole):
    whole["Resources"]["Sync"]["Properties"]["Events"] = {"Often": {"Type": "Schedule"}}


def machine_of_sam(whole):
    whole["Resources"]["Starter"]["Type"] = "AWS::Serverless::StateMachine"


def schedule_as_another(whole):
    target = whole["Resources"]["StarterSchedule"]["Properties"]["Target"]
    target["RoleArn"] = {"GetAtt": "StateMachineRole.Arn"}


def machine_as_another(whole):
    whole["Resources"]["Starter"]["Properties"]["RoleArn"] = {"GetAtt": "StateMachineRole.Arn"}


def open_executions(whole):
    del whole["Resources"]["StateMachine"]["Properties"]["EncryptionConfiguration"]


def starter_of_another_machine(whole):
    [use] = [one for one in roles.statements(role(whole, "Starter")) if "EncryptE" in one["Sid"]]
    use["Condition"] = statement(whole, "StateMachine", "EncryptExecutions")["Condition"]


def log_without_key(whole):
    statement(whole, "StateMachine", "EncryptItsLog")["Action"] = "kms:Decrypt"


def policy_of(whole, name):
    statements = whole["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
    return {one["Sid"]: one for one in statements}


def anybody_writes(whole):
    whole["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"].pop()


def anybody_deletes(whole):
    policy_of(whole, "BucketPolicy")["OnlyTheFunctionsWrite"]["NotAction"].append("s3:Delete*")


def writers(whole):
    condition = policy_of(whole, "BucketPolicy")["OnlyTheFunctionsWrite"]["Condition"]
    return condition["ArnNotEquals"]["aws:PrincipalArn"]


def state_machine_writes(whole):
    writers(whole).append({"GetAtt": "StateMachineRole.Arn"})


def sync_cannot_write(whole):
    writers(whole).remove({"GetAtt": "SyncRole.Arn"})


def no_break_glass(whole):
    writers(whole).pop()


def bucket_policy_stays(whole):
    whole["Resources"]["BucketPolicy"]["DeletionPolicy"] = "Retain"


def plain_http_to_the_topic(whole):
    whole["Resources"]["NotificationsPolicy"]["Properties"]["PolicyDocument"]["Statement"].pop(0)


def topic_without_alarms(whole):
    whole["Resources"]["NotificationsPolicy"]["Properties"]["PolicyDocument"]["Statement"].pop()


def alarms_of_anybody(whole):
    del policy_of(whole, "NotificationsPolicy")["AlarmsOfTheAccount"]["Condition"]


def topic_without_the_account(whole):
    policy_of(whole, "NotificationsPolicy")["WhomTheAccountLets"]["Action"].remove("sns:Publish")


def policy_of_a_topic_of_others(whole):
    del whole["Resources"]["NotificationsPolicy"]["Condition"]


def role_without_boundary(whole):
    del role(whole, "Schedule")["PermissionsBoundary"]


def role_for_any_account(whole):
    del role(whole, "Starter")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]


def all_of_s3(whole):
    statement(whole, "Sync", "ReadDocuments")["Action"] = "s3:*"


def everything_published(whole):
    statement(whole, "StateMachine", "TellPeople")["Resource"] = "*"


def policy_beside(whole):
    whole["Resources"]["More"] = {"Type": "AWS::IAM::Policy", "Properties": {}}


def one_more_variable(whole):
    variables = whole["Resources"]["Compare"]["Properties"]["Environment"]["Variables"]
    variables["SECRET"] = {"Ref": "ProtectedAccountIds"}


def more_protected_ids(whole):
    whole["Parameters"]["ProtectedAccountIds"]["MaxLength"] = 3400


def another_version(whole):
    whole["Outputs"]["Version"]["Value"] = "0.0.9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (secret_in_compare, "CompareRole: may read the secrets"),
        (another_secret, "GatherAccountsRole: may read the secrets"),
        (every_instance_for_sync, "SyncRole: may read the secrets"),
        (every_secret, "GatherAccountsRole: may read the secrets"),
        (told_of_another_prefix, 'Sync: SECRET_PREFIX is "another"'),
        (told_of_no_target, "Compare: TARGET_INSTANCE is null"),
        (compare_through_a_secret, "CompareRole: reads no secret, and names Secrets Manager"),
        (key_through_anything, "KeyUse: must allow"),
        (every_key, "KeyUse: must allow"),
        (key_without_sync, "KeyUse: is for ['CompareRole', 'GatherAccountsRole', 'GatherOrgsRole'"),
        (key_policy_without_key, "KeyUse: without a key there must be none"),
        (no_key_policy, "KeyUse: is for []"),
        (key_in_a_role, "SyncRole: beside KeyUse it may use the key as [] says"),
        (open_executions, "StateMachine: its executions must be encrypted"),
        (starter_of_another_machine, "StarterRole: beside KeyUse it may use the key as"),
        (log_without_key, "StateMachineRole: beside KeyUse it may use the key as"),
        (anybody_writes, "BucketPolicy: OnlyTheFunctionsWrite is None"),
        (anybody_deletes, "BucketPolicy: OnlyTheFunctionsWrite is"),
        (state_machine_writes, "BucketPolicy: OnlyTheFunctionsWrite is"),
        (sync_cannot_write, "BucketPolicy: OnlyTheFunctionsWrite is"),
        (no_break_glass, "BucketPolicy: OnlyTheFunctionsWrite is"),
        (bucket_policy_stays, "BucketPolicy: has a DeletionPolicy"),
        (plain_http_to_the_topic, "NotificationsPolicy: OnlyTls is None"),
        (topic_without_alarms, "NotificationsPolicy: AlarmsOfTheAccount is None"),
        (alarms_of_anybody, "NotificationsPolicy: AlarmsOfTheAccount is"),
        (topic_without_the_account, "NotificationsPolicy: WhomTheAccountLets is"),
        (policy_of_a_topic_of_others, "NotificationsPolicy: is for the stack's own topic"),
        (every_log_group, "SyncRole: may write to the log groups ['*'"),
        (another_log_group, "SyncRole: may write to the log groups [{'GetAtt': 'CompareLogs.Arn'}"),
        (policies_of_aws, "SyncRole: has policies of AWS"),
        (role_of_sam, "Sync: its role must be SyncRole"),
        (events_of_sam, "Sync: has events"),
        (machine_of_sam, "Starter: SAM's state machine knows no key"),
        (machine_as_another, "Starter: its role must be StarterRole"),
        (schedule_as_another, "StarterSchedule: its role must be ScheduleRole"),
        (role_without_boundary, "ScheduleRole: not bounded"),
        (role_for_any_account, "StarterRole: states.amazonaws.com may take it"),
        (all_of_s3, "SyncRole: s3:* is more than one action"),
        (everything_published, "StateMachineRole: may do sns:Publish to everything"),
        (policy_beside, "More: what a role may do stands in the role"),
        (one_more_variable, "Compare: its environment may have"),
        (more_protected_ids, "Compare: its environment may have"),
        (another_version, "the output Version is 0.0.9"),
    ],
)
def test_make_validate_names_what_is_taken_out_of_the_template(change, said):
    found = problems_after(change)
    assert any(one.startswith(said) for one in found), found


def test_make_validate_says_when_the_template_is_too_large_for_cloudformation():
    text = (ROOT / "infra" / "template.yaml").read_text()
    assert list(sizes.template_problems(text)) == []
    largest = text.ljust(sizes.MOST_BYTES_OF_TEMPLATE, "#")
    assert list(sizes.template_problems(largest)) == []
    [found] = sizes.template_problems(largest + "\u00e9")
    assert found.startswith("infra/template.yaml has 1000002 bytes")


def test_a_dashboard_that_is_not_the_one_of_its_file_is_refused():
    assert "infra/template.yaml is not current: make docs" not in list(docs.problems())
    shown = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Sub"][0]
    assert shown == (ROOT / "infra" / "dashboard.json").read_text()
    text = (ROOT / "infra" / "template.yaml").read_text()
    stale = text.replace('"title": "Runs"', '"title": "Run"')
    assert stale != text == docs.current("infra/template.yaml", stale)


def found_in(machines, whole, word):
    found = validate.problems(machines, whole, {"Sync.Any"})
    return [one for one in found if word in one]


@pytest.mark.parametrize("machine", ["StateMachine", "Starter"])
def test_make_validate_names_what_a_definition_is_given_and_does_not_use(machine):
    whole = copy.deepcopy(template())
    assert not found_in(definitions(), whole, "Substitutions")
    given = whole["Resources"][machine]["Properties"]["DefinitionSubstitutions"]
    given["Region"] = {"Ref": "AWS::Region"}
    [said] = found_in(definitions(), whole, "Substitutions")
    assert said.startswith(f"{machine}: DefinitionSubstitutions:") and "Region" in said


@pytest.mark.parametrize(
    ("machine", "state"), [("StateMachine", "Skip this run"), ("Starter", "No run was started")]
)
def test_make_validate_refuses_what_may_fail_where_nothing_catches_it(machine, state):
    broken = definitions()
    assert not found_in(broken, template(), "nothing catches")
    broken[machine]["States"][state]["Output"] = "{% $parse($holder) %}"
    [said] = found_in(broken, template(), "nothing catches")
    assert said.startswith(f"{state}: nothing catches it if $parse fails")

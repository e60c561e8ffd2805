"""The template for any stack: its own secrets, roles of its own, bounds and keys as parameters."""

import copy
import json

import pytest

from checks import roles, sizes, validate
from common.places import REGION, ROOT
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
        "GatherOrgs": [
            f"{NAME}/zendesk/global-??????",
            f"{NAME}/zendesk/us-government-??????",
        ],
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


def test_without_a_us_government_instance_one_instance_is_read(sandbox):
    stack, remote = sandbox
    other = {f"elsewhere/{key}": text for key, text in remote.secrets("x").items()}
    stack.put_secrets(other)
    stack.deploy(
        ZendeskUsGovernmentSecretName="none",
        ZendeskGlobalSecretName="elsewhere/x/zendesk/global",
    )
    remote.clear_log()
    described = stack.run("one-instance", {"mode": "plan"})
    assert described["output"]["verdict"] == "PLANNED", described
    assert {call["host"] for call in remote.log()} == {"salesforce", "global"}
    assert secrets_of(stack) == {
        "GatherAccounts": [f"{NAME}/salesforce-??????"],
        "GatherOrgs": ["elsewhere/x/zendesk/global-??????"],
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
    for role in ROLES:
        assert may(stack, role, "kms") == [("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)]
        assert attached(stack, role) == [stack.resources()["KeyUse"]]
    queue = stack.sqs.get_queue_attributes(QueueUrl=ids["ScheduleFailures"], AttributeNames=["All"])
    assert queue["Attributes"]["KmsMasterKeyId"] == KEY
    groups = stack.logs.describe_log_groups()["logGroups"]
    keys = {one["logGroupName"]: one.get("kmsKeyId") for one in groups}
    for logs in ("GatherAccounts", "GatherOrgs", "Compare", "Sync", "StateMachine"):
        assert keys[ids[f"{logs}Logs"]] == KEY, logs


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
    resource["Sub"][1]["Name"] = roles.name_of("ZendeskGlobal")


def every_secret(whole):
    resource = statement(whole, "GatherAccounts", "ReadItsSecret")["Resource"]
    resource["Sub"][0] = resource["Sub"][0].replace("${Name}-??????", "*")


def told_of_another_secret(whole):
    variables = whole["Resources"]["Sync"]["Properties"]["Environment"]["Variables"]
    variables["ZENDESK_GLOBAL_SECRET"] = roles.name_of("ZendeskUsGovernment")


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


def schedules_role_of_sam(whole):
    del whole["Resources"]["Starter"]["Properties"]["Events"]["Schedule"]["Properties"]["RoleArn"]


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
    variables["SECRET"] = {"Ref": "SalesforceSecretName"}


def more_protected_ids(whole):
    whole["Parameters"]["ProtectedAccountIds"]["MaxLength"] = 3000


def another_version(whole):
    whole["Outputs"]["Version"]["Value"] = "0.0.9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (secret_in_compare, "CompareRole: may read the secrets ['ZendeskGlobal'] instead of []"),
        (another_secret, "GatherAccountsRole: may read the secrets ['ZendeskGlobal']"),
        (every_secret, "GatherAccountsRole: may read the secrets"),
        (told_of_another_secret, "Sync: is told of the secrets ['ZendeskUsGovernment']"),
        (compare_through_a_secret, "CompareRole: reads no secret, and names Secrets Manager"),
        (key_through_anything, "KeyUse: must allow"),
        (every_key, "KeyUse: must allow"),
        (key_without_sync, "KeyUse: is for ['CompareRole', 'GatherAccountsRole', 'GatherOrgsRole'"),
        (key_policy_without_key, "KeyUse: without a key there must be none"),
        (no_key_policy, "KeyUse: is for []"),
        (key_in_a_role, "SyncRole: kms:Decrypt stands in KeyUse"),
        (every_log_group, "SyncRole: may write to the log groups ['*'"),
        (another_log_group, "SyncRole: may write to the log groups [{'GetAtt': 'CompareLogs.Arn'}"),
        (policies_of_aws, "SyncRole: has policies of AWS"),
        (role_of_sam, "Sync: its role must be SyncRole"),
        (schedules_role_of_sam, "Starter: its schedule has no RoleArn"),
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


def test_make_validate_says_when_the_template_is_too_large_without_a_bucket():
    text = (ROOT / "infra" / "template.yaml").read_text()
    assert list(sizes.template_problems(text)) == []
    largest = text.ljust(sizes.MOST_BYTES_OF_TEMPLATE, "#")
    assert list(sizes.template_problems(largest)) == []
    [found] = sizes.template_problems(largest + "\u00e9")
    assert found.startswith("infra/template.yaml has 50702 bytes and may have 50700")


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

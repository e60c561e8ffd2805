"""The local AWS is as unpleasant as AWS where MiniStack alone is kinder."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from local.stack import Stack

# The roles of all functions but GatherOrgs.
MAY_WRITE = {"GatherAccountsRole", "CompareRole", "SyncRole"}
BODY = {"Key": "memory.json", "Body": b"{}"}


@pytest.fixture
def closed(deployed):
    """A bucket with one object, that only the break-glass role may write to, and the stack."""
    stack, bucket = deployed.stack, f"closed-{uuid.uuid4().hex}"
    stack.s3.create_bucket(Bucket=bucket)
    stack.s3.put_object(Bucket=bucket, **BODY)
    close(stack, bucket, [stack.operator])
    return stack, bucket


def close(stack, bucket, roles):
    """Denies every write to all but some roles."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "NotAction": "s3:GetObject*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": roles}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    stack.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def code(call, **arguments):
    """The error's code, None if the call was done."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def test_what_a_buckets_policy_denies_is_refused_as_s3_does(closed):
    stack, bucket = closed
    with pytest.raises(stack.s3.exceptions.ClientError) as refused:
        stack.s3.put_object(Bucket=bucket, **BODY)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Code"] == "AccessDenied"
    assert answer["Error"]["Message"].endswith(
        f'is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/'
        'memory.json" with an explicit deny in a resource-based policy'
    )


def test_no_way_to_write_or_to_delete_is_forgotten(closed):
    stack, bucket = closed
    key = {"Bucket": bucket, "Key": "memory.json"}
    for call, arguments in (
        (stack.s3.delete_object, key),
        (stack.s3.delete_object, {**key, "VersionId": "null"}),
        (stack.s3.copy_object, {**key, "CopySource": f"{bucket}/memory.json"}),
        (stack.s3.create_multipart_upload, key),
        (stack.s3.put_object_tagging, {**key, "Tagging": {"TagSet": []}}),
    ):
        assert code(call, **arguments) == "AccessDenied", call
    assert stack.s3.get_object(**key)["Body"].read() == b"{}", "it may be read, and is as it was"


def test_deleting_many_is_refused_by_key(closed):
    stack, bucket = closed
    keys = {"Objects": [{"Key": "memory.json"}, {"Key": "history.json"}]}
    errors = stack.s3.delete_objects(Bucket=bucket, Delete=keys)["Errors"]
    assert [(one["Key"], one["Code"]) for one in errors] == [
        ("memory.json", "AccessDenied"),
        ("history.json", "AccessDenied"),
    ]
    assert code(stack.s3.head_object, Bucket=bucket, Key="memory.json") is None


def test_a_session_of_a_role_that_the_policy_names_may_write(closed):
    stack, bucket = closed
    assert code(stack.s3_as_operator.put_object, Bucket=bucket, **BODY) is None
    keys = {"Objects": [{"Key": "memory.json"}]}
    done = stack.s3_as_operator.delete_objects(Bucket=bucket, Delete=keys)
    assert [one["Key"] for one in done["Deleted"]] == ["memory.json"] and "Errors" not in done


def test_another_stack_of_this_machine_is_the_same_operator(closed):
    stack, bucket = closed
    other = Stack(stack.endpoint, "another")
    assert code(other.s3_as_operator.put_object, Bucket=bucket, **BODY) is None


def test_a_function_that_the_policy_leaves_out_cannot_write(twin):
    """So each function acts as its own role, and not as the account."""
    stack, bucket = twin.stack, twin.stack.bucket
    roles = [id for name, id in stack.resources().items() if name in MAY_WRITE]
    assert len(roles) == len(MAY_WRITE)
    arns = [stack.iam.get_role(RoleName=id)["Role"]["Arn"] for id in roles]
    before = stack.s3.get_bucket_policy(Bucket=bucket)["Policy"]
    close(stack, bucket, [*arns, stack.operator])
    try:
        described = twin.run()
    finally:
        stack.s3.put_bucket_policy(Bucket=bucket, Policy=before)
    documents = twin.stack.objects()
    assert described["status"] == "FAILED" and "AccessDenied" in described["cause"], described
    assert f"runs/{described['name']}/accounts.json" in documents
    assert f"runs/{described['name']}/organizations.json" not in documents


@pytest.fixture
def topic(deployed):
    """A topic with an e-mail address, and the stack."""
    sns = deployed.stack.sns
    topic = sns.create_topic(Name=f"topic-{uuid.uuid4().hex}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="people@example.org")
    return deployed.stack, topic


@pytest.mark.parametrize(
    "message",
    [
        {"Message": "x", "Subject": "two\nlines"},
        {"Message": "x", "Subject": "x" * 100},
        {"Message": "no JSON", "MessageStructure": "json"},
        {"Message": '{"email": "no default"}', "MessageStructure": "json"},
        {"Message": '{"default": {"no": "string"}}', "MessageStructure": "json"},
        {"Message": '{"default": "x", "default": "y"}', "MessageStructure": "json"},
    ],
)
def test_what_sns_refuses_is_refused_and_reaches_nobody(topic, message):
    stack, arn = topic
    assert code(stack.sns.publish, TopicArn=arn, **message) == "InvalidParameter"
    assert [one for one in stack.mail() if one["topic"] == arn] == []


def test_an_address_gets_the_form_of_its_protocol_or_else_the_default(topic):
    stack, arn = topic
    stack.sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15550100")
    forms = json.dumps({"default": "for all", "email": "for mail"})
    stack.sns.publish(TopicArn=arn, Subject="hello", Message=forms, MessageStructure="json")
    got = {one["protocol"]: one["message"] for one in stack.mail() if one["topic"] == arn}
    assert got == {"email": "for mail", "sms": "for all"}

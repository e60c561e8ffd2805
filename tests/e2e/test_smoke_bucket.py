"""make smoke shows that the bucket refuses everybody's writes but the functions' own."""

from types import SimpleNamespace

import pytest
from smoke_tools import PRODUCTION, refuse, told

from deploy import smoke_bucket
from deploy.smoke_checks import guarded
from deploy.smoke_stack import Deployed

OBJECT = "arn:aws:s3:::documents/smoke-denied"
COMPARE, SYNC, BREAK_GLASS, STRANGER = (
    f"arn:aws:iam::000000000000:role/{name}" for name in ("compare", "sync", "break-glass", "ci")
)
ROLES, OTHERS = {COMPARE, SYNC}, {BREAK_GLASS}
ALL = [COMPARE, SYNC, BREAK_GLASS]
DENIAL = {
    "Effect": "Deny",
    "Principal": "*",
    "NotAction": ["s3:GetObject*", "s3:ListMultipartUploadParts"],
    "Resource": "arn:aws:s3:::documents/*",
    "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ALL}},
}
ONLY_TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::documents", "arn:aws:s3:::documents/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def with_actions(*actions):
    """The denial with a list of actions."""
    return {**without("NotAction"), "Action": list(actions)}


def without(element):
    return {key: value for key, value in DENIAL.items() if key != element}


def by(operator, *arns, **more):
    """The denial with another condition."""
    return {**DENIAL, "Condition": {operator: {"aws:PrincipalArn": list(arns)}, **more}}


def judged(*statements, others=OTHERS):
    """The only line about a policy."""
    return told(smoke_bucket.judged, {"Statement": list(statements)}, OBJECT, ROLES, others)


@pytest.mark.parametrize(
    "statement",
    [
        DENIAL,
        with_actions("s3:PutObject", "s3:DeleteObject*"),
        with_actions("s3:*"),
        {**DENIAL, "Principal": {"AWS": "*"}},
        by("ArnNotLike", *ALL),
        by("StringNotEquals", *ALL),
        by("ArnNotEquals", *ALL, Bool={"aws:PrincipalIsAWSService": "false"}),
    ],
)
def test_a_policy_that_denies_all_but_the_functions_and_break_glass_is_right(statement):
    mark, text = judged(ONLY_TLS, statement)
    assert mark == "ok" and "the functions and the break-glass role" in text


def test_a_stack_without_a_break_glass_role_is_written_to_by_its_functions_alone():
    mark, text = judged(by("ArnNotEquals", COMPARE, SYNC), others=set())
    assert (mark, text) == ("ok", "the bucket's policy lets the functions alone write and delete")


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [ONLY_TLS],
        [{**DENIAL, "Effect": "Allow"}],
        [{**DENIAL, "Principal": {"AWS": STRANGER}}],
        [{**DENIAL, "Resource": "arn:aws:s3:::documents/runs/*"}],
        [{**DENIAL, "NotAction": "s3:*"}],
        [by("ArnEquals", *ALL)],
        [by("ArnNotEquals", *ALL, IpAddress={"aws:SourceIp": "192.0.2.0/24"})],
    ],
)
def test_a_policy_that_leaves_writing_open_is_a_failure(statements):
    mark, text = judged(*statements)
    assert mark == "FAIL"
    assert "from s3:DeleteObject, s3:DeleteObjectVersion, s3:PutObject: " in text


@pytest.mark.parametrize(
    ("denied", "open"),
    [
        (["s3:PutObject"], "s3:DeleteObject, s3:DeleteObjectVersion"),
        (["s3:DeleteObject*"], "s3:PutObject"),
        (["s3:PutObject", "s3:DeleteObject"], "s3:DeleteObjectVersion"),
    ],
)
def test_what_is_left_open_is_named(denied, open):
    mark, text = judged(with_actions(*denied))
    assert mark == "FAIL" and f"does not keep others from {open}: " in text


def test_whoever_else_may_write_is_named():
    mark, text = judged(by("ArnNotEquals", *ALL, STRANGER))
    assert mark == "FAIL" and f"lets {STRANGER} write as well" in text
    mark, text = judged(DENIAL, others=set())
    assert mark == "FAIL" and BREAK_GLASS in text, "of another deployment's parameters"


def test_two_denials_leave_only_who_is_in_both():
    mark, text = judged(by("ArnNotEquals", *ALL, STRANGER), DENIAL)
    assert mark == "ok", text


@pytest.mark.parametrize("locked_out", ALL)
def test_whoever_should_write_and_may_not_is_named(locked_out):
    mark, text = judged(by("ArnNotEquals", *(one for one in ALL if one != locked_out)))
    assert mark == "FAIL" and f"keeps {locked_out} from writing" in text


@pytest.fixture
def open_bucket(seen):
    """The deployed stack, with its bucket's policy taken away."""
    s3, bucket = seen.stack.s3, seen.stack.bucket
    before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    yield seen.stack
    s3.put_bucket_policy(Bucket=bucket, Policy=before)


def versions(stack):
    """Every version and every deletion of what the attempt names."""
    page = stack.s3.list_object_versions(Bucket=stack.bucket, Prefix=smoke_bucket.KEY)
    return page.get("Versions", []) + page.get("DeleteMarkers", [])


def test_a_bucket_that_takes_a_write_is_a_failure_and_nothing_was_written(open_bucket):
    [policy] = smoke_bucket.policy(Deployed(PRODUCTION))
    [attempt] = smoke_bucket.attempt(Deployed(PRODUCTION))
    assert policy.mark == "FAIL" and "does not keep others from" in policy.text
    assert attempt.mark == "FAIL" and "so nothing was written" in attempt.text
    assert versions(open_bucket) == []


def test_the_break_glass_role_tries_nothing_and_is_told_why(seen, monkeypatch):
    stack = seen.stack
    given = stack.sts.assume_role(RoleArn=stack.operator, RoleSessionName="me")["Credentials"]
    for name, key in (
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ):
        monkeypatch.setenv(name, given[key])
    deployed = Deployed(PRODUCTION)
    deployed.parameters["BreakGlassRoleArn"] = stack.operator
    [line] = smoke_bucket.attempt(deployed)
    assert line.mark == "ok" and line.text.startswith("a write of yours was not tried")
    assert versions(stack) == []


def asked_by(put_object):
    """A stack for somebody who is no break-glass role, and an answer of S3."""
    return SimpleNamespace(
        parameters={"BreakGlassRoleArn": ""},
        outputs={"BucketName": "documents"},
        client=lambda _: SimpleNamespace(put_object=put_object),
    )


@pytest.mark.parametrize(
    ("code", "message", "mark", "words"),
    [
        ("AccessDenied", smoke_bucket.BY_THE_POLICY, "ok", "the bucket refuses a write of yours"),
        ("AccessDenied", "Access Denied", "ok", "That says nothing of others"),
        ("AccessDenied", "because no identity-based policy allows", "ok", "That says nothing of"),
        ("NoSuchKey", "no", "FAIL", "would take a write of yours"),
        ("PreconditionFailed", "no", "FAIL", "would take a write of yours"),
        ("ExpiredToken", "no", "FAIL", "sign in to AWS again"),
    ],
)
def test_only_a_denial_by_the_buckets_policy_proves_something(code, message, mark, words):
    stack = asked_by(refuse(code, message))
    seen, text = told(guarded, smoke_bucket.attempt, stack)
    assert seen == mark and words in text


def test_a_write_that_was_taken_after_all_is_a_failure_that_names_the_object():
    mark, text = told(smoke_bucket.attempt, asked_by(lambda **_: {}))
    assert mark == "FAIL" and "an object smoke-denied" in text


def test_the_attempt_has_a_condition_that_no_object_meets():
    asked = []
    told(smoke_bucket.attempt, asked_by(lambda **how: asked.append(how)))
    # An ETag of S3 begins with 32 hexadecimal digits.
    assert asked[0]["IfMatch"] == '"smoke-denied"'


def test_a_policy_with_one_statement_need_be_no_list():
    mark, _ = told(smoke_bucket.judged, {"Statement": DENIAL}, OBJECT, ROLES, OTHERS)
    assert mark == "ok"

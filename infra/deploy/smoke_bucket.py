"""Does the bucket refuse writes of everybody but the functions and the break-glass role?

The policy is read, and one write is tried. It names an ETag that no object has, so that S3 answers
it with an error also where it may be made: nothing is ever written.
"""

import fnmatch
import json

from botocore.exceptions import ClientError

from .smoke_checks import DEPLOY, FUNCTIONS, REFUSALS, fail, ok

KEY = "smoke-denied"
NO_ETAG = '"smoke-denied"'
WRITE, DELETES = "s3:PutObject", ("s3:DeleteObject", "s3:DeleteObjectVersion")
ALL_BUT = {"arnnotequals", "arnnotlike", "stringnotequals", "stringnotlike"}
# A condition that is met by whatever a person or a role does.
HARMLESS = [("bool", "aws:principalisawsservice", ["false"])]
UNMET = {"404", "412", "NoSuchKey", "PreconditionFailed"}
BY_THE_POLICY = "explicit deny in a resource-based policy"


def policy(deployed):
    """Whom does the bucket's policy let write and delete?"""
    bucket = deployed.outputs["BucketName"]
    try:
        text = deployed.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"].get("Code") != "NoSuchBucketPolicy":
            raise
        text = '{"Statement": []}'
    partition = deployed.described["StackId"].split(":")[1]
    yield from judged(json.loads(text), f"arn:{partition}:s3:::{bucket}/{KEY}", *writers(deployed))


def writers(deployed):
    """The functions' roles, and who else may write: the break-glass role, if there is one."""
    there = deployed.resources.get("AWS::Lambda::Function", {})
    client = deployed.client("lambda")
    roles = {
        client.get_function_configuration(FunctionName=there[name])["Role"]
        for name in FUNCTIONS
        if name in there
    }
    broken = deployed.parameters.get("BreakGlassRoleArn")
    return roles, {broken} if broken else set()


def judged(document, object, roles, others):
    """What a policy says of puts and deletes of an object."""
    let = {action: exempt(document, action, object) for action in (WRITE, *DELETES)}
    if not_denied := sorted(action for action, arns in let.items() if arns is None):
        yield fail(
            f"the bucket's policy does not keep others from {', '.join(not_denied)}: who may write "
            "could put a finished walk where the next run looks for its own",
            DEPLOY,
        )
        return
    strangers = sorted(set().union(*let.values()) - roles - others)
    locked_out = sorted((roles | others) - let[WRITE])
    if strangers:
        yield fail(
            f"the bucket's policy lets {', '.join(strangers)} write as well",
            f"{DEPLOY}, or name it as BreakGlassRoleArn if it is that role",
        )
    if locked_out:
        yield fail(f"the bucket's policy keeps {', '.join(locked_out)} from writing", DEPLOY)
    if not strangers and not locked_out:
        who = "the functions and the break-glass role" if others else "the functions alone"
        yield ok(f"the bucket's policy lets {who} write and delete")


def exempt(document, action, object):
    """ARNs that a policy does not deny an action to; None if it denies it to nobody in general."""
    statements = document["Statement"]
    found = [
        arns
        for one in (statements if isinstance(statements, list) else [statements])
        if one["Effect"] == "Deny" and one.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        if covers(one, "Action", action.lower(), str.lower)
        if covers(one, "Resource", object, str)
        if (arns := all_but(one.get("Condition", {}))) is not None
    ]
    return set.intersection(*found) if found else None


def covers(statement, element, text, fold):
    """Is a statement about an action or a resource? Its values may have wildcards."""
    is_all_but = f"Not{element}" in statement
    patterns = listed(statement.get(f"Not{element}" if is_all_but else element, []))
    return is_all_but != any(fnmatch.fnmatchcase(text, fold(one)) for one in patterns)


def all_but(condition):
    """The principals that a denial's condition leaves out; None if it leaves out more than them."""
    keys = [
        (operator.lower(), key.lower(), listed(value))
        for operator, pairs in condition.items()
        for key, value in pairs.items()
    ]
    left = [one for one in keys if one not in HARMLESS]
    if not left:
        return set()
    operator, key, arns = left[0]
    is_by_arn = len(left) == 1 and operator in ALL_BUT and key == "aws:principalarn"
    return set(arns) if is_by_arn else None


def listed(value):
    """A policy's value is one, or a list of them."""
    return value if isinstance(value, list) else [value]


def attempt(deployed):
    """Is a write of whoever looks refused?"""
    if is_break_glass(deployed):
        yield ok(
            "a write of yours was not tried: you are the break-glass role, which may write. With "
            "other credentials this shows that the bucket refuses"
        )
        return
    try:
        deployed.client("s3").put_object(
            Bucket=deployed.outputs["BucketName"], Key=KEY, Body=b"", IfMatch=NO_ETAG
        )
    except ClientError as error:
        yield answered(error)
        return
    yield fail(
        f"the bucket has taken a write of yours, and now there is an object {KEY}",
        f"delete it, with its versions; {DEPLOY}",
    )


def is_break_glass(deployed):
    """Is whoever looks a session of the break-glass role?"""
    broken = deployed.parameters.get("BreakGlassRoleArn")
    if not broken:
        return False
    arn = deployed.client("sts").get_caller_identity()["Arn"]
    account, role = broken.split(":")[4], broken.rpartition("/")[2]
    return f"::{account}:assumed-role/{role}/" in arn


def answered(error):
    """What S3's answer to the write says."""
    code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
    if code in UNMET:
        return fail(
            "the bucket would take a write of yours (it had a condition that nothing meets, so "
            "nothing was written)",
            f"{DEPLOY}; until then whoever may write can make the next run mark what they like",
        )
    if code not in REFUSALS:
        raise error
    if BY_THE_POLICY in message:
        return ok("the bucket refuses a write of yours, by its policy")
    return ok(
        "a write of yours is refused, and AWS does not say that it is the bucket that refuses: "
        "your own credentials may write nothing. That says nothing of others; the policy above does"
    )

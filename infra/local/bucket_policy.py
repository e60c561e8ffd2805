"""The local AWS refuses what a bucket's policy denies, as S3 does.

MiniStack keeps the policies of buckets, and without AUTH=true it asks none; with it, the account's
root may do everything and a role is known by its session, so this product's policy denies nothing.

What this does not do: it looks at denials and at the policies of buckets alone, so an action that
no policy allows is done all the same. Who calls is who the access key stands for: no signature is
checked. Every call counts as one over TLS, because it does not leave this machine. Of DeleteObjects
nothing is deleted if one of its keys may not be. A condition that MiniStack cannot read denies
nothing.
"""

import functools
from xml.sax.saxutils import escape

from ministack.core import iam_actions, lambda_runtime
from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate_resource_policy,
    resolve_caller_identity,
)
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.core.router import extract_access_key_id
from ministack.services import iam, lambda_svc, s3, sts

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
# Of every call by a person or a role, and of none by a service of AWS.
BY_NO_SERVICE = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false"}


def enforce():
    """From now on each bucket's policy holds, and each function acts as its role."""
    s3.handle_request = guarded(s3.handle_request)
    lambda_runtime.execution_credentials = credentials_of_role
    lambda_svc.execution_credentials = credentials_of_role


def credentials_of_role(config):
    """Credentials of a session of a function's role, as AWS gives them to its processes."""
    function, role = config["FunctionName"], config["Role"]
    key = iam._gen_session_access_key()
    account, name = role.split(":")[4], role.rpartition("/")[2]
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{function}",
        "UserId": f"{name}:{function}",
        "SecretAccessKey": iam._gen_secret(),
        "SessionToken": iam._gen_session_token(),
    }
    sts.register_session(key, session)
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def guarded(handle):
    """MiniStack's S3, asked only for what the bucket's policy does not deny."""

    @functools.wraps(handle)
    async def handled(method, path, headers, body, query_params, *more, **named):
        # MiniStack's own services write as a service of AWS does.
        if not named.get("internal"):
            caller = principal(extract_access_key_id(headers, query_params))
            denied = denials(caller, method, path, headers, body, query_params)
            if denied and is_delete_of_many(method, query_params):
                return deletes_refused(denied)
            if denied:
                return s3._error("AccessDenied", denied[0][1], 403, path)
        return await handle(method, path, headers, body, query_params, *more, **named)

    return handled


def principal(access_key):
    """aws:PrincipalArn of who calls: for a session of a role it is the role."""
    identity = resolve_caller_identity(access_key)
    arn = identity["userArn"] if identity else f"arn:aws:iam::{get_account_id()}:root"
    if ":assumed-role/" not in arn:
        return arn
    account, name = arn.split(":")[4], arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, name)
    return role["Arn"] if role else f"arn:aws:iam::{account}:role/{name}"


def denials(caller, method, path, headers, body, query_params):
    """Resource and reason of whatever a bucket's policy denies of a call."""
    request = ("s3", method, path, headers, body, query_params)
    action = iam_actions.extract_iam_action(*request)
    if action is None:
        return []
    first = (action, iam_actions.extract_resource_arn(*request, get_region(), get_account_id()))
    others = iam_actions.s3_additional_checks(method, path, headers, body, query_params)
    return [
        (resource, refusal(caller, action, resource))
        for action, resource in [first, *others]
        if is_denied(caller, action, resource)
    ]


def is_denied(caller, action, resource):
    """Does the policy of the resource's bucket deny this to the caller?"""
    policy, _ = s3.bucket_policy_for_arn(resource) or ("", "")
    asked = EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole" if ":role/" in caller else "User",
        principal_account=caller.split(":")[4],
        action=action,
        resource_arn=resource,
        region=get_region(),
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context=BY_NO_SERVICE,
    )
    return bool(policy) and evaluate_resource_policy(policy, asked).decision == "Deny"


def refusal(caller, action, resource):
    """The words of S3."""
    return (
        f'User: {caller} is not authorized to perform: {action} on resource: "{resource}" '
        "with an explicit deny in a resource-based policy"
    )


def is_delete_of_many(method, query_params):
    """DeleteObjects, whose answer names each key."""
    return method == "POST" and "delete" in query_params


def deletes_refused(denied):
    """DeleteObjects is answered with 200, and an error for each key."""
    errors = "".join(
        f"<Error><Key>{escape(resource.partition('/')[2])}</Key>"
        f"<Code>AccessDenied</Code><Message>{escape(reason)}</Message></Error>"
        for resource, reason in denied
    )
    body = f'<DeleteResult xmlns="{NAMESPACE}">{errors}</DeleteResult>'
    headers = {"Content-Type": "application/xml", "x-amz-request-id": new_uuid()}
    return 200, headers, body.encode()

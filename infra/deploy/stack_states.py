"""The states that a stack may be in, and what a person does about each."""

from botocore.exceptions import ClientError

COMPLETE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_COMPLETE",
}
# The last one's deployment failed, and the stack is as it was before.
STANDING = COMPLETE | {"UPDATE_ROLLBACK_COMPLETE"}
NEVER_MADE = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
DEAD = NEVER_MADE | {"DELETE_FAILED"}
STUCK = "UPDATE_ROLLBACK_FAILED"
WHAT_TO_DO = {
    **dict.fromkeys(
        NEVER_MADE,
        "its creation failed; read the first failure in its events, delete it, deploy again",
    ),
    "DELETE_FAILED": "its deletion failed: read why in its events, delete it again",
    STUCK: "its way back to what was before failed; read the first failure in its events, mend "
    "it, and let AWS go on with continue-update-rollback",
    "REVIEW_IN_PROGRESS": "its change set was never executed; deploy again and confirm it",
    "UPDATE_ROLLBACK_COMPLETE": "it is as before the last deployment, which failed; read its "
    "events, deploy again",
}


def described(cloudformation, name):
    """What CloudFormation says of a stack, None if there is none of this name."""
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise


def exists(stack):
    """A stack in review was never made."""
    return stack is not None and stack["StackStatus"] != "REVIEW_IN_PROGRESS"


def output(stack, name):
    """A stack's output of this name, None if it has none."""
    outputs = (stack or {}).get("Outputs", [])
    return next((one["OutputValue"] for one in outputs if one["OutputKey"] == name), None)


def can_be_changed(status):
    """False for a stack that cannot be deployed to before something else is done."""
    if status.endswith("IN_PROGRESS"):
        return status == "REVIEW_IN_PROGRESS"
    return status not in DEAD and status != STUCK


def what_to_do(status):
    """About a stack that is not complete."""
    if status not in WHAT_TO_DO and status.endswith("IN_PROGRESS"):
        return "wait until it is over, then start again"
    return WHAT_TO_DO.get(status, "read the first failure in its events, mend it, deploy again")


def commands(stack, region):
    """The AWS CLI's commands that end a state which allows no deployment, in order."""
    what = f"--stack-name {stack['StackName']} --region {region}"
    if stack["StackStatus"] == STUCK:
        yield f"aws cloudformation continue-update-rollback {what}"
        yield f"aws cloudformation wait stack-rollback-complete {what}"
    if stack["StackStatus"] in DEAD:
        if stack.get("EnableTerminationProtection"):
            protection = "update-termination-protection --no-enable-termination-protection"
            yield f"aws cloudformation {protection} {what}"
        yield f"aws cloudformation delete-stack {what}"
        yield f"aws cloudformation wait stack-delete-complete {what}"

"""The runs that are under way on a deployed stack."""

from botocore.exceptions import ClientError

# What list_executions says of a state machine that is not there.
ABSENT = "StateMachineDoesNotExist"


def running(stepfunctions, state_machine):
    """Names of the executions that are RUNNING, the newest first; none without a state machine.

    The list is eventually consistent: a run that began a few seconds ago may not be in it yet.
    """
    pages = stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=state_machine, statusFilter="RUNNING"
    )
    try:
        return [one["name"] for page in pages for one in page["executions"]]
    except ClientError as error:
        if error.response["Error"].get("Code") == ABSENT:
            return []
        raise

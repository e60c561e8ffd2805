"""The command that releases what is held, done as it stands, without the AWS CLI."""

import argparse
import shlex

import boto3

from common.places import REGION


class Refused(Exception):
    """The command does not say what it must."""


class Reader(argparse.ArgumentParser):
    """Reads options; what it does not know is an error of the command."""

    def error(self, message):
        raise Refused(message)


def read(command, stack):
    """What an `aws stepfunctions start-execution` says: region, state machine and input."""
    program, service, operation, *options = shlex.split(command)
    if [program, service, operation] != ["aws", "stepfunctions", "start-execution"]:
        raise Refused(f"it is not aws stepfunctions start-execution: {command}")
    reader = Reader(allow_abbrev=False, add_help=False)
    # Without it, the CLI takes the region of its configuration.
    reader.add_argument("--region", default=REGION)
    reader.add_argument("--state-machine-arn", required=True)
    reader.add_argument("--input", required=True)
    said = reader.parse_args(options)
    if said.state_machine_arn != stack.state_machine:
        raise Refused(f"{said.state_machine_arn} is not {stack.state_machine}, which is deployed")
    return said


def in_words(command, stack):
    """What the command does: a sentence, and the input it gives."""
    said = read(command, stack)
    machine = said.state_machine_arn.rpartition(":")[2]
    return f"starts the state machine {machine} in {said.region} with this input:", said.input


def start(command, stack):
    """Does what the command says, and returns the execution's ARN."""
    said = read(command, stack)
    client = boto3.client(
        "stepfunctions",
        endpoint_url=stack.endpoint,
        region_name=said.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    started = client.start_execution(stateMachineArn=said.state_machine_arn, input=said.input)
    return started["executionArn"]

"""What make smoke reads of a deployed stack. A check yields lines, and changes nothing."""

from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from common.template import template
from common.version import this_version
from common.words import counted

from .stack_states import COMPLETE, what_to_do

FUNCTIONS = ["GatherAccounts", "GatherOrgs", "Compare", "Sync"]
MACHINES = ["StateMachine", "Starter"]
DEPLOY = "deploy this version again"
REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
SIGN_IN = "sign in to AWS again, or name a profile in AWS_PROFILE"
UNKNOWN_CALLS = {"UnknownOperationException", "InvalidAction", "NotImplemented", "501", "404"}


@dataclass(frozen=True)
class Told:
    """A line of the smoke test: ok, warn or FAIL, and what was seen."""

    mark: str
    text: str


def ok(what):
    """All is well."""
    return Told("ok", what)


def warn(what, to_do):
    """A person should know; the deployment works."""
    return Told("warn", f"{what.rstrip('.')}. What to do: {to_do}")


def fail(what, to_do):
    """The deployment does not do what it must."""
    return Told("FAIL", f"{what.rstrip('.')}. What to do: {to_do}")


def guarded(check, deployed):
    """A check's lines. What AWS refuses is a line as well, and the other checks go on."""
    try:
        yield from check(deployed)
    except ClientError as error:
        yield refused(error)
    except CREDENTIALS as error:
        yield fail(f"no credentials for AWS: {one_line(error)}", SIGN_IN)
    except BotoCoreError as error:
        yield fail(f"AWS cannot be asked: {one_line(error)}", "check the network and the region")


def refused(error):
    """A call that AWS did not answer as wanted."""
    code, call = error.response["Error"].get("Code"), error.operation_name
    if code in REFUSALS:
        return fail(one_line(error), f"use credentials that may call {call}; docs/SETUP.md")
    if code in BAD_CREDENTIALS:
        return fail(one_line(error), SIGN_IN)
    return fail(one_line(error), "mend what AWS names; start make smoke again if it was busy")


def one_line(text):
    """A text without line breaks."""
    return " ".join(str(text).split())


def stack(deployed):
    """Is the stack there, complete, with its outputs, and of this version?"""
    if not deployed.described:
        yield fail(
            f"there is no stack {deployed.name} in {deployed.region} of this account",
            f"make deploy ENV={deployed.environment} deploys it; or use its account's profile",
        )
        return
    status, account = deployed.described["StackStatus"], deployed.described["StackId"].split(":")[4]
    seen = f"stack {deployed.name}, {deployed.region}, account {account}: {status}"
    yield ok(seen) if status in COMPLETE else fail(seen, what_to_do(status))
    missing = sorted(template()["Outputs"].keys() - deployed.outputs.keys() - {"Version"})
    if missing:
        yield fail(f"the stack does not tell {', '.join(missing)}", DEPLOY)
    yield version(deployed.outputs.get("Version"))


def version(deployed):
    """Is what is deployed what lies here?"""
    here = this_version()
    if not deployed:
        return fail("the stack does not tell its version", DEPLOY)
    if deployed != here:
        return warn(f"version {deployed} is deployed, and this is {here}", DEPLOY)
    return ok(f"version {deployed}, as here")


def definitions(deployed):
    """Does AWS find the definitions of both state machines valid?"""
    machines = deployed.resources.get("AWS::StepFunctions::StateMachine", {})
    for name in MACHINES:
        if name in machines:
            yield from definition(deployed, machines[name])
        else:
            yield fail(f"the stack has no state machine {name}", DEPLOY)


def definition(deployed, arn):
    """What AWS says of one definition, as it is deployed."""
    client, name = deployed.client("stepfunctions"), arn.rpartition(":")[2]
    machine = client.describe_state_machine(stateMachineArn=arn)
    try:
        judged = client.validate_state_machine_definition(
            definition=machine["definition"], type=machine["type"], severity="WARNING"
        )
    except ClientError as error:
        if deployed.is_local and error.response["Error"].get("Code") in UNKNOWN_CALLS:
            yield ok(f"definition of {name}: its validation is not known here")
            return
        raise
    for one in judged["diagnostics"]:
        tell = fail if one["severity"] == "ERROR" else warn
        place = one.get("location") or "no place"
        yield tell(
            f"definition of {name}: {one['code']}, {one_line(one['message'])} ({place})",
            "correct its file, infra/*.asl.json, or infra/template.yaml, and deploy again",
        )
    if judged["result"] == "OK":
        yield ok(f"definition of {name}: valid")
    elif not judged["diagnostics"]:
        yield fail(f"definition of {name}: {judged['result']} without a reason", DEPLOY)


def schedule(deployed):
    """Is the schedule on? Both are fine; it is only told."""
    schedules = deployed.resources.get("AWS::Scheduler::Schedule", {})
    if not schedules:
        yield fail("the stack has no schedule", DEPLOY)
    for name in schedules.values():
        found = deployed.client("scheduler").get_schedule(Name=name)
        state, wanted = found["State"], deployed.parameters.get("ScheduleState")
        seen = f"schedule {found['ScheduleExpression']}: {state}"
        if state != wanted:
            yield warn(
                f"{seen}, and the stack's parameter ScheduleState is {wanted}",
                "make them equal, by a deployment or by hand",
            )
        else:
            yield ok(seen if state == "ENABLED" else f"{seen}, so runs start by hand only")


def functions(deployed):
    """Are the Lambdas ready, and as the stack's parameters want them?"""
    there = deployed.resources.get("AWS::Lambda::Function", {})
    for name in FUNCTIONS:
        if name not in there:
            yield fail(f"the stack has no function {name}", DEPLOY)
            continue
        found = deployed.client("lambda").get_function_configuration(FunctionName=there[name])
        yield function(name, found, deployed.parameters.get("Architecture"))
    if "Sync" in there:
        yield reservation(deployed, there["Sync"])


def function(name, found, wanted):
    """Is one Lambda ready, and built for what the stack's parameter says?"""
    state, updated = found.get("State"), found.get("LastUpdateStatus")
    # AWS makes a function that has not run for weeks inactive; the next run activates it.
    if state not in ("Active", "Inactive") or updated != "Successful":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "no reason"
        seen = f"function {name}: {state}, last update {updated} ({one_line(reason)})"
        return fail(seen, "wait a minute and look again; if it stays, deploy again")
    architecture = ", ".join(found.get("Architectures", []))
    if architecture != wanted:
        seen = f"function {name} is for {architecture}, and Architecture is {wanted}"
        return fail(seen, "deploy again, with ARCH as Architecture says")
    return ok(f"function {name}: {state}, {architecture}")


def reservation(deployed, function):
    """Is Sync kept from running beside itself, if the stack's parameter says so?"""
    wanted = int(deployed.parameters.get("SyncReservedConcurrency") or 0) or None
    asked = deployed.client("lambda").get_function_concurrency(FunctionName=function)
    found = asked.get("ReservedConcurrentExecutions")
    if found == wanted:
        seen = f"{found} reserved" if found else "none reserved, as SyncReservedConcurrency says"
        return ok(f"concurrency of Sync: {seen}")
    if deployed.is_local and found is None:
        return ok(f"concurrency of Sync: {wanted} is wanted, and what is reserved not known here")
    return fail(
        f"concurrency of Sync: {found or 'none'} reserved, and SyncReservedConcurrency is "
        f"{wanted or 0}",
        "set it as the parameter says; somebody changed it by hand",
    )


def logs(deployed):
    """Does every log group end what it keeps?"""
    groups = deployed.resources.get("AWS::Logs::LogGroup", {})
    days = {name: retention(deployed.client("logs"), group) for name, group in groups.items()}
    endless = sorted(name for name, kept in days.items() if kept is None)
    if len(groups) < len(FUNCTIONS) + 1:
        yield fail(f"the stack has only {counted(len(groups), 'log group')}", DEPLOY)
    if endless:
        yield fail(
            f"log groups without an end, or not there: {', '.join(endless)}",
            "set their retention as the template has it; somebody changed them by hand",
        )
    elif groups:
        kept = " or ".join(str(number) for number in sorted(set(days.values())))
        yield ok(f"{counted(len(groups), 'log group')}: kept for {kept} days")


def retention(client, group):
    """Days a log group keeps its lines, None if for ever or if there is no such group."""
    found = client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return next((one.get("retentionInDays") for one in found if one["logGroupName"] == group), None)


def alarms(deployed):
    """Are all alarms there, and what do they say?"""
    there = deployed.resources.get("AWS::CloudWatch::Alarm", {})
    wanted = expected_alarms(deployed.parameters)
    if lacking := sorted(wanted - there.keys()):
        yield fail(f"the stack has no alarm {', '.join(lacking)}", DEPLOY)
    names = list(there.values())
    found = (
        names
        and deployed.client("cloudwatch").describe_alarms(AlarmNames=names, MaxRecords=len(names))[
            "MetricAlarms"
        ]
    )
    yield from states({one["AlarmName"]: one for one in found}, there)


def expected_alarms(parameters):
    """Names of the template's alarms that a stack with these parameters has."""
    expects_runs = (
        parameters.get("ScheduleState") == "ENABLED"
        and parameters.get("ScheduleIntervalHours") != "0"
    )
    return {
        name
        for name, one in template()["Resources"].items()
        if one["Type"] == "AWS::CloudWatch::Alarm" and ("Condition" not in one or expects_runs)
    }


def states(found, there):
    """What the alarms say. One that is on tells of a run before this one, so it is no failure."""
    quiet = 0
    for name, physical in sorted(there.items()):
        alarm = found.get(physical)
        if alarm is None:
            yield fail(f"alarm {name} is gone", "make it as the template has it")
        elif alarm["StateValue"] == "ALARM":
            # The description says what to do.
            yield Told("warn", f"alarm {name} is on: {one_line(alarm['AlarmDescription'])}")
        else:
            quiet += 1
    if quiet:
        yield ok(f"{counted(quiet, 'alarm')}: there and not on")

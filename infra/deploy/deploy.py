"""make deploy: an environment to AWS, after its change set has been seen and agreed to.

It is no call of `sam deploy`, which would lose something in each step:

- Parameters, the stack's state and Lambda's quota are looked at before anything is built.
- While a run is under way nothing is deployed: its definition stays, the code under it would not.
- What a change set would lose for good is said in words, and YES=1 does not agree to it.
- After a no, nothing is left: no change set, and no empty stack that is in review.
- A parameter that leaves the environment's file has the default again, not its old value.
- A stack may be protected from deletion.
"""

import argparse
import hashlib
import os
import subprocess
import time
import tomllib

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, WaiterError

from common.places import ROOT
from common.terminal import say, styled

from . import environments, stack_states
from .environments import Unfit, shown
from .runs import running
from .stack_states import exists

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Resources whose contents cannot be restored.
KEPT = {
    "Bucket": "the documents of all runs, the history and the memory of who is missing",
    "LeaseTable": "the lease that keeps two runs from writing at once",
}
# Concurrent executions that AWS wants left for the account's other functions.
UNRESERVED = 100
# What a stack is while AWS begins to make or to change it.
BEGINNINGS = ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
# 2020-01-01; a zip knows no time before 1980.
EPOCH = 1577836800
POLL = {"Delay": 3, "MaxAttempts": 1200}


class Account:
    """The AWS account that the credentials open, in an environment's region."""

    def __init__(self, region):
        self.region = region
        session = boto3.Session(region_name=region)
        self.s3, self.functions = session.client("s3"), session.client("lambda")
        self.cloudformation = session.client("cloudformation")
        self.stepfunctions = session.client("stepfunctions")
        try:
            self.id = session.client("sts").get_caller_identity()["Account"]
        except NoCredentialsError:
            raise Unfit(
                "There are no AWS credentials: sign in with aws sso login and set AWS_PROFILE, or "
                "set keys; docs/SETUP.md, What you need, has a profile for aws login."
            ) from None
        except (ClientError, BotoCoreError) as error:
            raise Unfit(f"AWS does not take the credentials in {region}: {error}") from None

    def stack(self, name):
        """A stack's description, None if there is no such stack."""
        return stack_states.described(self.cloudformation, name)


def main():
    parser = argparse.ArgumentParser(prog="make deploy")
    parser.add_argument("environment", nargs="?", default="")
    parser.add_argument("--yes", action="store_true")
    said = parser.parse_args()
    try:
        deploy(said.environment, said.yes)
    except (ClientError, BotoCoreError) as error:
        raise SystemExit(f"AWS refused: {error}") from None


def deploy(name, is_sure):
    """The whole way of an environment's deployment."""
    if not name:
        raise Unfit(f"make deploy ENV=<name>: there are {', '.join(environments.names())}.")
    environment = environments.read(name)
    check_processor(environment, os.environ.get("ARCH"))
    check_target(environment)
    account = Account(environment.region)
    before = account.stack(environment.stack)
    check_status(environment, before)
    check_quota(environment, account, before)
    check_runs(environment, account, before)
    say(f"{environment.stack} in {environment.region}, account {account.id}")
    run(["make", "build", f"ARCH={environment.architecture}", f"ENV={environment.name}"])
    bucket = environment.s3_bucket or packages(account)
    address = package(environment, account, bucket)
    change_set = create_change_set(environment, account, address, before)
    if change_set is None:
        say("Nothing changes.")
    else:
        show(environment, change_set, before)
        decide(account, change_set, before, is_sure)
        check_runs_again(environment, account, change_set, before)
        execute(account, change_set, before)
    protect(environment, account)
    for output in account.stack(environment.stack).get("Outputs", []):
        say(f"{output['OutputKey']}: {output['OutputValue']}")


def check_processor(environment, arch):
    """ARCH on the command line may not contradict the environment's file."""
    wanted = environment.architecture
    if arch and arch.replace("aarch64", "arm64") != wanted:
        raise Unfit(
            f"ARCH is {arch}, and {environment.name} is deployed for {wanted}: leave ARCH out, or "
            f"set the parameter Architecture in infra/environments/{environment.name}.yaml."
        )


def check_target(environment):
    """Whose secret sync may read, the parameter says; what it writes to, sync.toml."""
    file = environments.sync_toml(environment.name)
    try:
        instances = tomllib.loads(file.read_text()).get("instances", [])
    except tomllib.TOMLDecodeError as error:
        raise Unfit(f"{file.relative_to(ROOT)}: {error}") from None
    targets = [one.get("name") for one in instances if one.get("target")]
    wanted = environment.parameters.get("TargetInstance", "global")
    if targets != [wanted]:
        raise Unfit(
            f"TargetInstance is {wanted}, and {file.relative_to(ROOT)} writes to "
            f"{', '.join(map(str, targets)) or 'none'}: they must be the same. Correct the one or "
            f"the other; make doctor ENV={environment.name} says what else is wrong with the file."
        )


def check_status(environment, stack):
    """A stack that cannot be changed now is named before anything is built."""
    if stack is None or stack_states.can_be_changed(status := stack["StackStatus"]):
        return
    first = f"{environment.stack} is {status}: {stack_states.what_to_do(status)}."
    raise Unfit("\n  ".join([first, *stack_states.commands(stack, environment.region)]))


def check_quota(environment, account, stack):
    """A reservation that AWS would refuse half-way is named before anything is built."""
    wanted = int(float(environment.value("SyncReservedConcurrency")))
    if wanted == 0 or reserves(stack):
        return
    try:
        limit = account.functions.get_account_settings()["AccountLimit"]
        left = limit["UnreservedConcurrentExecutions"] - wanted
    except (ClientError, BotoCoreError, KeyError):
        # Whoever deploys may not be allowed to read it.
        return
    if left < UNRESERVED:
        raise Unfit(
            f"SyncReservedConcurrency is {wanted}, and {left} concurrent executions would be "
            f"left for the account's other functions; AWS wants {UNRESERVED} left. Set "
            f"SyncReservedConcurrency: 0 in infra/environments/{environment.name}.yaml, or have "
            f"the quota raised (Service Quotas, Lambda, Concurrent executions)."
        )


def check_runs(environment, account, stack):
    """A run that is under way keeps its definition, and would go on with other code under it."""
    machine = stack_states.output(stack, "StateMachineArn")
    names = running(account.stepfunctions, machine) if machine else []
    if not names:
        return
    first = (
        f"{environment.stack} has a run under way: {', '.join(names)}. Its definition would stay "
        "as it is and the code under it would not, so it could end with an error. Nothing was "
        "done. Wait until it has ended, three hours at most, or stop it:"
    )
    execution = machine.replace(":stateMachine:", ":execution:")
    stop = f"aws stepfunctions stop-execution --region {environment.region} --execution-arn"
    raise Unfit("\n  ".join([first, *(f"{stop} {execution}:{name}" for name in names)]))


def check_runs_again(environment, account, change_set, before):
    """The same, just before it counts: the build and the answer took their time."""
    try:
        check_runs(environment, account, before)
    except Unfit:
        forget(account, change_set, before)
        raise


def reserves(stack):
    """True of a stack whose reservation is taken from the account's quota already."""
    given = {
        one["ParameterKey"]: one.get("ParameterValue")
        for one in (stack or {}).get("Parameters", [])
    }
    return exists(stack) and given.get("SyncReservedConcurrency", "0") != "0"


def run(command):
    """A command in the repository's root; its output is shown."""
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed; nothing was deployed.")


def packages(account):
    """The bucket for the zips; it is made if there is none."""
    name = f"partner-sync-packages-{account.id}-{account.region}"
    try:
        # With the owner: a stranger's bucket of this name is refused.
        account.s3.head_bucket(Bucket=name, ExpectedBucketOwner=account.id)
        return name
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise Unfit(
                f"The bucket {name} cannot be used ({error}): name another as s3_bucket in "
                f"{environments.CONFIG}, in place of resolve_s3."
            ) from None
    place = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    account.s3.create_bucket(Bucket=name, **({} if account.region == "us-east-1" else place))
    account.s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    account.s3.put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    say(f"Made the bucket {name} for the zips: encrypted, closed to the public.")
    return name


def package(environment, account, bucket):
    """Uploads the zips, the state machine and the template; returns the template's address."""
    folder = ROOT / "target"
    for file in folder.glob("lambda/*/*"):
        # The zip holds it: what was built anew to the same bytes is then no change.
        os.utime(file, (EPOCH, EPOCH))
    packaged = folder / f"packaged-{environment.name}.yaml"
    places = ["--template-file", "infra/template.yaml", "--output-template-file", str(packaged)]
    where = ["--s3-bucket", bucket, "--s3-prefix", environment.stack, "--region", account.region]
    command = [os.environ.get("AWS", "aws"), "cloudformation", "package", *places, *where]
    # Its last lines advise a deployment without a change set to look at.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"aws cloudformation package failed: {done.stdout}{done.stderr}")
    template = packaged.read_bytes()
    key = f"{environment.stack}/{hashlib.sha256(template).hexdigest()}.template"
    account.s3.put_object(Bucket=bucket, Key=key, Body=template)
    return f"{account.s3.meta.endpoint_url}/{bucket}/{key}"


def create_change_set(environment, account, address, before):
    """What would change, as AWS describes it; None if nothing would."""
    pairs, tags = environment.parameters.items(), environment.tags.items()
    made = account.cloudformation.create_change_set(
        StackName=environment.stack,
        ChangeSetName=time.strftime("deploy-%Y%m%d-%H%M%S"),
        ChangeSetType="UPDATE" if exists(before) else "CREATE",
        TemplateURL=address,
        # Every other parameter gets the template's default: only the file counts.
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in pairs],
        Capabilities=CAPABILITIES,
        Tags=[{"Key": key, "Value": value} for key, value in tags],
    )
    name = made["Id"]
    waiter = account.cloudformation.get_waiter("change_set_create_complete")
    try:
        waiter.wait(ChangeSetName=name, WaiterConfig=POLL)
    except WaiterError as error:
        reason = str(error.last_response.get("StatusReason", error))
        forget(account, {"ChangeSetId": name, "StackId": made["StackId"]}, before)
        if "didn't contain changes" in reason or "No updates are to be performed" in reason:
            return None
        raise SystemExit(f"AWS made no change set: {reason}") from None
    pages = account.cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=name)
    described = list(pages)
    return {**described[0], "Changes": [one for page in described for one in page["Changes"]]}


def show(environment, change_set, before):
    """The change set as a table, what it does to what cannot be made again, and parameters."""
    changes = changes_of(change_set)
    rows = [("Action", "Resource", "Type", "Replacement")] + [
        (one["Action"], one["LogicalResourceId"], one["ResourceType"], one.get("Replacement", "-"))
        for one in changes
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for line in warnings(changes):
        say(styled(line, "bold", "red"))
    for line in parameter_changes(environment, before) if exists(before) else ():
        say(line)


def changes_of(change_set):
    """What happens to each resource."""
    return [change["ResourceChange"] for change in change_set["Changes"]]


def warnings(changes):
    """A sentence for each loss that a change set brings."""
    for one in changes:
        id, replaced = one["LogicalResourceId"], one.get("Replacement")
        lost = KEPT.get(id)
        if lost and one["Action"] == "Remove":
            yield f"WARNING: {id} leaves the stack: {lost}."
        elif lost and replaced == "True":
            yield f"WARNING: {id} is replaced by an empty one: {lost}."
        elif lost and replaced == "Conditional":
            yield f"WARNING: {id} may be replaced by an empty one: {lost}."


def parameter_changes(environment, before):
    """A line for each parameter that will have another value."""
    known = environments.template()["Parameters"]
    for now in before.get("Parameters", []):
        name, was = now["ParameterKey"], now.get("ParameterValue", "")
        default = str(known.get(name, {}).get("Default", ""))
        becomes = environment.parameters.get(name, default)
        if name in known and becomes != was:
            yield f"{name}: {shown(name, was)} becomes {shown(name, becomes)}"


def decide(account, change_set, before, is_sure):
    """Returns only with a yes. Without one, what was begun is taken back, and nothing was done.

    YES=1 was given before anybody knew of a loss, so it does not agree to one.
    """
    loses = any(warnings(changes_of(change_set)))
    if (is_sure and not loses) or (not is_sure and agreed()):
        return
    forget(account, change_set, before)
    raise SystemExit(
        "Nothing was done. YES=1 does not agree to the loss above: if it is wanted, run it without "
        "YES=1, and answer yes."
        if is_sure
        else "Nothing was done."
    )


def agreed():
    """Asks; only a yes is one."""
    try:
        return input("Type yes to carry this out: ").strip() == "yes"
    except (EOFError, KeyboardInterrupt):
        say("")
        return False


def forget(account, change_set, before):
    """Takes back a change set, and the empty stack that one for a new stack makes."""
    account.cloudformation.delete_change_set(ChangeSetName=change_set["ChangeSetId"])
    if not exists(before):
        account.cloudformation.delete_stack(StackName=change_set["StackId"])


def execute(account, change_set, before):
    """Carries a change set out, and waits for its end."""
    stack = change_set["StackId"]
    waiter = "stack_update_complete" if exists(before) else "stack_create_complete"
    account.cloudformation.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    say("AWS is at work.")
    try:
        account.cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=POLL)
    except WaiterError:
        status = account.stack(stack)["StackStatus"]
        for line in failures(account, stack):
            say(line)
        raise SystemExit(f"The stack is {status}; what failed stands above.") from None
    say(styled("Deployed.", "green"))


def failures(account, stack):
    """What failed of the latest deployment, the first first, with AWS's reasons."""
    pages = account.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    found = []
    # The newest first, from the stack's whole life.
    for event in (event for page in pages for event in page["StackEvents"]):
        status = event["ResourceStatus"]
        is_of_stack = event.get("PhysicalResourceId") == event["StackId"]
        if is_of_stack and status in BEGINNINGS:
            break
        if status.endswith("FAILED"):
            reason = event.get("ResourceStatusReason", "no reason given")
            found.append(f"{event['LogicalResourceId']}: {reason}")
    return reversed(found)


def protect(environment, account):
    """Switches the protection from deletion on, where samconfig.toml says so."""
    if environment.termination_protection:
        account.cloudformation.update_termination_protection(
            StackName=environment.stack, EnableTerminationProtection=True
        )
        say(f"{environment.stack} is protected from deletion.")


if __name__ == "__main__":
    main()

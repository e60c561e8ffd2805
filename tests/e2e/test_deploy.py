"""make deploy, with the real AWS CLI, from a fresh clone against the local AWS."""

import io
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, WaiterError
from clones import cloned, described, parameters, run_is_ok, under_way

from common.places import SYNC_TOML
from common.programs import FUNCTIONS
from deploy import deploy, environments
from deploy.deploy import check_status, warnings
from deploy.environments import Environment, Unfit, parameter_problems
from local.stack import Stack

SANDBOX = "partner-sync-sandbox"
PARAMETERS = "infra/environments/sandbox.yaml"
OWN_SYNC_TOML = "infra/environments/sandbox.sync.toml"
PROTECTION = "update-termination-protection --no-enable-termination-protection"
SANDBOX_ID = f"arn:aws:cloudformation:us-east-1:000000000000:stack/{SANDBOX}/1"
PACKAGES = "partner-sync-packages-000000000000-us-east-1"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    with cloned(tmp_path_factory.mktemp("deploy")) as clone:
        yield clone


@pytest.fixture
def written(clone):
    """The clone; what a test writes into its environments is undone."""
    files = [clone.folder / file for file in ("samconfig.toml", PARAMETERS)]
    before = [file.read_text() for file in files]
    yield clone
    for file, text in zip(files, before, strict=True):
        file.write_text(text)
    (clone.folder / OWN_SYNC_TOML).unlink(missing_ok=True)


def test_an_environment_comes_to_a_run_that_ends_ok_and_is_changed_by_a_yes_alone(clone):
    clone.edit(PARAMETERS, "rate(1 hour)", "rate(2 hours)")
    text = clone.succeeds("make deploy ENV=sandbox YES=1")
    assert "Add     Bucket " in text and "StateMachineArn: " in text
    stack = clone.stack(SANDBOX)
    assert parameters(stack)["ScheduleExpression"] == "rate(2 hours)"
    tags = {tag["Key"]: tag["Value"] for tag in described(stack)["Tags"]}
    assert tags == {"project": "partner-sync", "environment": "sandbox"}
    run_is_ok(stack)

    assert "Nothing changes." in clone.succeeds("make deploy ENV=sandbox")

    clone.edit(PARAMETERS, "ScheduleState: DISABLED", "ScheduleState: ENABLED")
    text = clone.refuses("make deploy ENV=sandbox", said="no\n")
    assert "ScheduleState: 'DISABLED' becomes 'ENABLED'" in text and "Nothing was done." in text
    assert parameters(stack)["ScheduleState"] == "DISABLED"
    summaries = stack.cloudformation.list_change_sets(StackName=SANDBOX)["Summaries"]
    assert all(one["ExecutionStatus"] != "AVAILABLE" for one in summaries)
    clone.succeeds("make deploy ENV=sandbox", said="yes\n")
    assert parameters(stack)["ScheduleState"] == "ENABLED"


def test_no_deployment_begins_while_a_run_is_under_way(written):
    written.succeeds("make deploy ENV=sandbox YES=1")
    stack, built = written.stack(SANDBOX), written.built()
    written.edit(PARAMETERS, "ScheduleState: DISABLED", "MaxMarks: 6")
    with under_way(written, stack) as name:
        text = written.refuses("make deploy ENV=sandbox YES=1")
        assert f"{SANDBOX} has a run under way: {name}. Its definition would stay" in text
        stop = next(line for line in text.splitlines() if "stop-execution" in line)
        assert written.built() == built, "it was built before the refusal"
        written.succeeds(stop.strip())
    written.succeeds("make deploy ENV=sandbox YES=1")
    assert parameters(stack)["MaxMarks"] == "6"


def test_production_is_protected_from_deletion_and_a_refused_beginning_leaves_no_stack(clone):
    assert "Nothing was done." in clone.refuses("make deploy ENV=production", said="no\n")
    assert clone.status("partner-sync") is None
    clone.succeeds("make deploy ENV=production YES=1")
    assert "TerminationProtection" in clone.refuses(
        "sam delete --no-prompts --config-env production"
    )
    assert clone.status("partner-sync") == "CREATE_COMPLETE"


def test_the_bucket_for_the_zips_is_encrypted_and_closed(clone):
    clone.run("make deploy ENV=sandbox", said="no\n")
    s3 = Stack(clone.endpoint).s3
    closed = s3.get_public_access_block(Bucket=PACKAGES)["PublicAccessBlockConfiguration"]
    assert len(closed) == 4 and all(closed.values())
    assert s3.get_bucket_encryption(Bucket=PACKAGES)["ServerSideEncryptionConfiguration"]


def test_everything_that_is_wrong_is_named_before_anything_is_built(written):
    (written.folder / PARAMETERS).write_text(
        "ScheduleExpression: hourly\n"
        "ScheduleState: ON\n"
        "MaxMarks: -1\n"
        "MaxMarksPercent: few\n"
        "ProtectedAccountIds: 001400000123456\n"
        "MaxMark: 5\n"
    )
    written.edit("samconfig.toml", f'"{SANDBOX}"', f'"{"x" * 73}"')
    written.edit("samconfig.toml", '"us-east-1"', '"Frankfurt"')
    built = written.built()
    text = written.refuses("make deploy ENV=sandbox YES=1")
    for sentence in (
        "ScheduleExpression: 'hourly' does not fit",
        "ScheduleState: 'ON' is none of ENABLED, DISABLED",
        "MaxMarks: '-1' is less than 0",
        "MaxMarksPercent: 'few' is no number",
        "ProtectedAccountIds: write 001400000123456 in quotes",
        "MaxMark: the template has no such parameter",
        "has 73 characters and may have 72, because its state machine <stack>-starter may have 80",
        "'Frankfurt' is no region of AWS",
    ):
        assert sentence in text
    assert written.built() == built


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"command": "make deploy"}, "make deploy ENV=<name>: there are sandbox, production."),
        ({"command": "make deploy ENV=live"}, "There is no environment live in samconfig.toml"),
        (
            {"without": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]},
            "There are no AWS credentials: sign in with aws sso login and set AWS_PROFILE",
        ),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS does not take the credentials"),
        ({"ARCH": "arm64"}, "ARCH is arm64, and sandbox is deployed for x86_64"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence_before_anything_is_built(clone, what, sentence):
    built = clone.built()
    assert sentence in clone.refuses(**{"command": "make deploy ENV=sandbox", **what})
    assert clone.built() == built


@pytest.mark.parametrize("file", ["infra/environments/sandbox.yaml", "samconfig.toml"])
def test_a_file_that_cannot_be_read_is_named(written, file):
    (written.folder / file).write_text("a: [")
    assert f"{file} cannot be read" in written.refuses("make deploy ENV=sandbox")


@pytest.mark.parametrize(
    ("answer", "agrees"), [("yes\n", True), ("y\n", False), ("no\n", False), ("", False)]
)
def test_only_a_yes_is_a_yes(monkeypatch, answer, agrees):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert deploy.agreed() is agrees


def test_ctrl_c_at_the_question_is_a_no(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert deploy.agreed() is False


class Aws:
    """An account whose CloudFormation answers as a test says, and remembers what was taken back."""

    id, region = "000000000000", "us-east-1"

    def __init__(self, pages=(), unreserved=None, reason=""):
        self.deleted, self.pages, self.unreserved = [], list(pages), unreserved
        self.reason = reason
        self.cloudformation = self.functions = self

    def delete_change_set(self, ChangeSetName):
        self.deleted.append(ChangeSetName)

    def delete_stack(self, StackName):
        self.deleted.append(StackName)

    def create_change_set(self, **_):
        return {"Id": "change-set", "StackId": SANDBOX_ID}

    def get_waiter(self, _):
        def wait(**_):
            raise WaiterError("ChangeSetCreateComplete", "failed", {"StatusReason": self.reason})

        return SimpleNamespace(wait=wait)

    def get_paginator(self, _):
        return SimpleNamespace(paginate=lambda **_: iter(self.pages))

    def get_account_settings(self):
        if self.unreserved is None:
            denied = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(denied, "GetAccountSettings")
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}


class Runs:
    """Step Functions with these runs under way."""

    def __init__(self, *names):
        self.names, self.asked = names, None

    def get_paginator(self, _):
        return self

    def paginate(self, stateMachineArn, statusFilter):
        self.asked = (stateMachineArn, statusFilter)
        return [{"executions": [{"name": name} for name in self.names]}]


MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{SANDBOX}"


def change_set(id, action):
    change = {"ResourceChange": {"LogicalResourceId": id, "Action": action}}
    return {"ChangeSetId": "change-set", "StackId": SANDBOX_ID, "Changes": [change]}


STANDING = {"StackName": SANDBOX, "StackStatus": "UPDATE_COMPLETE"}


@pytest.mark.parametrize("id", sorted(deploy.KEPT))
def test_a_yes_said_beforehand_does_not_agree_to_a_loss(monkeypatch, id):
    monkeypatch.setattr(deploy, "agreed", lambda: pytest.fail("nobody is there to be asked"))
    aws = Aws()
    with pytest.raises(SystemExit, match="run it without YES=1"):
        deploy.decide(aws, change_set(id, "Remove"), STANDING, is_sure=True)
    assert aws.deleted == ["change-set"]
    aws = Aws()
    deploy.decide(aws, change_set(id, "Modify"), STANDING, is_sure=True)
    assert aws.deleted == []


@pytest.mark.parametrize("agrees", [True, False])
def test_who_has_read_of_a_loss_may_agree_to_it(monkeypatch, agrees):
    monkeypatch.setattr(deploy, "agreed", lambda: agrees)
    aws = Aws()
    if agrees:
        deploy.decide(aws, change_set("Bucket", "Remove"), STANDING, is_sure=False)
    else:
        with pytest.raises(SystemExit, match="Nothing was done."):
            deploy.decide(aws, change_set("Bucket", "Remove"), STANDING, is_sure=False)
    assert aws.deleted == ([] if agrees else ["change-set"])


@pytest.mark.parametrize(
    ("before", "left"),
    [
        (None, [SANDBOX_ID]),
        ({**STANDING, "StackStatus": "REVIEW_IN_PROGRESS"}, [SANDBOX_ID]),
        (STANDING, []),
    ],
)
def test_a_change_set_that_aws_refuses_leaves_no_empty_stack(before, left):
    aws, sandbox = Aws(reason="Template format error"), environment()
    with pytest.raises(SystemExit, match="AWS made no change set: Template format error"):
        deploy.create_change_set(sandbox, aws, "https://template", before)
    assert aws.deleted == ["change-set", *left]


def with_machine():
    outputs = [{"OutputKey": "StateMachineArn", "OutputValue": MACHINE}]
    return {**STANDING, "Outputs": outputs}


def test_runs_that_are_under_way_are_named_with_how_to_stop_each():
    aws = Aws()
    aws.stepfunctions = Runs("by-hand", "2026-11-24T06-00Z")
    with pytest.raises(Unfit) as refused:
        deploy.check_runs(environment(), aws, with_machine())
    first, *lines = str(refused.value).splitlines()
    assert "has a run under way: by-hand, 2026-11-24T06-00Z. " in first
    assert [line.rsplit(":", 1)[1] for line in lines] == ["by-hand", "2026-11-24T06-00Z"]
    execution = MACHINE.replace("stateMachine", "execution")
    assert all(f"--execution-arn {execution}:" in line for line in lines)
    assert aws.stepfunctions.asked == (MACHINE, "RUNNING")


@pytest.mark.parametrize(
    "stack", [None, {**STANDING, "StackStatus": "REVIEW_IN_PROGRESS"}, STANDING]
)
def test_a_stack_without_a_state_machine_has_no_runs(stack):
    aws = Aws()
    aws.stepfunctions = Runs("of another stack")
    deploy.check_runs(environment(), aws, stack)
    assert aws.stepfunctions.asked is None


def test_a_run_that_began_meanwhile_ends_the_deployment_just_before_it_counts(monkeypatch):
    aws, executed = Aws(), []
    aws.stepfunctions = Runs()
    aws.stack = lambda _: with_machine()
    steps = {
        "Account": lambda _: aws,
        "check_quota": lambda *_: None,
        "run": lambda _: None,
        "packages": lambda _: "packages",
        "package": lambda *_: "https://template",
        "create_change_set": lambda *_: change_set("Sync", "Modify"),
        "show": lambda *_: None,
        # Somebody starts a run while the question stands.
        "decide": lambda *_: setattr(aws, "stepfunctions", Runs("late")),
        "execute": lambda *_: executed.append(True),
    }
    for name, step in steps.items():
        monkeypatch.setattr(deploy, name, step)
    with pytest.raises(Unfit, match="has a run under way: late"):
        deploy.deploy("sandbox", is_sure=True)
    assert aws.deleted == ["change-set"] and not executed


def environment(**parameters):
    return Environment("sandbox", SANDBOX, "us-east-1", parameters)


def reserving(value, status="UPDATE_COMPLETE"):
    """A stack as it was deployed with a reservation."""
    parameter = {"ParameterKey": "SyncReservedConcurrency", "ParameterValue": value}
    return {**STANDING, "StackStatus": status, "Parameters": [parameter]}


@pytest.mark.parametrize(
    ("parameters", "before", "unreserved", "is_refused"),
    [
        ({}, None, 10, True),
        ({}, None, 100, True),
        ({}, None, 101, False),
        ({"SyncReservedConcurrency": "1"}, reserving("0"), 10, True),
        ({"SyncReservedConcurrency": "1"}, reserving("1"), 10, False),
        ({"SyncReservedConcurrency": "1"}, reserving("1", "REVIEW_IN_PROGRESS"), 10, True),
        ({"SyncReservedConcurrency": "0"}, None, 10, False),
        ({}, None, None, False),
    ],
)
def test_a_quota_that_allows_no_reservation_is_named(parameters, before, unreserved, is_refused):
    said = ""
    try:
        deploy.check_quota(environment(**parameters), Aws(unreserved=unreserved), before)
    except Unfit as refused:
        said = str(refused)
    assert ("SyncReservedConcurrency: 0 in infra/environments/sandbox.yaml" in said) == is_refused


def event(id, status, reason=None):
    """An event as AWS lists it; those of the stack itself have its own id."""
    of_stack = id == SANDBOX
    said = {"ResourceStatusReason": reason} if reason else {}
    return {
        "StackId": SANDBOX_ID,
        "LogicalResourceId": id,
        "PhysicalResourceId": SANDBOX_ID if of_stack else f"{SANDBOX}-{id}",
        "ResourceStatus": status,
        **said,
    }


# The newest first.
UPDATE = [
    event(SANDBOX, "UPDATE_ROLLBACK_COMPLETE"),
    event(SANDBOX, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
    event("Compare", "UPDATE_FAILED", "Resource update cancelled"),
    event("Compare", "UPDATE_IN_PROGRESS"),
    event("Sync", "UPDATE_FAILED", "minimum value of [10]"),
    event("Sync", "UPDATE_IN_PROGRESS"),
]
CREATION = [
    event(SANDBOX, "ROLLBACK_COMPLETE"),
    event("Bucket", "CREATE_FAILED", "already exists"),
]


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (
            [*UPDATE, event(SANDBOX, "UPDATE_IN_PROGRESS"), *CREATION],
            ["Sync: minimum value of [10]", "Compare: Resource update cancelled"],
        ),
        (
            [*CREATION, event(SANDBOX, "CREATE_IN_PROGRESS"), event("Old", "DELETE_FAILED")],
            ["Bucket: already exists"],
        ),
        (
            [*CREATION, event(SANDBOX, "REVIEW_IN_PROGRESS"), event("Old", "DELETE_FAILED")],
            ["Bucket: already exists"],
        ),
    ],
)
def test_only_what_failed_this_time_is_told_the_first_first(history, said):
    pages = [{"StackEvents": history[:4]}, {"StackEvents": history[4:]}]
    assert list(deploy.failures(Aws(pages), SANDBOX)) == said


@pytest.mark.parametrize(
    ("status", "is_protected", "words", "commands"),
    [
        ("ROLLBACK_COMPLETE", False, "its creation failed", ["delete-stack"]),
        ("CREATE_FAILED", True, "its creation failed", [PROTECTION, "delete-stack"]),
        ("DELETE_FAILED", False, "its deletion failed: read why", ["delete-stack"]),
        ("DELETE_FAILED", True, "delete it again", [PROTECTION, "delete-stack"]),
        ("UPDATE_ROLLBACK_FAILED", True, "its way back", ["continue-update-rollback"]),
        ("UPDATE_IN_PROGRESS", False, "wait until it is over", []),
    ],
)
def test_a_stack_that_takes_no_deployment_is_named_with_the_commands(
    status, is_protected, words, commands
):
    stack = {
        "StackName": SANDBOX,
        "StackStatus": status,
        "EnableTerminationProtection": is_protected,
    }
    with pytest.raises(Unfit) as refused:
        check_status(environment(), stack)
    first, *lines = str(refused.value).splitlines()
    assert first.startswith(f"{SANDBOX} is {status}: ") and words in first
    where = f"--stack-name {SANDBOX} --region us-east-1"
    said = [line.strip() for line in lines if " wait " not in line]
    assert said == [f"aws cloudformation {command} {where}" for command in commands]


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", None]
)
def test_a_stack_that_stands_is_deployed_again(status):
    check_status(environment(), status and {**STANDING, "StackStatus": status})


def test_the_address_of_a_person_is_in_no_line():
    secret = "canary@example.org"
    before = {"Parameters": [{"ParameterKey": "NotificationEmail", "ParameterValue": secret}]}
    for email in ("", f"other-{secret}"):
        [line] = deploy.parameter_changes(environment(NotificationEmail=email), before)
        assert line.startswith("NotificationEmail: (an address) becomes ") and secret not in line
    [line] = parameter_problems({"NotificationEmail": f"{secret} {secret}"})
    assert line.startswith("  NotificationEmail: (an address) ") and "canary" not in line


def test_nor_in_that_of_a_file_that_cannot_be_read(written):
    (written.folder / PARAMETERS).write_text("NotificationEmail: 'canary@example.org\n")
    text = written.refuses("make deploy ENV=sandbox")
    assert f"{PARAMETERS} cannot be read: line " in text and "canary" not in text


def test_the_loss_of_what_cannot_be_made_again_is_said_in_words():
    def said(id, action, replacement=None):
        change = {"LogicalResourceId": id, "Action": action}
        return list(warnings([{**change, "Replacement": replacement} if replacement else change]))

    for id in ("Bucket", "LeaseTable"):
        assert "leaves the stack" in said(id, "Remove")[0]
        assert "is replaced by an empty one" in said(id, "Modify", "True")[0]
        assert "may be replaced" in said(id, "Modify", "Conditional")[0]
        assert not said(id, "Modify", "False") and not said(id, "Add")
    assert not said("Sync", "Modify", "True")
    resources = environments.template()["Resources"]
    assert set(deploy.KEPT) <= set(resources)


def test_an_allowed_value_of_every_kind_passes():
    assert not list(
        parameter_problems(
            {
                "ScheduleExpression": "cron(0 6 ? * MON-FRI *)",
                "ScheduleIntervalHours": "0",
                "MaxMarksPercent": "100",
                "NotificationEmail": "",
            }
        )
    )


@pytest.mark.parametrize("name", environments.names())
def test_every_environment_of_the_repository_can_be_deployed(name):
    assert environments.read(name).stack


def test_an_environments_own_sync_toml_is_deployed_and_must_write_to_the_stacks_target(written):
    own = written.folder / OWN_SYNC_TOML
    text = SYNC_TOML.read_text()
    own.write_text(text.replace('name = "global"', 'name = "support"'))
    said = written.refuses("make deploy ENV=sandbox YES=1")
    assert "TargetInstance is global" in said and "writes to support" in said
    own.write_text(f"{text}\n# Of the sandbox.\n")
    written.succeeds("make deploy ENV=sandbox YES=1")
    for name in FUNCTIONS:
        beside = written.folder / "target" / "lambda" / name / "sync.toml"
        assert beside.read_text() == own.read_text()
    assert "Nothing changes." in written.succeeds("make deploy ENV=sandbox YES=1")

"""Both state machines walked by AWS's rules: none loops, none blocks, none ends without a word."""

import copy
import json
import re

import pytest
import walker
from walker import Answer, StateError, arn, substituted, walk

from checks.retries import KILLED_OR_TIMED_OUT, TASKS, TOO_LARGE
from common.template import definitions

ME, OTHER = arn("partner-sync", "run"), arn("partner-sync", "other")
REFERENCE = {"bucket": "b", "key": "k", "sha256": "0", "count": 1}
SUMMARY = {"verdict": "OK", "run_id": "run"}
NOTICE = {
    "subject": "partner-sync: OK",
    "message": "Two marks",
    "forms": '{"default": "Two marks", "email": "Two marks"}',
}
GOOD = {
    "Gather the partner accounts": {"accounts": REFERENCE, "usage": {}},
    "Gather the organizations": {"status": "done", "organizations": REFERENCE, "usage": {}},
    "Compare accounts with organizations": {"plan": REFERENCE, "summary": SUMMARY},
    "Apply the plan": {"status": "done", "summary": SUMMARY},
    "Record the failure": {"cause": "In the stage's own words.", "notice": NOTICE},
    "Record the skipped run": {},
    "Note what was not told": {},
}
GATHERING, SYNCING = "Gather the organizations", "Apply the plan"
TAIL = {"Is there news", "Tell people", "Keep the message", "Note what was not told"}
QUIET = [
    "Check the input",
    "Take the lease",
    "Gather the partner accounts",
    "Gather the organizations",
    "Are all organizations gathered",
    "Compare accounts with organizations",
    "Is it only a plan",
    "Confirm the lease",
    "Apply the plan",
    "Is everything synced",
    "Is there news",
    "Release the lease",
    "Did the run fail",
    "End with the summary",
]


class World:
    """The lease, the holders' states, and what each task answers: `script` by its state's name.

    A list is answered in its order, its last one again and again. What is not scripted goes well.
    """

    def __init__(self, lease=None, holder="SUCCEEDED", **script):
        self.lease, self.holder = lease, holder
        self.script = {name.replace("_", " "): answers for name, answers in script.items()}
        self.held_in = set()

    def scripted(self, state, *answers):
        self.script[state] = list(answers)
        return self

    def __call__(self, state, resource, arguments):
        if self.lease == {"holder": {"S": ME}}:
            self.held_in.add(state)
        if answers := self.script.get(state):
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, StateError):
                raise answer
            return answer if isinstance(answer, Answer) else {"Payload": answer}
        service, action = resource.split(":")[-2:]
        if service == "dynamodb":
            return self.table(action, arguments)
        if action == "describeExecution":
            if isinstance(self.holder, StateError):
                raise self.holder
            return {"ExecutionArn": arguments["ExecutionArn"], "Status": self.holder}
        return {"Payload": GOOD[state]} if service == "lambda" else {"MessageId": "1"}

    def table(self, action, arguments):
        if action == "getItem":
            return {"Item": self.lease} if self.lease is not None else {}
        if not is_met(arguments, self.lease or {}):
            raise StateError("DynamoDB.ConditionalCheckFailedException")
        item = arguments.get("Item")
        self.lease = {"holder": item["holder"]} if item else None
        return {}


def is_met(arguments, item):
    """A condition of the lease, as DynamoDB reads it."""
    values = arguments["ExpressionAttributeValues"]

    def holds(term):
        if found := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
            return found[1] not in item
        if found := re.fullmatch(r"NOT attribute_type\((\w+), (:\w+)\)", term):
            return values[found[2]]["S"] not in item.get(found[1], {})
        attribute, value = re.fullmatch(r"(\w+) = (:\w+)", term).groups()
        return item.get(attribute) == values[value]

    return any(holds(term) for term in arguments["ConditionExpression"].split(" OR "))


MACHINE = substituted(definitions()["StateMachine"], Partition="aws")
STARTER = substituted(definitions()["Starter"], Partition="aws", StateMachine=arn("partner-sync"))


NO_INPUT = {}


def run(world=None, input=NO_INPUT):
    return walk(MACHINE, world or World(), input)


def assert_failed_with_a_report(ended, error):
    """FAILED under this name, with the report, the message and the cause of its own words."""
    assert (ended.status, ended.error) == ("FAILED", error), ended
    [recorded] = ended.called("Record the failure")
    failed = recorded["Payload"]["ended"]["failed"]
    assert failed["error"] == error and isinstance(failed["cause"], str)
    [told] = ended.called("Tell people")
    assert told["Subject"] == NOTICE["subject"]
    assert ended.cause == GOOD["Record the failure"]["cause"]
    assert ended.entered[-3:] == [
        "Release the lease",
        "Did the run fail",
        "Fail with the error's name",
    ]
    return failed["cause"]


# What a run is.


def test_a_quiet_run_goes_straight_through():
    world = World()
    ended = run(world)
    assert (ended.status, ended.output, ended.entered) == ("SUCCEEDED", SUMMARY, QUIET)
    assert (world.lease, ended.events) == (None, 51)


def test_a_plan_releases_the_lease_and_tells_nobody():
    ended = run(input={"mode": "plan"})
    assert (ended.status, ended.output) == ("SUCCEEDED", SUMMARY)
    assert ended.entered[-3:] == ["Release the lease", "Did the run fail", "End with the summary"]
    assert not TAIL & set(ended.entered)


DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize("number", [0, 1, 4])
def test_up_to_four_digests_may_be_approved(number):
    assert run(input={"approve": [DIGEST] * number}).status == "SUCCEEDED"


REFUSED = [
    {"approve": [DIGEST] * 5},
    {"approve": [DIGEST] * 3440},
    {"approve": DIGEST},
    {"approve": [DIGEST, 1]},
    {"approve": [[DIGEST]]},
    {"approve": None},
    {"approve": {"0": DIGEST}},
    {"mode": "Plan"},
    {"mode": None},
    {"mode": ["plan"]},
    {"note": ""},
    {"note": "x" * 201},
    {"note": "two\nlines"},
    {"approved_by": 1},
    {"more": 1},
    [],
    [{}],
    "x",
    1,
    None,
]


@pytest.mark.parametrize("input", REFUSED, ids=lambda one: json.dumps(one)[:40])
def test_any_other_input_is_refused_before_anything_is_taken(input):
    ended = run(input=input)
    assert (ended.status, ended.error) == ("FAILED", "Sync.Input")
    assert ended.entered == ["Check the input", "Refuse the input"]


def test_a_name_that_can_be_no_run_id_is_refused():
    for name in ("team+one", "t\u00e4glich", ".hidden"):
        ended = walk(MACHINE, World(), {}, name)
        assert ended.entered == ["Check the input", "Refuse the name"]


# Failures: of each task, with each kind of error.

ERRORS = [
    "Sync.Throttled",
    "Sync.Transient",
    "Sync.Auth",
    "Sync.Bug",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    *KILLED_OR_TIMED_OUT,
    "DynamoDB.ProvisionedThroughputExceededException",
    "States.Permissions",
    "Somebody.Else",
]
LAMBDAS = [name for name, state in MACHINE["States"].items() if "lambda" in str(state)]
STAGES = [name for name, meant in TASKS.items() if "Record the failure" in meant.then.values()]


def before(state):
    """A world in which a state is reached."""
    if state in ("Read the lease", "Look at the holder", "Take over the lease"):
        return World(lease={"holder": {"S": OTHER}})
    return World()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("state", STAGES)
def test_whatever_fails_the_run_ends_with_its_report_its_message_and_no_lease(state, error):
    world = before(state).scripted(state, StateError(error, "why"))
    ended = run(world)
    assert ended.called(state), "the state was not reached"
    assert assert_failed_with_a_report(ended, error) == "why"
    assert (world.lease or {}).get("holder") != {"S": ME}
    assert ended.events < 1000


@pytest.mark.parametrize("state", [one for one in STAGES if one in LAMBDAS])
def test_an_answer_that_is_too_large_is_a_failure_with_a_report(state):
    ended = run(World().scripted(state, {"status": "done", "junk": "x" * 256 * 1024}))
    assert_failed_with_a_report(ended, TOO_LARGE)


@pytest.mark.parametrize("state", [one for one in STAGES if one in LAMBDAS])
@pytest.mark.parametrize("error", KILLED_OR_TIMED_OUT)
def test_a_stage_that_was_killed_is_tried_again(state, error):
    ended = run(World().scripted(state, *[StateError(error)] * 5, GOOD[state]))
    assert (ended.status, len(ended.called(state))) == ("SUCCEEDED", 6)


@pytest.mark.parametrize("error", KILLED_OR_TIMED_OUT)
def test_the_stage_that_records_a_failure_is_tried_again_if_it_was_killed(error):
    recorded = GOOD["Record the failure"]
    world = World().scripted("Apply the plan", StateError("Sync.Auth", "why"))
    ended = run(world.scripted("Record the failure", *[StateError(error)] * 3, recorded))
    assert (len(ended.called("Record the failure")), ended.cause) == (4, recorded["cause"])


BAD_RECORDS = [
    StateError("Sync.Bug"),
    StateError("States.Timeout"),
    None,
    [],
    "x",
    {},
    {"cause": None, "notice": None},
    {"cause": 1, "notice": {}},
    {"notice": {"subject": "s"}},
    {"notice": {"subject": None, "message": "m"}},
    {"cause": "x" * 256 * 1024},
]


@pytest.mark.parametrize("answer", BAD_RECORDS, ids=lambda one: str(one)[:40])
def test_a_failure_that_cannot_be_recorded_keeps_its_name_and_frees_the_lease(answer):
    world = World().scripted("Apply the plan", StateError("Sync.Auth", "why"))
    ended = run(world.scripted("Record the failure", answer))
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "Sync.Auth", "why")
    assert world.lease is None and not ended.called("Tell people")


def test_a_failure_without_a_cause_has_one():
    world = World().scripted("Apply the plan", StateError("Sync.Auth", None))
    ended = run(world.scripted("Record the failure", StateError("Sync.Bug")))
    assert (ended.error, ended.cause) == ("Sync.Auth", "See the execution history.")


# Answers that are none.

NO_ANSWERS = [
    None,
    [],
    {},
    "done",
    7,
    {"status": None},
    {"status": "Done"},
    {"status": 1},
    {"status": ["done"]},
    {"status": "x" * 1000},
    {"status": "done"},
    {"status": "done", "summary": None, "organizations": None},
    {"status": "done", "summary": "x", "organizations": "x", "usage": {}},
    {"status": "wait"},
    *({"status": "wait", "wait_seconds": one} for one in (None, "6", 0, -1, 1.5, 901, 1e9, {}, [])),
]


@pytest.mark.parametrize(("state", "stage"), [(GATHERING, "gather-orgs"), (SYNCING, "sync")])
@pytest.mark.parametrize("answer", NO_ANSWERS, ids=lambda one: json.dumps(one)[:50])
def test_what_is_no_answer_is_a_failure_that_names_the_stage(state, stage, answer):
    world = World().scripted(state, answer)
    ended = run(world)
    cause = assert_failed_with_a_report(ended, "Sync.Contract")
    assert cause.startswith(f"{stage} answered ") and "Deploy again" in cause
    assert len(ended.called(state)) == 1 and world.lease is None
    assert len(cause) < 600


@pytest.mark.parametrize(("state", "stage"), [(GATHERING, "gather-orgs"), (SYNCING, "sync")])
def test_the_failure_shows_the_status_and_nothing_else_of_the_answer(state, stage):
    ended = run(World().scripted(state, {"status": "finished", "name": "Nova Linden"}))
    cause = assert_failed_with_a_report(ended, "Sync.Contract")
    assert cause.startswith(f'{stage} answered "finished", ') and "Linden" not in cause


@pytest.mark.parametrize(
    ("state", "stage", "answers"),
    [
        (
            "Gather the partner accounts",
            "gather-accounts",
            [None, {}, {"accounts": REFERENCE}, {"usage": {}}, "x"],
        ),
        (
            "Compare accounts with organizations",
            "compare",
            [None, {}, {"plan": REFERENCE}, {"summary": SUMMARY}, 1],
        ),
        (GATHERING, "gather-orgs", [{"status": "done", "organizations": REFERENCE}]),
    ],
)
def test_an_answer_that_lacks_what_comes_next_is_a_failure_that_names_the_stage(
    state, stage, answers
):
    for answer in answers:
        ended = run(World().scripted(state, answer))
        cause = assert_failed_with_a_report(ended, "Sync.Contract")
        assert cause.startswith(f"{stage} answered ") and "Deploy again" in cause


@pytest.mark.parametrize("state", [GATHERING, SYNCING])
@pytest.mark.parametrize("answer", [{"status": "continue"}, {"status": "wait", "wait_seconds": 1}])
def test_no_answer_leads_to_the_limit_of_events(state, answer):
    """However fast the answers come, and whatever their number."""
    ended = run(World().scripted(state, answer))
    assert_failed_with_a_report(ended, "Sync.Contract")
    assert len(ended.called(GATHERING)) + len(ended.called(SYNCING)) == 1750
    assert ended.events < walker.MOST_EVENTS - 300 and ended.seconds < 10_800


def test_the_shortest_waits_of_a_whole_run_stay_below_the_limit_of_events():
    """JobsPerPause 1, PauseSeconds 1 and a million updates: 6 s for 3 h less 10 minutes."""
    wait = {"status": "wait", "wait_seconds": 6}
    world = World()
    world.script[SYNCING] = [wait] * (10_200 // 6) + [GOOD[SYNCING]]
    ended = run(world)
    assert (ended.status, ended.seconds) == ("SUCCEEDED", 10_200)
    assert 23_000 < ended.events < walker.MOST_EVENTS - 1000


@pytest.mark.parametrize("state", [GATHERING, SYNCING])
def test_no_wait_is_shorter_than_six_seconds_whatever_the_stage_says(state):
    for said, waited in ((1, 6), (6, 6), (30, 30), (900, 900)):
        wait = {"status": "wait", "wait_seconds": said}
        ended = run(World().scripted(state, wait, GOOD[state]))
        assert (ended.status, ended.seconds) == ("SUCCEEDED", waited)


def test_a_stage_that_goes_on_is_called_again_at_once():
    ended = run(World().scripted(SYNCING, {"status": "continue"}, GOOD[SYNCING]))
    assert (ended.status, ended.seconds, len(ended.called(SYNCING))) == ("SUCCEEDED", 0, 2)
    assert len(ended.called("Confirm the lease")) == 2


# The lease.

FREE = [
    {},
    {"holder": {"S": ""}},
    {"holder": {"NULL": True}},
    {"holder": {"N": "1"}},
    {"taken_at": {"S": "x"}},
]


@pytest.mark.parametrize("lease", FREE, ids=str)
def test_a_lease_that_names_nobody_is_taken_at_once(lease):
    world = World(lease)
    ended = run(world)
    assert (ended.status, ended.entered, world.lease) == ("SUCCEEDED", QUIET, None)


NOBODYS = ["x", "arn:aws:states", ME.replace("partner-sync", "another"), ME[: -len("run")][:-1]]


@pytest.mark.parametrize("holder", NOBODYS)
def test_a_holder_that_is_no_execution_of_this_machine_is_replaced(holder):
    world = World({"holder": {"S": holder}})
    ended = run(world)
    assert ended.status == "SUCCEEDED" and "Take over the lease" in ended.entered
    assert not ended.called("Look at the holder") and world.lease is None


GONE = StateError("Sfn.ExecutionDoesNotExistException")
LARGE = StateError(TOO_LARGE)


@pytest.mark.parametrize(
    ("holder", "looks"),
    [("SUCCEEDED", 1), ("FAILED", 1), ("ABORTED", 1), ("TIMED_OUT", 1), (GONE, 3), (LARGE, 1)],
    ids=str,
)
def test_a_holder_that_has_ended_or_cannot_be_described_gives_way(holder, looks):
    ended = run(World({"holder": {"S": OTHER}}, holder))
    assert ended.status == "SUCCEEDED" and "Take over the lease" in ended.entered
    assert len(ended.called("Look at the holder")) == looks
    [gathered] = ended.called("Gather the partner accounts")
    assert gathered["Payload"]["lease_taken_from"] == OTHER


def test_a_running_holder_keeps_the_lease():
    world = World({"holder": {"S": OTHER}}, "RUNNING")
    ended = run(world)
    assert ended.output == {"verdict": "SKIPPED", "run_id": "run", "mode": "apply", "holder": OTHER}
    assert world.lease == {"holder": {"S": OTHER}} and not ended.called("Release the lease")


@pytest.mark.parametrize("answer", [StateError("Sync.Bug"), "x" * 256 * 1024], ids=["bug", "size"])
def test_a_skipped_run_that_cannot_be_recorded_is_skipped(answer):
    world = World({"holder": {"S": OTHER}}, "RUNNING")
    ended = run(world.scripted("Record the skipped run", answer))
    assert ended.output["verdict"] == "SKIPPED"


LOST = StateError("DynamoDB.ConditionalCheckFailedException")


@pytest.mark.parametrize("state", ["Take the lease", "Take over the lease"])
def test_a_lease_that_changes_hands_again_and_again_is_left_after_ten_looks(state):
    world = World({"holder": {"S": OTHER}} if "over" in state else None)
    ended = run(world.scripted(state, LOST))
    cause = assert_failed_with_a_report(ended, "Sync.Incomplete")
    assert "ten times" in cause and len(ended.called("Read the lease")) == 11
    assert not ended.called("Gather the partner accounts")


def test_nothing_is_read_of_the_lease_but_its_holder():
    ended = run(World({"holder": {"S": OTHER}}))
    [read] = ended.called("Read the lease")
    assert read["ProjectionExpression"] == "holder"


def test_a_run_that_lost_its_lease_leaves_it_to_the_other_one():
    world = World().scripted("Confirm the lease", LOST)
    released = copy.copy(LOST)
    ended = run(world.scripted("Release the lease", released))
    assert "another one took it over" in assert_failed_with_a_report(ended, "Sync.Incomplete")
    assert not ended.called("Apply the plan")


# Telling people.

NEWS = {"status": "done", "summary": SUMMARY, "notice": NOTICE}
FAILED = StateError("Sync.Auth", "why")
UNSENT = StateError("SNS.InvalidParameterException", "no such form")


def news(of):
    """A run that ends well or fails, with something to tell."""
    return World().scripted(SYNCING, NEWS if of == "OK" else FAILED)


def assert_not_spoiled(ended, of, world):
    if of == "OK":
        assert (ended.status, ended.output) == ("SUCCEEDED", SUMMARY)
    else:
        assert (ended.error, ended.cause) == ("Sync.Auth", GOOD["Record the failure"]["cause"])
    assert world.lease is None


@pytest.mark.parametrize("of", ["OK", "FAILED"])
def test_people_are_told_in_each_form_while_the_lease_is_held(of):
    world = news(of)
    ended = run(world)
    [told] = ended.called("Tell people")
    assert told == {
        "TopicArn": "Notifications",
        "Subject": NOTICE["subject"],
        "MessageStructure": "json",
        "Message": NOTICE["forms"],
    }
    assert "Tell people" in world.held_in and not ended.called("Keep the message")
    assert_not_spoiled(ended, of, world)


@pytest.mark.parametrize("of", ["OK", "FAILED"])
def test_a_message_that_cannot_be_sent_is_kept_and_noted_and_spoils_nothing(of):
    world = news(of).scripted("Tell people", UNSENT)
    ended = run(world)
    [kept] = ended.called("Keep the message")
    assert kept["QueueUrl"] == "ScheduleFailures"
    assert kept["MessageBody"] == {
        "not_sent": ME,
        "at": kept["MessageBody"]["at"],
        "subject": NOTICE["subject"],
        "message": NOTICE["message"],
        "failure": {"Error": UNSENT.error, "Cause": UNSENT.cause},
    }
    [noted] = ended.called("Note what was not told")
    untold = {"subject": NOTICE["subject"], "message": NOTICE["message"]}
    assert noted["Payload"]["ended"] == {"untold": untold}
    assert noted["FunctionName"] == "Compare" and noted["Payload"]["task"] == "record"
    assert {"Keep the message", "Note what was not told"} <= world.held_in
    assert_not_spoiled(ended, of, world)


@pytest.mark.parametrize("of", ["OK", "FAILED"])
@pytest.mark.parametrize("state", ["Keep the message", "Note what was not told"])
@pytest.mark.parametrize("error", ERRORS)
def test_what_fails_in_the_tail_spoils_nothing(of, state, error):
    world = news(of).scripted("Tell people", UNSENT).scripted(state, StateError(error))
    ended = run(world)
    assert ended.called(state) and len(ended.called("Note what was not told")) >= 1
    assert_not_spoiled(ended, of, world)


def test_a_note_with_too_large_an_answer_spoils_nothing():
    world = news("OK").scripted("Tell people", UNSENT)
    ended = run(world.scripted("Note what was not told", "x" * 256 * 1024))
    assert_not_spoiled(ended, "OK", world)


@pytest.mark.parametrize("of", ["OK", "FAILED"])
@pytest.mark.parametrize("error", ["DynamoDB.SomethingException", LOST.error, "States.Timeout"])
def test_a_lease_that_cannot_be_released_spoils_nothing(of, error):
    world = news(of).scripted("Release the lease", StateError(error))
    ended = run(world)
    world.lease = None
    assert_not_spoiled(ended, of, world)


@pytest.mark.parametrize("forms", [{}, {"forms": None}, {"forms": {"default": "x"}}], ids=str)
def test_a_notice_without_forms_is_told_as_its_text(forms):
    """A stage of an earlier release may still answer under this definition."""
    notice = {"subject": NOTICE["subject"], "message": 'Two "marks"\nhttps://x'}
    ended = run(World().scripted(SYNCING, NEWS | {"notice": notice | forms}))
    [told] = ended.called("Tell people")
    assert json.loads(told["Message"]) == {"default": notice["message"]}


@pytest.mark.parametrize(
    "notice", [None, {}, [], "x", {"subject": "s"}, {"message": "m", "subject": 1}], ids=str
)
def test_a_notice_that_is_none_is_not_told(notice):
    ended = run(World().scripted(SYNCING, NEWS | {"notice": notice}))
    assert ended.status == "SUCCEEDED" and not ended.called("Tell people")


# The starter.

NAME = "2026-11-30T06-00Z"
TAKEN = StateError("Sfn.ExecutionAlreadyExistsException")


class Starting:
    """Answers the starter's tasks."""

    def __init__(self, *answers):
        self.answers, self.kept = list(answers), []

    def __call__(self, state, _, arguments):
        if state == "Keep the failure":
            self.kept.append(arguments["MessageBody"])
            return {}
        answer = self.answers.pop(0) if len(self.answers) > 1 else (self.answers or [None])[0]
        if isinstance(answer, StateError):
            raise answer
        return {"ExecutionArn": arn("partner-sync", arguments["Name"]), "StartDate": "x"}


@pytest.mark.parametrize(
    ("input", "name"), [({}, NAME), ({"mode": "apply"}, NAME), ({"mode": "plan"}, f"{NAME}-plan")]
)
@pytest.mark.parametrize("answers", [[], [TAKEN]], ids=["new", "taken"])
def test_the_starter_passes_the_mode_on_and_says_which_run_there_is(input, name, answers):
    ended = walk(STARTER, Starting(*answers), input)
    [asked] = ended.called("Start the run")
    assert (asked["Name"], json.loads(asked["Input"])) == (name, input)
    assert asked["StateMachineArn"] == arn("partner-sync")
    assert (ended.status, ended.output) == (
        "SUCCEEDED",
        {"execution": arn("partner-sync", name), "name": name, "started": not answers},
    )


def test_the_schedule_starts_a_run_with_an_empty_input():
    [asked] = walk(STARTER, Starting(), {}).called("Start the run")
    assert asked["Input"] == "{}"


NOT_STARTED = [
    *REFUSED,
    {"approve": [DIGEST]},
    {"approve": []},
    {"mode": "plan", "note": "x"},
    {"approved_by": "Ann"},
    {"mode": ""},
]


@pytest.mark.parametrize("input", NOT_STARTED, ids=lambda one: json.dumps(one)[:40])
def test_the_starter_approves_nothing_and_takes_nothing_but_a_mode(input):
    ended = walk(STARTER, Starting(), input)
    assert (ended.status, ended.error) == ("FAILED", "Sync.Input")
    assert arn("partner-sync") in ended.cause and "approve" in ended.cause
    assert ended.calls == []


@pytest.mark.parametrize("error", ERRORS)
def test_a_start_that_fails_is_kept(error):
    starting = Starting(StateError(error, "why"))
    ended = walk(STARTER, starting, {})
    assert (ended.status, ended.error) == ("FAILED", error)
    assert [one["failure"] for one in starting.kept] == [{"Error": error, "Cause": "why"}]


def test_a_start_that_fails_for_a_while_is_tried_again():
    ended = walk(STARTER, Starting(*[StateError("Sfn.SomeException")] * 6, None), {})
    assert ended.status == "SUCCEEDED" and len(ended.called("Start the run")) == 7

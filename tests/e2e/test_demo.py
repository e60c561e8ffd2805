"""make demo, demo-held and demo-release as a person runs them, and interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from common import answers
from common.places import ROOT, TARGET
from common.template import definitions
from local import release
from local.ending import next_purge
from local.standins import standins


def demo(folder, *arguments, module="local.demo"):
    env = {
        **os.environ,
        "PARTNER_SYNC_DEMO": str(folder),
        "PYTHONPATH": str(ROOT / "infra"),
        # As make demo does.
        "PROGRAMS": str(TARGET / "debug"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Tests that run in the background have Ctrl-C switched off; the demo's user does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def below(folder):
    """Processes that name the demo's folder in their command or environment, except this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in texts and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def ran(folder, *arguments, **how):
    """What a command said that came to a good end."""
    child = demo(folder, *arguments, **how)
    told, _ = child.communicate(timeout=180)
    assert child.returncode == 0, told
    return told


def report(told):
    """The report's path, from the address that is the last line."""
    [address] = re.findall(r"^Report: (file:///.*)\Z", told.strip(), re.M)
    return Path(url2pathname(urlsplit(address).path))


def last_screen(told):
    """What a person sees of the last run: from its table to the report's address."""
    return told.rpartition(" in all.\n\n")[2].splitlines()


def test_the_third_demo_writes_nothing_and_a_run_of_it_can_be_replayed(tmp_path):
    told = ran(tmp_path)
    assert "Verdict: HELD. What is held waits for a person's approval" in told, told
    assert "Held: 1 unexplained mark. The limit is 0." in told, told
    for kind, *numbers in (
        ("creates", 3, 3, 0),
        ("updates", 19, 19, 0),
        ("un-marks among them", 1),
        ("marks for deletion", 2, 2, 0),
        ("unexplained marks", 1, 0, 1),
    ):
        assert re.search(rf"{kind} +{' +'.join(map(str, numbers))}\b", told), kind
    assert "2 retained, 1 waiting, 1 unlinked, 1 merged, 1 exempt, 0 skipped, 1 conflict\n" in told
    for answered in (
        r"Is the input in order\? +yes",
        r"Gather the organizations +█{16} 62 pages in ",
        r"182 partner organizations on all instances",
        r"3 creates, 19 updates \(1 un-mark\), 2 marks, 1 unexplained\n +of 174 partner",
        r"Is it only a plan\? +no",
        r"Apply the plan +3 created, 19 updated, 2 marked\n",
        r"Is everything synced\? +yes",
    ):
        assert re.search(answered, told), answered
    path = report(told)
    page = path.read_text()
    for words in ("Waiting", "Unlinked", "Deferred", "Unexplained", "Merged accounts", "Exempt"):
        assert words in page, words

    told = ran(tmp_path)
    assert "1 update, 0 marks" in told, "the deferred rename"

    told = ran(tmp_path)
    assert "0 creates, 0 updates, 0 marks, 1 unexplained" in told and "\x1b" not in told, told

    replayed = ran(tmp_path, path.parent.name, module="local.replay")
    assert replayed.count("the same, byte for byte") == 4, replayed


def test_the_command_of_a_held_run_releases_exactly_what_the_demo_shows_as_held(tmp_path):
    first_hours = ran(tmp_path, "held")
    assert "its first run comes first" in first_hours
    assert first_hours.count("Verdict: HELD") == 3 and "15 organizations wait" in first_hours
    screen = last_screen(first_hours)
    # The last two lines are addresses, as long as the folder's is.
    assert len(screen) < 40 and max(map(len, screen[:-2])) <= 100, "\n".join(screen)
    rows = [line for line in screen if "Partner status is Terminated; last changed" in line]
    assert len(rows) == 10 and "  and 5 more, all of them in the report" in screen
    plan = json.loads((report(first_hours).parent / "plan.json").read_text())
    command = re.sub(r" \\\n +", " ", "\n".join(screen))
    assert plan["release"] in re.sub(r'",\n +"', '", "', command)

    next_hour = ran(tmp_path, "held")
    assert next_hour.count("Verdict: ") == next_hour.count("Verdict: HELD") == 1, next_hour

    released = ran(tmp_path, "release")
    assert f"word for word:\n{plan['release']}\n" in released, "nothing has changed in an hour"
    for kind, number in (("marks for deletion", 15), ("unexplained marks", 1)):
        assert re.search(rf"{kind} +{number} +{number} +0\b", released), released
    assert "Verdict: OK" in released
    assert re.search(r"On Saturday \d{4}-\d\d-\d\d 00:45 UTC another job would delete", released)
    assert "Verdict: NOTHING_TO_DO" in ran(tmp_path)


def test_a_release_without_a_held_run_holds_one_first(tmp_path):
    told = ran(tmp_path, "release")
    assert re.findall("Verdict: (\\w+)", told) == ["HELD", "HELD", "HELD", "OK"]


@pytest.mark.parametrize(
    "command",
    [
        "aws stepfunctions start-execution --state-machine-arn other --input {}",
        "aws stepfunctions start-execution --state-machine-arn deployed --input {} --name n",
        "aws stepfunctions start-execution --state-machine-arn deployed",
        "aws stepfunctions stop-execution --state-machine-arn deployed --input {}",
    ],
)
def test_a_command_that_does_not_say_what_a_release_says_is_not_done(command):
    with pytest.raises(release.Refused):
        release.read(command, SimpleNamespace(state_machine="deployed"))


def test_a_release_is_done_with_the_words_of_the_command():
    command = (
        "aws stepfunctions start-execution --region eu-west-1 --state-machine-arn deployed "
        '--input \'{"approve": ["sha256:0"]}\''
    )
    said = release.read(command, SimpleNamespace(state_machine="deployed"))
    assert (said.region, said.input) == ("eu-west-1", '{"approve": ["sha256:0"]}')


def test_every_choice_of_the_state_machine_has_its_answers():
    for name, state in definitions()["StateMachine"]["States"].items():
        ways = {way["Next"] for way in state.get("Choices", [])} | {state.get("Default")} - {None}
        if state["Type"] == "Choice":
            assert ways == set(answers.BY_NEXT[name]), name


def test_the_purge_is_the_next_saturday_a_quarter_to_one():
    for now, purge in (
        ("2026-11-23T02:00Z", "2026-11-28"),
        ("2026-11-27T23:59Z", "2026-11-28"),
        ("2026-11-28T00:44Z", "2026-11-28"),
        ("2026-11-28T00:45Z", "2026-12-05"),
    ):
        assert next_purge(datetime.fromisoformat(now)).isoformat()[:16] == f"{purge}T00:45", now


def hold_still(folder):
    """Leaves the demo a world in which Salesforce never answers the query."""
    query = {"host": "salesforce", "method": "GET", "path": "/services/data"}
    with standins(folder) as remote:
        world = remote.state()
    world["faults"] = [{**query, "skip": 0, "times": 0, "act": {"kind": "hang_before"}}]
    (folder / "world.json").write_text(json.dumps(world))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_leaves_nothing_running(tmp_path, number, status):
    hold_still(tmp_path)
    child = demo(tmp_path)
    seen = read_until(child.stdout, "Gather the partner accounts")
    child.send_signal(number)
    rest, _ = child.communicate(timeout=60)
    assert child.returncode == status, seen + rest
    until = time.monotonic() + 10
    while below(tmp_path):
        assert time.monotonic() < until, below(tmp_path)
        time.sleep(0.1)


def read_until(output, text):
    """The output up to this text, which may stand in a line that is not at its end yet."""
    seen = ""
    while not seen.endswith(text) and (more := output.read(1)):
        seen += more
    return seen

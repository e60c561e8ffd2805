"""make demo as a person runs it: twice, and interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from local.processes import ROOT
from local.standins import standins


def demo(folder, *arguments, module="local.demo"):
    env = {**os.environ, "PARTNER_SYNC_DEMO": str(folder), "PYTHONPATH": str(ROOT / "infra")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Who runs the tests in the background has Ctrl-C switched off; the demo's user has not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def below(folder):
    """Processes that name the demo's folder in their command or environment, but for this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in texts and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def test_the_third_demo_has_nothing_to_do_and_a_run_of_it_can_be_replayed(tmp_path):
    first = demo(tmp_path)
    told, _ = first.communicate(timeout=180)
    assert first.returncode == 0 and "Verdict: OK" in told, told
    for number, kind in (
        (3, "creates"),
        (19, "updates"),
        (1, "un-marks among them"),
        (2, "marks for deletion"),
        (2, "retained"),
        (1, "waiting"),
        (1, "unlinked"),
        (1, "conflicts"),
    ):
        assert re.search(rf"{kind} +{number}\b", told), kind
    path = Path(re.search(r"^Report: (.*)$", told, re.M).group(1))
    page = path.read_text()
    for words in ("What to do now", "Waiting", "Unlinked", "Deferred"):
        assert words in page, words

    second = demo(tmp_path)
    told, _ = second.communicate(timeout=180)
    assert second.returncode == 0 and "Verdict: OK" in told, told
    assert re.search(r"updates +1 +1\b", told), "the deferred rename"

    third = demo(tmp_path)
    told, _ = third.communicate(timeout=180)
    assert third.returncode == 0 and "Verdict: NOTHING_TO_DO" in told, told

    replayed = demo(tmp_path, path.parent.name, module="local.replay")
    told, _ = replayed.communicate(timeout=60)
    assert replayed.returncode == 0 and told.count("the same, byte for byte") == 4, told


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
    seen = [line for line in iter_until(child.stdout, "Gather the partner accounts")]
    child.send_signal(number)
    rest, _ = child.communicate(timeout=60)
    assert child.returncode == status, "".join(seen) + rest
    until = time.monotonic() + 10
    while below(tmp_path):
        assert time.monotonic() < until, below(tmp_path)
        time.sleep(0.1)


def iter_until(lines, text):
    """The lines up to the one with this text."""
    for line in lines:
        yield line
        if text in line:
            return

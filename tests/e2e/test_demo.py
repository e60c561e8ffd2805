"""make demo as a person runs it: twice, and interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from local.processes import ROOT


def demo(folder, *arguments, module="local.demo"):
    env = {**os.environ, "PARTNER_SYNC_DEMO": str(folder), "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def below(folder):
    """Processes that name the demo's folder in their command or environment, this one's tests aside."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in texts and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def test_the_second_demo_has_nothing_to_do_and_a_run_of_it_can_be_replayed(tmp_path):
    first = demo(tmp_path)
    told, _ = first.communicate(timeout=180)
    assert first.returncode == 0 and "Verdict: OK" in told, told
    for number, kind in (
        (3, "creates"),
        (18, "updates"),
        (1, "un-marks among them"),
        (2, "marks for deletion"),
        (2, "retained"),
        (1, "conflicts"),
    ):
        assert re.search(rf"{kind} +{number}\b", told), kind
    path = Path(re.search(r"^Report: (.*)$", told, re.M).group(1))
    assert "What to do now" in path.read_text()

    second = demo(tmp_path)
    told, _ = second.communicate(timeout=180)
    assert second.returncode == 0 and "Verdict: NOTHING_TO_DO" in told, told

    replayed = demo(tmp_path, path.parent.name, module="local.replay")
    told, _ = replayed.communicate(timeout=60)
    assert replayed.returncode == 0 and told.count("the same, byte for byte") == 4, told


def test_an_interrupted_demo_leaves_nothing_running(tmp_path):
    for number in (signal.SIGINT, signal.SIGTERM):
        child = demo(tmp_path)
        for line in child.stdout:
            if "Gather the partner accounts" in line:
                break
        child.send_signal(number)
        child.communicate(timeout=60)
        assert child.returncode in (130, 143)
        until = time.monotonic() + 10
        while below(tmp_path):
            assert time.monotonic() < until, below(tmp_path)
            time.sleep(0.1)

"""The same four stages through `cargo lambda watch` and `cargo lambda invoke`."""

import json
import os
import socket
import subprocess
import urllib.request

import pytest

from common.places import BIN
from common.programs import FUNCTIONS
from local.standins import Standins
from local.watch import (
    ANSWERED_BY,
    EVENTS,
    invoke,
    loopback,
    names,
    payload,
    refresh_events,
    refuse_if_taken,
    stage_of,
    watching,
    write_event,
    write_events,
)

# Cargo-lambda takes no port from the system: this one, at an address that no other process has.
PORT = 9000
# Something of what is answered to each event.
ANSWERS = {
    "gather-accounts": {"accounts", "usage"},
    "gather-orgs": {"status"},
    "compare": {"plan", "summary"},
    "compare-failed": {"cause"},
    "compare-skipped": set(),
    "compare-untold": set(),
    "sync": {"status"},
}


def own_loopback():
    """An address of loopback for this process alone."""
    high, middle, low = os.getpid().to_bytes(3)
    return f"127.{64 + high}.{middle}.{low}"


def test_the_stages_run_one_by_one(tmp_path, monkeypatch):
    address = own_loopback()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, f"{os.environ.get(name, '')},{address}")
    with watching(tmp_path, address, PORT) as session:
        events = tmp_path / "events"
        write_events(session, events, invoke)
        outputs = {}
        for function in FUNCTIONS:
            outputs[function] = invoke(session, function)
        summary = outputs["sync"]["summary"]
        assert summary["verdict"] == "HELD", "one mark is unexplained"
        assert summary["applied"] == {
            "created": 3,
            "updated": 19,
            "marked": 2,
            "failed": 0,
            "unknown": 0,
            "drifted": 0,
        }
        remote = Standins(session["standins"])
        assert len([call for call in remote.log() if call["method"] == "PUT"]) == 3
        urllib.request.urlopen(remote.control + "/log").close()
        for name in reversed(names()):
            answer = typed(session, stage_of(name), events / f"{name}.json")
            assert ANSWERS[name] <= answer.keys(), f"{name}: {answer}"
        # They name neither a document of a store nor a start that may be too old.
        for name in ("gather-accounts", "compare-failed", "compare-skipped", "compare-untold"):
            answer = typed(session, stage_of(name), EVENTS / f"{name}.json")
            assert ANSWERS[name] <= answer.keys(), f"{name}: {answer}"


def typed(session, function, event):
    """What a user of cargo-lambda types, with the port of this test."""
    where = ["--invoke-port", str(session["port"])]
    if session["address"] != "::1":
        where += ["--invoke-address", session["address"]]
    command = [BIN / "cargo-lambda", "lambda", "invoke", function, "--data-file", event, *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=330)
    assert done.returncode == 0, f"{function}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def test_a_port_that_is_taken_is_named_with_what_to_do():

    address = loopback()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port}, .*INVOKE_PORT={port + 10} make watch"):
            refuse_if_taken(address, port)


def test_events_start_anew_and_keep_all_else(tmp_path):
    old = {"run_id": "run", "started_at": "2026-01-01T00:00:00+00:00", "plan": {"key": "plan.json"}}
    write_event(tmp_path / "sync.json", old)
    write_event(tmp_path / "gather-accounts.json", {"run_id": "run"})
    refresh_events(tmp_path)
    new = json.loads((tmp_path / "sync.json").read_text())
    assert new["started_at"] > old["started_at"]
    assert {**new, "started_at": old["started_at"]} == old
    assert json.loads((tmp_path / "gather-accounts.json").read_text()) == {"run_id": "run"}


def test_an_event_is_filled_in_with_what_the_stages_before_have_answered():
    answers = {stage: {key: key, "usage": {"of": stage}} for key, stage in ANSWERED_BY.items()}
    session = {"run_id": "mine", "outputs": answers}
    committed = json.loads((EVENTS / "compare.json").read_text())
    filled = payload(session, "compare")
    assert filled.keys() == committed.keys()
    assert (filled["accounts"], filled["organizations"]) == ("accounts", "organizations")
    assert filled["usage"]["gather_orgs"] == {"of": "gather-orgs"}
    assert filled["run_id"] == "mine" and filled["started_at"] > committed["started_at"]
    assert filled["state_machine"] == committed["state_machine"]
    with pytest.raises(SystemExit, match="first: make invoke F=gather-accounts"):
        payload({"run_id": "mine", "outputs": {}}, "gather-orgs")

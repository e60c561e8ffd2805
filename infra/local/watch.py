"""make watch and make invoke: the stages one by one under `cargo lambda watch`.

The stand-ins and the store are those of the demo. `cargo lambda invoke` finds the stages where it
looks for them. Their events are those of tests/events; what only a store knows, the digests of its
documents and when a run began, is filled in.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

from common.places import BIN, REGION, ROOT, SYNC_TOML
from common.processes import end_on_signals, process, signed_in, wait_for
from common.programs import FUNCTIONS

from .ministack import local_aws
from .stack import Stack
from .standins import memory, standins

FOLDER = ROOT / ".local" / "watch"
SESSION = FOLDER / "session.json"
# The events of the repository, and the same for the store of this session.
EVENTS = ROOT / "tests" / "events"
FILLED = FOLDER / "events"
# What an event names of the stages before, and the stage that answers it.
ANSWERED_BY = {"accounts": "gather-accounts", "organizations": "gather-orgs", "plan": "compare"}
BUCKET = "partner-sync-watch"
# Of `cargo lambda invoke`, unless it is told another.
PORT = 9000
# An event is refused four hours after the start that it names.
REFRESH_SECONDS = 600


def loopback():
    """Where `cargo lambda invoke` looks for the stages; another where there is no IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return "::1"
    except OSError:
        return "127.0.0.1"


def refuse_if_taken(address, port):
    """Says so, before anything is started, if somebody listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            raise SystemExit(
                f"Port {port}, where cargo lambda invoke looks, is taken: end what listens there "
                f"(another make watch?), or take another: INVOKE_PORT={port + 10} make watch, and "
                f"then cargo lambda invoke --invoke-port {port + 10} ..."
            ) from None


@contextlib.contextmanager
def watching(folder, address, port):
    """Local AWS, stand-ins, bucket, secrets, and `cargo lambda watch` in front.

    Yields the session for `invoke`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with local_aws(folder, 1) as endpoint, standins(folder) as remote:
        stack = Stack(endpoint)
        stack.put_secrets(remote.secrets())
        stack.s3.create_bucket(Bucket=BUCKET)
        before = json.dumps(memory(remote.state(), hours=30, just_lost=["0014M0000009007QAA"]))
        stack.s3.put_object(Bucket=BUCKET, Key="memory.json", Body=before.encode())
        log = folder / "watch.log"
        env = {
            **signed_in(endpoint),
            "AWS_REGION": REGION,
            "BUCKET": BUCKET,
            "SECRET_PREFIX": "partner-sync",
            "SYNC_CONFIG": str(SYNC_TOML),
            "PROTECTED_ACCOUNT_IDS": "0014M0000009005",
            # Marks are set on any day here.
            "QUIET_HOURS": "0",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        os.chdir(ROOT)
        with process(watch_command(address, port), log, env) as child:
            host = f"[{address}]" if ":" in address else address
            # Answered at once: it is for POST alone.
            probe = f"http://{host}:{port}/2015-03-31/functions/sync/invocations"
            wait_for(probe, child, log, 120)
            run_id = time.strftime("watch-%Y%m%d-%H%M%S")
            yield {
                "address": address,
                "port": port,
                "run_id": run_id,
                "outputs": {},
                "log": str(log),
                "standins": {"control": remote.control, **remote.urls},
                "endpoint": endpoint,
            }


def watch_command(address, port):
    """`cargo lambda watch` at an address of loopback."""
    where = ["--invoke-address", address, "--invoke-port", str(port)]
    still = [] if os.environ.get("HOT_RELOAD") else ["--ignore-changes"]
    return ["cargo", "lambda", "watch", *still, *where, "--timeout", "300"]


def names():
    """The events there are: one for each stage, and one for each other task of compare."""
    return sorted(path.stem for path in EVENTS.glob("*.json"))


def stage_of(name):
    """The stage that an event is for: compare-failed is one of compare's."""
    return next(one for one in FUNCTIONS if name == one or name.startswith(f"{one}-"))


def payload(session, name):
    """An event of the repository, with what is known of this session's run."""
    event = json.loads((EVENTS / f"{name}.json").read_text()) | {"run_id": session["run_id"]}

    def answered(stage, key):
        if key not in session["outputs"].get(stage, {}):
            raise SystemExit(f"first: make invoke F={stage}")
        return session["outputs"][stage][key]

    for key in event.keys() & ANSWERED_BY.keys():
        event[key] = answered(ANSWERED_BY[key], key)
    if "usage" in event:
        stages = FUNCTIONS[: FUNCTIONS.index("compare")]
        event["usage"] = {one.replace("-", "_"): answered(one, "usage") for one in stages}
    return started_now(event)


def started_now(event):
    """The event, if it names its run's start, of a run that starts now."""
    now = {"started_at": datetime.now(UTC).isoformat()}
    return {**event, **now} if "started_at" in event else event


def write_events(session, folder, call):
    """Each event of the repository, filled in, to be sent at any time, in any order.

    Each is of a run of its own: `call` invokes the stages before it, because an event names the
    documents of the stages before by their digests, and no document is the same in two runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        run = {**session, "run_id": f"{session['run_id']}-{name}", "outputs": {}}
        for before in FUNCTIONS[: FUNCTIONS.index(name)] if name in FUNCTIONS else ():
            call(run, before)
        write_event(folder / f"{name}.json", payload(run, name))


def write_event(path, event):
    """In one step, so that nobody reads half of it."""
    made = path.with_suffix(".new")
    made.write_text(json.dumps(event, indent=2) + "\n")
    made.replace(path)


def refresh_events(folder):
    """Lets the runs of the events have started now."""
    for path in folder.glob("*.json"):
        write_event(path, started_now(json.loads(path.read_text())))


def invoke(session, function):
    """A stage through `cargo lambda invoke`, as often as it asks for.

    Its output is kept for the stages behind.
    """
    command = [
        BIN / "cargo-lambda",
        "lambda",
        "invoke",
        function,
        "--invoke-address",
        session["address"],
        "--invoke-port",
        str(session["port"]),
    ]
    while True:
        done = subprocess.run(
            [*command, "--data-ascii", json.dumps(payload(session, function))],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SystemExit(
                f"{function} failed: {done.stdout}{done.stderr}\nlog: {session['log']}"
            )
        output = json.loads(done.stdout)
        if output.get("status", "done") == "done":
            session["outputs"][function] = output
            return output
        time.sleep(output.get("wait_seconds", 0))


def main():
    if sys.argv[1:2] == ["invoke"]:
        function = sys.argv[2] if len(sys.argv) > 2 else ""
        if function not in FUNCTIONS:
            raise SystemExit(f"make invoke F=<{' | '.join(FUNCTIONS)}>")
        if not SESSION.exists():
            raise SystemExit("first, in another terminal: make watch")
        session = json.loads(SESSION.read_text())
        print(json.dumps(invoke(session, function), indent=2))
        SESSION.write_text(json.dumps(session))
        return
    end_on_signals()
    port = int(os.environ.get("INVOKE_PORT", PORT))
    address = loopback()
    refuse_if_taken(address, port)
    try:
        with watching(FOLDER, address, port) as session:
            serve(session)
    finally:
        SESSION.unlink(missing_ok=True)


def serve(session):
    """Makes the events, says what can be typed now, and stays."""
    SESSION.write_text(json.dumps(session))
    print(f"cargo lambda watch listens on port {session['port']}; its log: {session['log']}")
    print("It compiles the stages and makes the events: some minutes, the first time.", flush=True)
    try:
        write_events(session, FILLED, invoke)
    except SystemExit as error:
        print(f"The events of tests/events are not filled in: {error}")
    options = "" if session["port"] == PORT else f" --invoke-port {session['port']}"
    if session["address"] != "::1":
        options += f" --invoke-address {session['address']}"
    print("In another terminal, in any order and as often as you like:")
    for name in names():
        file = FILLED.relative_to(ROOT) / f"{name}.json"
        print(f"  cargo lambda invoke {stage_of(name)} --data-file {file}{options}")
    chain = ", ".join(f"make invoke F={name}" for name in FUNCTIONS)
    print(f"Or one run through all of them, in this order: {chain}")
    print("Ctrl-C ends everything.", flush=True)
    while True:
        time.sleep(REFRESH_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            refresh_events(FILLED)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()

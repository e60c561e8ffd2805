"""make watch and make invoke: the stages one by one under `cargo lambda watch`.

The stand-ins and the store are those of the demo.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

from .processes import BIN, REGION, ROOT, end_on_signals, free_ports, local_aws, process, wait_for
from .stack import FUNCTIONS, Stack
from .standins import memory, standins

FOLDER = ROOT / ".local" / "watch"
SESSION = FOLDER / "session.json"
BUCKET = "partner-sync-watch"


@contextlib.contextmanager
def watching(folder):
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
        port, log = free_ports(1), folder / "watch.log"
        env = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "BUCKET": BUCKET,
            "SALESFORCE_SECRET": "partner-sync/salesforce",
            "ZENDESK_GLOBAL_SECRET": "partner-sync/zendesk/global",
            "ZENDESK_US_GOVERNMENT_SECRET": "partner-sync/zendesk/us-government",
            "ALLIANCE_ACCOUNT_IDS": "0014M00001sDiGEQA0",
            "PROTECTED_ACCOUNT_IDS": "0014M0000009005",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        command = [
            "cargo",
            "lambda",
            "watch",
            "--ignore-changes",
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            str(port),
            "--timeout",
            "300",
        ]
        if os.environ.get("HOT_RELOAD"):
            command.remove("--ignore-changes")
        os.chdir(ROOT)
        with process(command, log, env) as child:
            wait_for(f"http://127.0.0.1:{port}/", child, log, 120)
            run_id = time.strftime("watch-%Y%m%d-%H%M%S")
            yield {
                "port": port,
                "run_id": run_id,
                "outputs": {},
                "log": str(log),
                "standins": remote.control,
                "endpoint": endpoint,
            }


def payload(session, function):
    """A stage's input: what the state machine would pass, from the outputs of the stages before."""
    outputs, base = session["outputs"], {"run_id": session["run_id"]}

    def of(stage, key):
        if key not in outputs.get(stage, {}):
            raise SystemExit(f"first: make invoke F={stage}")
        return outputs[stage][key]

    if function == "gather-accounts":
        return base
    started = {**base, "started_at": datetime.now(UTC).isoformat()}
    if function == "gather-orgs":
        return {**started, "accounts": of("gather-accounts", "accounts")}
    if function == "compare":
        return {
            **started,
            "task": "compare",
            "accounts": of("gather-accounts", "accounts"),
            "organizations": of("gather-orgs", "organizations"),
            "usage": {
                "gather_accounts": of("gather-accounts", "usage"),
                "gather_orgs": of("gather-orgs", "usage"),
            },
        }
    return {**started, "plan": of("compare", "plan")}


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
        "127.0.0.1",
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
    try:
        with watching(FOLDER) as session:
            SESSION.write_text(json.dumps(session))
            print(
                f"cargo lambda watch listens on 127.0.0.1:{session['port']}; "
                f"its log: {session['log']}"
            )
            print(
                "In another terminal, in this order: "
                + ", ".join(f"make invoke F={name}" for name in FUNCTIONS)
            )
            print("The first invocation of each compiles it. Ctrl-C ends everything.")
            while True:
                time.sleep(1)
    finally:
        SESSION.unlink(missing_ok=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()

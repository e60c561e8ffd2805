"""make demo: production's template on a local AWS, against the stand-ins, one run shown live."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from .follow import follow, table
from .processes import ROOT, end_on_signals, local_aws
from .stack import Stack, is_local_timeout
from .standins import memory, standins

FOLDER = Path(os.environ.get("PARTNER_SYNC_DEMO", ROOT / ".local" / "demo"))
WORLD = FOLDER / "world.json"
BUCKET = FOLDER / "bucket"
WAIT_SCALE = 0.1


def main():
    if sys.argv[1:] == ["reset"]:
        shutil.rmtree(FOLDER, ignore_errors=True)
        print("The demo's data is forgotten.")
        return 0
    end_on_signals()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for leftover in FOLDER.glob("*.log"):
        leftover.unlink()
    print("partner-sync demo: everything runs on this machine, on loopback.")
    print(
        f"Wait states and retries take {WAIT_SCALE:.0%} of their time here; "
        "on AWS they take it in full.\n"
    )
    try:
        with local_aws(FOLDER, WAIT_SCALE) as endpoint, standins(FOLDER) as remote:
            return run(endpoint, remote)
    finally:
        shutil.rmtree(FOLDER / "tmp", ignore_errors=True)


def shown(path):
    """A path as a person in the clone types it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def run(endpoint, remote):
    if WORLD.exists():
        remote.put_state(json.loads(WORLD.read_text()))
        print("The stand-ins go on with the data of the last demo (make demo-reset forgets it).")
    remote.clear_log()
    sizes = {
        name: len(instance["organizations"]) for name, instance in remote.state()["zendesk"].items()
    }
    print(
        f"Stand-in Zendesk: {sizes['global']} organizations on global, "
        f"{sizes['us-government']} on us-government."
    )
    stack = Stack(endpoint)
    stack.put_secrets(remote.secrets())
    print("Deploying infra/template.yaml ...")
    stack.deploy(ProtectedAccountIds="0014M0000009005")
    if not (BUCKET / "memory.json").exists():
        BUCKET.mkdir(exist_ok=True)
        before = memory(remote.state(), hours=30, just_lost=["0014M0000009007QAA"])
        (BUCKET / "memory.json").write_text(json.dumps(before))
        print("The memory of earlier runs: partners missing for 30 hours, one of them for 2.")
    for path in BUCKET.rglob("*"):
        if path.is_file():
            stack.s3.put_object(
                Bucket=stack.bucket, Key=str(path.relative_to(BUCKET)), Body=path.read_bytes()
            )

    run_id = time.strftime("demo-%Y%m%d-%H%M%S")
    print(f"Execution {run_id}:\n")
    described = follow(stack, remote, stack.start(run_id))
    if is_local_timeout(described):
        print(
            "\n  The local AWS took too long over an expression, which AWS does not do; "
            "once more:\n"
        )
        run_id += "-again"
        described = follow(stack, remote, stack.start(run_id))
    for key, data in stack.objects().items():
        path = BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    calls = len(remote.log())
    unfinished = WORLD.with_suffix(".tmp")
    unfinished.write_text(json.dumps(remote.state()))
    os.replace(unfinished, WORLD)
    if described["status"] != "SUCCEEDED":
        print(f"\nFAILED: {described.get('error')}: {described.get('cause')}")
        return 1
    output = described["output"]
    print(
        f"\nVerdict: {output['verdict']}\n\n{table(output)}\n\n"
        f"  {calls} calls to Salesforce and Zendesk in all.\n"
    )
    if output["verdict"] == "NOTHING_TO_DO":
        print("Both systems are equal already: nothing was written to Zendesk.\n")
    print("Documents:")
    for path in sorted((BUCKET / "runs" / run_id).iterdir()):
        print(f"  {shown(path)}")
    print(f"\nReport: {shown(BUCKET / output['report']['html'])}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
        sys.exit(130)

"""make demo: production's template on a local AWS, against the stand-ins, one run shown live.

make demo-held and make demo-release go on with its world: many partners are lost at once, the run
is held, and the command of its report releases it.
"""

import json
import shutil
import sys
import time

from common.executions import is_local_timeout
from common.processes import end_on_signals
from common.terminal import say, styled
from common.words import counted

from . import kept, scenes
from .follow import follow
from .kept import BUCKET, FOLDER, WORLD
from .ministack import local_aws
from .stack import Stack
from .standins import memory, standins

WAIT_SCALE = 0.1


def main():
    name = " ".join(sys.argv[1:])
    if name == "reset":
        kept.forget()
        print("The demo's data is forgotten.")
        return 0
    if name not in scenes.BY_NAME:
        print("python -m local.demo [held | release | reset]", file=sys.stderr)
        return 2
    end_on_signals()
    # A name that the terminal's encoding does not have must not end the demo.
    sys.stdout.reconfigure(errors="replace")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for leftover in FOLDER.glob("*.log"):
        leftover.unlink()
    say(
        "partner-sync demo: everything runs on this machine, on loopback.",
        f"Wait states and retries take {WAIT_SCALE:.0%} of their time here; "
        "on AWS they take it in full.",
        "QuietHours is 0 here, so that marks are set on any day; on AWS none is set in the 12",
        "hours before a purge.\n",
    )
    try:
        with local_aws(FOLDER, WAIT_SCALE) as endpoint, standins(FOLDER) as remote:
            return scenes.BY_NAME[name](prepared(Stack(endpoint), remote))
    finally:
        shutil.rmtree(FOLDER / "tmp", ignore_errors=True)


def prepared(stack, remote):
    """The stack deployed, and both sides as the last demo left them."""
    if WORLD.exists():
        kept.restore_world(remote)
        say("The stand-ins go on with the data of the last demo (make demo-reset forgets it).")
    sizes = {
        name: len(instance["organizations"]) for name, instance in remote.state()["zendesk"].items()
    }
    say(
        f"Stand-in Zendesk: {counted(sizes['global'], 'organization')} on global, "
        f"{sizes['us-government']} on us-government."
    )
    stack.put_secrets(remote.secrets())
    say("Deploying infra/template.yaml ...")
    stack.deploy(ProtectedAccountIds="0014M0000009005")
    if not (BUCKET / "memory.json").exists():
        BUCKET.mkdir(exist_ok=True)
        before = memory(remote.state(), hours=30, just_lost=["0014M0000009007QAA"])
        (BUCKET / "memory.json").write_text(json.dumps(before))
        say("The memory of earlier runs: partners missing for 30 hours, one of them for 2.")
    kept.restore_bucket(stack)
    return Demo(stack, remote)


class Demo:
    """The deployed stack and the stand-ins behind it."""

    def __init__(self, stack, remote):
        self.stack, self.remote = stack, remote

    def run(self):
        """A run as the schedule starts it; returns its description."""
        return self.watch(lambda: self.stack.start(time.strftime("demo-%Y%m%d-%H%M%S")))

    def watch(self, start):
        """Shows an execution live, keeps what it left behind, and returns its description."""
        self.remote.clear_log()
        described = self.follow(start())
        if is_local_timeout(described):
            say("\nThe local AWS took too long over an expression, which AWS does not do; again:")
            described = self.follow(start())
        kept.keep(self.stack, self.remote)
        calls = counted(len(self.remote.log()), "call")
        say(f"\n{calls} to Salesforce and Zendesk in all.\n")
        return described

    def follow(self, execution):
        say("", styled(f"Execution {execution.rpartition(':')[2]}:", "bold"), "")
        return follow(self.stack, self.remote, execution)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
        sys.exit(130)

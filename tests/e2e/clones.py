"""A fresh clone of this repository, with the real tools and the local AWS, and no compiler.

`cargo` is the one thing replaced: what stands in its place does what `cargo lambda build` would do
last, with the release binaries that this repository has built, and tells what it was asked. Which
crates are linked, the real one says.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from common.places import BIN, ROOT
from common.processes import signed_in
from local.ministack import local_aws
from local.stack import Stack
from local.standins import standins

CARGO = """#!/bin/sh
test "$1" != tree || HOME="{home}" exec "{cargo}" "$@"
echo "$*" >> "{log}"
mkdir -p target && cp -r "{root}/target/lambda" target/
"""


class Clone:
    """A clone's folder, and what a user's shell has there."""

    def __init__(self, folder, endpoint, remote):
        self.folder, self.log, self.endpoint = folder / "clone", folder / "cargo.log", endpoint
        self.remote = remote
        tools, home = folder / "tools", folder / "home"
        for made in (tools, home):
            made.mkdir()
        real = {"cargo": shutil.which("cargo"), "home": Path.home()}
        (tools / "cargo").write_text(CARGO.format(**real, log=self.log, root=ROOT))
        (tools / "cargo").chmod(0o755)
        copy(self.folder)
        path = [tools, ROOT / ".venv-aws" / "bin", os.environ["PATH"]]
        self.env = {
            "PATH": os.pathsep.join(map(str, path)),
            # No profile, cache or setting of the machine's owner.
            "HOME": str(home),
            "NO_PROXY": "127.0.0.1,localhost",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **signed_in(endpoint),
        }

    def run(self, command, said=None, without=(), **env):
        """A command line, with what is typed into it; `without` some of the environment."""
        kept = {key: value for key, value in self.env.items() if key not in without}
        return subprocess.run(
            command.split(),
            cwd=self.folder,
            env={**kept, **env},
            input="" if said is None else said,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def succeeds(self, command, said=None, **env):
        """What a command prints; it must succeed."""
        done = self.run(command, said, **env)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def refuses(self, command, said=None, without=(), **env):
        """What a command prints; it must fail, with a sentence and not with a trace."""
        done = self.run(command, said, without, **env)
        text = done.stdout + done.stderr
        assert done.returncode != 0, f"{command}: {text}"
        assert "Traceback" not in text
        return text

    def edit(self, file, old, new):
        """Replaces a text in a file of the clone."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old}"
        path.write_text(text.replace(old, new))

    def built(self):
        """What cargo was asked, a line each time."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def status(self, name):
        """A stack's status, None if there is no such stack."""
        stacks = Stack(self.endpoint).cloudformation.describe_stacks()["Stacks"]
        return next((one["StackStatus"] for one in stacks if one["StackName"] == name), None)

    def stack(self, name):
        """A stack that was deployed."""
        stack = Stack(self.endpoint, name)
        outputs = {
            output["OutputKey"]: output["OutputValue"] for output in described(stack)["Outputs"]
        }
        stack.state_machine, stack.bucket = outputs["StateMachineArn"], outputs["BucketName"]
        return stack


def copy(folder):
    """What git knows or would add, with the tools that are installed here."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
    for venv in (BIN.parent, ROOT / ".venv-aws"):
        (folder / venv.name).symlink_to(venv)
    # They are not to be installed again from here.
    for needed in folder.glob("requirements*.txt"):
        os.utime(needed, (0, 0))


def described(stack):
    """A stack as CloudFormation describes it."""
    return stack.cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]


def parameters(stack):
    """The parameters a stack has."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in described(stack)["Parameters"]}


def run_is_ok(stack):
    """One run of the deployed state machine, to its verdict."""
    ended = stack.run("first")
    assert ended["status"] == "SUCCEEDED", json.dumps(ended, default=str)
    assert ended["output"]["verdict"] == "OK", ended["output"]


@contextlib.contextmanager
def under_way(clone, stack):
    """A run that does not end, because Zendesk does not answer; yields its name. Then it stops."""
    organizations = {"host": "global", "method": "GET", "path": "/api/v2/organizations"}
    clone.remote.put_faults(
        [{**organizations, "skip": 0, "times": 0, "act": {"kind": "hang_before"}}]
    )
    execution = stack.start(name := f"under-way-{time.time_ns()}")
    try:
        yield name
    finally:
        clone.remote.put_faults([])
        stack.sfn.stop_execution(executionArn=execution)
        stack.wait(execution)


@contextlib.contextmanager
def cloned(folder):
    """A clone, a local AWS for it, and stand-ins whose secrets two stacks have."""
    subprocess.run(["make", "-s", "aws-tools"], cwd=ROOT, check=True)
    with local_aws(folder, 0.02) as endpoint, standins(folder) as remote:
        remote.put_world(kind="differences", rate_limit=100_000)
        for name in ("partner-sync-sandbox", "partner-sync"):
            Stack(endpoint, name).put_secrets(remote.secrets(name))
        yield Clone(folder, endpoint, remote)

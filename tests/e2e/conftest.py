"""One local AWS, one set of stand-ins and one deployed stack for all end-to-end tests."""

import contextlib
import gzip
import itertools
import json
import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from common.executions import states_entered
from common.processes import signed_in
from deploy import smoke_run
from local.ministack import local_aws
from local.stack import Stack
from local.standins import memory, standins

# On a worker alone these decide when the last one ends: they begin first.
LONG = {"test_setup", "test_watch", "test_deploy", "test_sam", "test_single_flight", "test_demo"}


# Before pytest-xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The long files first; what shares a fixture of its file stays on one worker."""
    items.sort(key=lambda item: item.module.__name__ not in LONG)
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values()
        if any(one.scope == "module" for found in fixtures for one in found):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


CANARIES = ["sf-secret", "zd-secret", "zd-gov-secret", "00DSTANDIN", "zd-token-"]


class Twin:
    """The deployed stack and the stand-ins behind it."""

    def __init__(self, stack, remote):
        self.stack, self.remote = stack, remote
        self.numbers = itertools.count(1)
        self.topic, self.began = stack.listen(), 0

    def fresh(self, **world):
        """Both systems anew, no earlier run, the stand-ins' own credentials."""
        # Waits are scaled here, and the minute of a rate limit is not.
        self.remote.put_world(rate_limit=100_000, **(world or {"kind": "differences"}))
        for key in self.stack.objects():
            self.stack.s3_as_operator.delete_object(Bucket=self.stack.bucket, Key=key)
        self.stack.release_lease()
        self.remember()
        self.stack.put_secrets(self.remote.secrets())
        self.told()
        self.began = int(time.time() * 1000)

    def remember(self, hours=48):
        """A memory of earlier runs: accounts that are gone were missing for this many hours."""
        self.put("memory.json", memory(self.remote.state(), hours))

    def put(self, key, document):
        """Replaces a document in the bucket."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.stack.s3_as_operator.put_object(Bucket=self.stack.bucket, Key=key, Body=body)

    def document(self, key):
        """A document of the bucket."""
        return json.loads(self.stack.objects()[key])

    def let_hours_pass(self, hours):
        """Time is scaled: the clocks of the memory have run for this many hours more."""
        self._earlier("absent", "since", hours)

    def let_the_purge_pass(self):
        """Saturday: what is marked and not exempt is deleted, and what was set before it is of
        another week."""

        def delete(state):
            all = state["zendesk"]["global"]["organizations"]
            for id, one in list(all.items()):
                fields = one["organization_fields"]
                if fields.get("mark_for_deletion") and not fields.get("ignore_deletion"):
                    del all[id]

        self.change(delete)
        self._earlier("marked", "at", 7 * 24)

    def let_history_age(self, hours):
        """The runs of the history were this many hours earlier."""
        self._earlier("runs", "ended_at", hours, "history.json")

    def _earlier(self, list, key, hours, document="memory.json"):
        remembered = self.document(document)
        for entry in remembered[list]:
            if key in entry:
                moment = datetime.fromisoformat(entry[key]) - timedelta(hours=hours)
                entry[key] = moment.isoformat().replace("+00:00", "Z")
        self.put(document, remembered)

    def logs(self):
        """What the Lambdas have logged since this test began."""
        return self.stack.all_logs(self.began)

    def told(self):
        """The messages to people since the last time: subject and message of each."""
        return self.stack.heard(self.topic)

    def name(self):
        return f"test-{next(self.numbers)}"

    def run(self, input=None, **how):
        return self.stack.run(self.name(), input, **how)

    def until(self, holds, seconds=60):
        """Waits until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never came so far"
            time.sleep(0.05)

    def start_until(self, state):
        """Starts an execution and waits until it has entered a state; returns its ARN."""
        execution = self.stack.start(self.name())
        self.until(lambda: state in states_entered(self.stack.history(execution)))
        return execution

    def until_hung(self):
        """Waits until a call of the pipeline hangs, as a fault told it to."""
        self.until(lambda: any(call["status"] == 0 for call in self.remote.log()))

    def kill_sync(self):
        """Kills every process of the function Sync behind this very local AWS."""
        processes = sync_processes(self.stack.endpoint)
        assert processes, "no process to kill"
        for id in processes:
            os.kill(id, signal.SIGKILL)

    def stop_in_the_middle(self):
        """Stops an execution while sync looks at its jobs, and kills sync; returns the ARN.

        Sync is held still meanwhile, so nothing of it can run beside the next execution.
        """
        self.remote.clear_log()
        look = {"host": "global", "method": "GET", "path": "/api/v2/job_statuses"}
        self.remote.put_faults([{**look, "skip": 0, "times": 1, "act": {"kind": "hang_before"}}])
        execution = self.stack.start(self.name())
        self.until_hung()
        self.stack.sfn.stop_execution(executionArn=execution)
        self.kill_sync()
        return execution

    def change(self, edit):
        """Lets a function change the stand-ins' state."""
        state = self.remote.state()
        edit(state)
        self.remote.put_state(state)

    def writes(self):
        """Requests that change an instance."""
        return [
            call
            for call in self.remote.log()
            if call["method"] in ("POST", "PUT")
            and not call["path"].startswith(("/oauth", "/services"))
        ]

    def documents(self):
        """The text of every object."""
        for key, data in self.stack.objects().items():
            yield (gzip.decompress(data) if key.endswith(".gz") else data).decode()

    def leaks(self, *canaries):
        """Canaries found in any log, document, or description of an execution."""
        texts = [self.stack.all_logs(), *self.documents()]
        executions = self.stack.sfn.list_executions(stateMachineArn=self.stack.state_machine)[
            "executions"
        ]
        for execution in executions:
            described = self.stack.sfn.describe_execution(executionArn=execution["executionArn"])
            texts.append(
                json.dumps(
                    {key: described.get(key) for key in ("output", "error", "cause", "input")}
                )
            )
            texts.append(json.dumps(self.stack.history(execution["executionArn"]), default=str))
        return [
            canary for canary in (*CANARIES, *canaries) if any(canary in text for text in texts)
        ]


def sync_processes(endpoint):
    """Ids of the processes of the function Sync behind this very local AWS."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            id = int(folder.name)
            env = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            name = next((one for one in env if one.startswith("AWS_LAMBDA_FUNCTION_NAME=")), "")
            is_ours = "-Sync-" in name and f"AWS_ENDPOINT_URL={endpoint}" in env
            if is_ours and (folder / "exe").readlink().name.startswith("bootstrap"):
                found.append(id)
    return found


@pytest.fixture(scope="session")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    with local_aws(folder, 0.02) as endpoint, standins(folder) as remote:
        stack = Stack(endpoint)
        stack.put_secrets(remote.secrets())
        stack.deploy(ProtectedAccountIds="0014M0000009005")
        yield Twin(stack, remote)


@pytest.fixture
def twin(deployed):
    deployed.fresh()
    return deployed


@pytest.fixture
def seen(deployed, monkeypatch):
    """The deployed stack for somebody who has its credentials, whatever is in it by now."""
    for name, value in signed_in(deployed.stack.endpoint).items():
        monkeypatch.setenv(name, value)
    return deployed


@pytest.fixture
def here(seen, twin, monkeypatch, tmp_path):
    """The same with both systems anew; reports go into a folder."""
    monkeypatch.setattr(smoke_run, "FOLDER", tmp_path)
    twin.remote.clear_log()
    return twin

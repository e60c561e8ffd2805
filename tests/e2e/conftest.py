"""One local AWS, one set of stand-ins and one deployed stack for all end-to-end tests."""

import itertools
import json
import time

import pytest
from local.processes import local_aws
from local.stack import Stack, states_entered
from local.standins import standins

CANARIES = ["sf-secret", "zd-secret", "zd-gov-secret", "00DSTANDIN", "zd-token-"]


class Twin:
    """The deployed stack and the stand-ins behind it."""

    def __init__(self, stack, remote):
        self.stack, self.remote = stack, remote
        self.numbers = itertools.count(1)
        self.queue, self.began = stack.listen(), 0

    def fresh(self, **world):
        """Both systems anew, no earlier run, the stand-ins' own credentials."""
        self.remote.put_world(**(world or {"kind": "demo"}))
        for key in self.stack.objects():
            self.stack.s3.delete_object(Bucket=self.stack.bucket, Key=key)
        self.stack.put_secrets(self.remote.secrets())
        self.told()
        self.began = int(time.time() * 1000)

    def logs(self):
        """What the Lambdas have logged since this test began."""
        return self.stack.all_logs(self.began)

    def told(self):
        """The messages to people since the last time: subject and message of each."""
        return self.stack.heard(self.queue)

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

    def change(self, edit):
        """Lets a function change the stand-ins' state."""
        state = self.remote.state()
        edit(state)
        self.remote.put_state(state)

    def writes(self):
        """Requests that change an instance."""
        return [
            call for call in self.remote.log() if call["method"] in ("POST", "PUT") and not call["path"].startswith(("/oauth", "/services"))
        ]

    def leaks(self, *canaries):
        """Canaries found in any log, document, or description of an execution."""
        texts = [self.stack.all_logs(), *(data.decode() for data in self.stack.objects().values())]
        executions = self.stack.sfn.list_executions(stateMachineArn=self.stack.state_machine)["executions"]
        for execution in executions:
            described = self.stack.sfn.describe_execution(executionArn=execution["executionArn"])
            texts.append(json.dumps({key: described.get(key) for key in ("output", "error", "cause", "input")}))
            texts.append(json.dumps(self.stack.history(execution["executionArn"]), default=str))
        return [canary for canary in (*CANARIES, *canaries) if any(canary in text for text in texts)]


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

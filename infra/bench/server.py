"""The server that the measured programs talk to, as a process: `python -m bench.server`.

It prints its ports as JSON: `global`, `us-government`, `aws`, and `control`, where the bench says
what it is to do. One thread a connection, which blocks: nothing is faster with so few of them, and
no timer of an event loop is as precise as a thread's own sleep.
"""

import contextlib
import ctypes
import gc
import json
import re
import sys
import threading
import time
from pathlib import Path

from .aws import Aws, content_of, key_of
from .pages import Pages
from .vendor import Vendor
from .wire import Answer, Connection, listener

PR_SET_TIMERSLACK = 29
# A processor that has slept needs some time to reach its full speed again.
AWAKE_SECONDS = 0.0006
STATE = re.compile(r"runs/[^/]+/sync-state")


class World:
    """Everything that is served."""

    def __init__(self):
        self.vendors = {"global": Vendor(), "us-government": Vendor()}
        self.aws = Aws()
        self.opened = {}
        # What is asked of the global instance and of S3, in order, while somebody wants to know.
        self.asked = None

    def control(self, said):
        """Does what the bench says, in this order, and tells what was counted."""
        if "secrets" in said:
            self.aws.secrets = said["secrets"]
        if "files" in said:
            self.aws.begin(said["files"])
        if "restore" in said:
            self.aws.restore(said["restore"])
        if "keep" in said:
            self.aws.keep(said["keep"])
        if "recorded" in said:
            Path(said["recorded"]).write_text("\n".join(map(json.dumps, self.asked)))
            self.asked = None
        if "record" in said:
            self.asked = []
        for name, path in said.get("pages", {}).items():
            self.vendors[name].pages = self.open(path)
        for vendor in self.vendors.values():
            vendor.latency = said.get("latency", vendor.latency)
        counted = self.counted()
        if "forget" in said:
            for one in (self.aws, *self.vendors.values()):
                one.forget()
        return counted

    def note(self, service, request):
        """Remembers a call that floor-calls can do again."""
        if self.asked is None:
            return
        call = {"method": request.method, "body": content_of(request).decode()}
        if service is self.vendors["global"]:
            self.asked.append({"service": "zendesk", "target": request.target, **call})
        elif service is self.aws and request.method in ("GET", "PUT"):
            self.asked.append({"service": "s3", "target": key_of(request), **call})

    def open(self, path):
        """A file of pages, indexed once."""
        if path not in self.opened:
            self.opened[path] = Pages(path)
        return self.opened[path]

    def counted(self):
        """Calls by kind, bytes of sync's progress, and the quiet before each look at the jobs."""
        state = sum(size for key, size in self.aws.put_bytes.items() if STATE.match(key))
        return {
            "calls": {name: dict(one.calls) for name, one in self.vendors.items()},
            "aws": dict(self.aws.calls),
            "state_bytes": state,
            "before_looks": list(self.vendors["global"].before_looks),
        }


def serve(connection, service, world):
    """Answers one connection until its end; each answer leaves when its latency is over."""
    with connection.sock, contextlib.suppress(OSError):
        while (request := connection.request()) is not None:
            arrived = connection.arrived
            answer = service.answer(request, arrived)
            world.note(service, request)
            wait_until(arrived + service.latency)
            connection.reply(answer)
            service.answered = time.monotonic()


def wait_until(moment):
    """Sleeps until shortly before a moment, and is awake when it comes."""
    left = moment - time.monotonic()
    if left > AWAKE_SECONDS:
        time.sleep(left - AWAKE_SECONDS)
    while time.monotonic() < moment:
        pass


class Control:
    """Takes what the bench says."""

    latency, answered = 0.0, 0.0

    def __init__(self, world):
        self.world = world

    def answer(self, request, _arrived):
        """Does it."""
        return Answer.of_json(self.world.control(json.loads(request.body)))


def accept(sock, service, world):
    """Gives each connection a thread."""
    while True:
        connection = Connection(sock.accept()[0])
        threading.Thread(target=serve, args=(connection, service, world), daemon=True).start()


def main():
    # Sleeps end within microseconds, and a thread that wakes waits for no other.
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    sys.setswitchinterval(0.0002)
    gc.freeze()
    world = World()
    services = {**world.vendors, "aws": world.aws, "control": Control(world)}
    ports = {}
    for name, service in services.items():
        sock = listener()
        ports[name] = sock.getsockname()[1]
        threading.Thread(target=accept, args=(sock, service, world), daemon=True).start()
    print(json.dumps(ports), flush=True)
    # It ends when the bench does.
    sys.stdin.read()


if __name__ == "__main__":
    main()

"""A small Lambda runtime API: one function, one event after the other, and what they took."""

import contextlib
import json
import os
import selectors
import time
from dataclasses import dataclass, field

from .child import end, last_words, peak_so_far, spawn
from .wire import Answer, Connection, listener

# What Lambda allows at most.
TIMEOUT_SECONDS = 900
ARN = "arn:aws:lambda:us-east-1:000000000000:function:bench"


class Failed(Exception):
    """A function answered with an error, or ended."""


@dataclass
class Sample:
    """What one run of a program took."""

    # From each event handed out to its answer, in seconds; of a peer from its start to its end.
    wall: float = 0.0
    # From the start of the program to its last answer, in seconds.
    whole: float = 0.0
    # User and system, of the whole process, its start included, in seconds.
    cpu: float = 0.0
    # The most resident memory, in MiB; None if it is not known.
    peak: float | None = None
    # From exec to the first `next`, in seconds.
    first_next: float = 0.0
    invocations: int = 0
    answer: dict = field(default_factory=dict)
    # What the server counted meanwhile.
    counted: dict = field(default_factory=dict)


class Api:
    """The runtime API on a port of its own. Single-threaded: nothing of it runs beside the
    function."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.listener = listener()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.pid = None

    @property
    def address(self):
        """Host and port, for `AWS_LAMBDA_RUNTIME_API`."""
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def close(self):
        """Ends what listens."""
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            key.fileobj.close()
        self.selector.close()

    def request(self):
        """The next request of the function, with its connection."""
        until = time.monotonic() + TIMEOUT_SECONDS + 60
        while time.monotonic() < until:
            for key, _ in self.selector.select(1):
                if key.fileobj is self.listener:
                    connection = Connection(self.listener.accept()[0])
                    self.selector.register(connection.sock, selectors.EVENT_READ, connection)
                elif (request := key.data.request()) is not None:
                    return key.data, request
                else:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self.pid, flags) is not None:
                raise Failed("the function ended without an answer")
        raise Failed("no answer")

    def first_next(self):
        """Waits until the function asks for its first event; the connection that asks."""
        connection, request = self.request()
        if not request.path.endswith("/invocation/next"):
            raise Failed(f"{request.path}: {request.body[:500].decode(errors='replace')}")
        return connection

    def invoke(self, connection, event, number):
        """Hands out an event on the connection that asks; seconds, answer, and who asks then."""
        began = time.monotonic()
        connection.reply(handed_out(event, number))
        connection, request = self.request()
        took = connection.arrived - began
        connection.reply(Answer.of_json({"status": "OK"}, 202))
        if not request.path.endswith("/response"):
            raise Failed(request.body[:2000].decode(errors="replace"))
        asking = self.first_next()
        return took, json.loads(request.body), asking


def handed_out(event, number):
    """An event as Lambda hands it out."""
    answer = Answer.of_json(event)
    deadline = int((time.time() + TIMEOUT_SECONDS) * 1000)
    answer.headers |= {
        "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-4000-8000-{number:012}",
        "Lambda-Runtime-Deadline-Ms": str(deadline),
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
    }
    return answer


@contextlib.contextmanager
def started(binary, env, log):
    """A function that has asked for its first event. Yields API, connection, and its sample."""
    api, sample, log = Api(), Sample(), str(log)
    began = time.monotonic()
    api.pid = spawn([binary], {**env, "AWS_LAMBDA_RUNTIME_API": api.address}, log)
    try:
        connection = api.first_next()
        sample.first_next = connection.arrived - began
        yield api, connection, sample
        sample.whole = time.monotonic() - began
        sample.peak = peak_so_far(api.pid)
    except Failed as error:
        raise Failed(f"{binary}: {error}\n{last_words(log)}") from None
    finally:
        sample.cpu = end(api.pid).cpu
        api.close()


def invoked(binary, env, event, log):
    """Starts a function and gives it an event, again at once as long as it says `continue` or
    `wait`: what a state machine waits for is not waited for here, and not counted."""
    with started(binary, env, log) as (api, connection, sample):
        said = {"status": "continue"}
        while said.get("status", "done") in ("continue", "wait"):
            took, said, connection = api.invoke(connection, event, sample.invocations)
            sample.wall += took
            sample.invocations += 1
        sample.answer = said
    return sample

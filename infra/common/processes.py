"""Processes on this machine. Each ends what it started, also on an error or Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request


@contextlib.contextmanager
def process(command, log, env=None, end=signal.SIGTERM):
    """Runs a command in the background, its output in a file, and ends it with all it started."""
    child = None
    try:
        with open(log, "ab") as out:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        yield child
    finally:
        if child is not None:
            stop(child, end)


def stop(child, end):
    """Ends a process and all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, end)
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def end_on_signals():
    """A closed terminal and a kill end like Ctrl-C: with everything stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))


def said(file, child, log, seconds=60):
    """What a server has written into a file: where it listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and child.poll() is None:
        if file.exists():
            return file.read_text()
        time.sleep(0.02)
    raise RuntimeError(f"{child.args[0]} does not say where it listens; see {log}")


def say(file, text):
    """Writes a file in one step: nobody reads half of it."""
    written = file.with_name(f"{file.name}.new")
    written.write_text(text)
    written.replace(file)


def wait_for(url, child, log, seconds=60):
    """Waits until a server answers at all."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer; see {log}")


def signed_in(endpoint):
    """The environment of a program that is to use a local AWS. It has no region:
    a program that must be given one has to fail without it."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }

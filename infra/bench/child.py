"""Processes that are measured: what they took of processor and memory."""

import os
import signal
import time
from dataclasses import dataclass

# Nothing of this machine's settings, and no proxy.
PLAIN = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


@dataclass
class Used:
    """What an ended process took, its start included."""

    # User and system, in seconds.
    cpu: float
    # The most memory that was resident, in MiB.
    peak: float
    status: int


def spawn(command, env, out):
    """Starts a command with exactly this environment, its output in a file; the process's id."""
    path = [str(one) for one in command]
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(out), writing, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(path[0], path, env, file_actions=actions)


def peak_so_far(pid):
    """The most memory that was resident in a running process, in MiB.

    The kernel's word on an ended process is no better than the largest of those it was started
    from: it counts the starter's memory as well.
    """
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmHWM"].split()[0]) / 1024


def end(pid):
    """Ends a process at once and returns what it took."""
    os.kill(pid, signal.SIGKILL)
    return ended(pid)


def ended(pid):
    """Waits for a process's end and returns what it took."""
    _, status, usage = os.wait4(pid, 0)
    peak = usage.ru_maxrss / 1024
    code = os.waitstatus_to_exitcode(status)
    return Used(usage.ru_utime + usage.ru_stime, peak, code)


def last_words(log):
    """The end of what was written to a log."""
    with open(log, errors="replace") as file:
        return file.read()[-2000:]


def run(command, out, env=PLAIN):
    """Runs a command to its end; what it took, and the seconds."""
    began = time.monotonic()
    pid = spawn(command, env, out)
    try:
        used = ended(pid)
    except BaseException:
        end(pid)
        raise
    took = time.monotonic() - began
    if used.status != 0:
        raise RuntimeError(f"{command[0]} ended with {used.status}: {last_words(out)}")
    own = peak_so_far("self")
    if used.peak <= own:
        # What was counted is the starter's.
        used.peak = None
    return used, took

"""What is said in a terminal moves and has colours; in a pipe it is the words alone."""

import os
import pty
import subprocess
import sys

import pytest

from common.places import ROOT

SAID = """
from common.terminal import OpenLine, bar, line, say, styled
say(styled("[All] of it:", "bold", "red"))
open = OpenLine(line("reading  ", ""))
open.show(line(bar(31, 62), " 31 of 62"))
open.close(line(bar(62, 62), " 62"))
left = OpenLine("left open")
left.show(" so far")
left.leave()
"""
HIDES, SHOWS = "\x1b[?25l", "\x1b[?25h"


def command(environment):
    """A program that says it, and what it is started with."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "infra"), "TERM": "xterm", **environment}
    return [sys.executable, "-c", SAID], env


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_pipe_is_told_the_words_alone(environment):
    said, env = command(environment)
    told = subprocess.run(said, env=env, capture_output=True, text=True, check=True).stdout
    assert told == f"[All] of it:\nreading  {'█' * 16} 62\nleft open"


def test_a_terminal_sees_what_changes_and_has_its_cursor_back():
    told = in_a_terminal({})
    assert "\x1b[1;31m[All] of it:\x1b[0m" in told and "31 of 62" in told
    assert told.count(HIDES) == told.count(SHOWS) == 2
    assert told.rindex(HIDES) < told.index("left open so far") < told.rindex(SHOWS)


def test_a_terminal_that_can_do_nothing_is_told_the_words_alone():
    assert "\x1b" not in in_a_terminal({"TERM": "dumb"})


def in_a_terminal(environment):
    """All that a terminal is sent."""
    said, env = command(environment)
    ours, theirs = pty.openpty()
    with subprocess.Popen(said, env=env, stdout=theirs) as child:
        os.close(theirs)
        told = b""
        # Its end is an error of the reader's.
        while more := read(ours):
            told += more
    os.close(ours)
    assert child.returncode == 0
    return told.decode()


def read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""

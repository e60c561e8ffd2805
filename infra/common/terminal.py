"""Colours, bars, and lines that change, where there is a terminal to show them."""

import os
import sys
import textwrap

WIDTH = 100
IS_TERMINAL = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
HAS_COLOURS = IS_TERMINAL and not os.environ.get("NO_COLOR")
STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
CLEAR_THE_REST = "\x1b[K"


def styled(text, *styles):
    """The text in a style; as it is where there are no colours."""
    if not HAS_COLOURS or not styles or not text:
        return text
    return f"\x1b[{';'.join(str(STYLES[style]) for style in styles)}m{text}\x1b[0m"


def bar(done, total, width=16):
    """A bar as long as the share that is done."""
    filled = min(width, width * done // max(1, total))
    return styled("█" * filled, "green") + styled("░" * (width - filled), "dim")


def wrapped(text, *styles):
    """The text in lines that fit."""
    lines = textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)
    return [styled(line, *styles) for line in lines]


def say(*lines):
    """Prints lines at once, so that they are read while the work goes on."""
    print(*lines, sep="\n", flush=True)


class Line:
    """A line of which the end is not known yet."""

    def __init__(self, begin):
        self.begin = begin
        print(begin, end="", flush=True)

    def show(self, end):
        """An end that will change, in a terminal."""
        if IS_TERMINAL:
            print(f"\r{self.begin}{end}{CLEAR_THE_REST}", end="", flush=True)

    def close(self, end):
        """The end that stays."""
        say(f"\r{self.begin}{end}{CLEAR_THE_REST}" if IS_TERMINAL else end)

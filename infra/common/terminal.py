"""What is said in a terminal. In a pipe it is the words alone, without colours and moving lines."""

import sys
import textwrap

from rich.bar import Bar
from rich.console import Console
from rich.live import Live
from rich.text import Text

WIDTH = 100
CONSOLE = Console(
    # FORCE_COLOR is not asked: a log is read by machines too.
    force_terminal=sys.stdout.isatty(),
    markup=False,
    emoji=False,
    highlight=False,
    soft_wrap=True,
)


def styled(text, *styles):
    """The text in a style."""
    return Text(text, " ".join(styles))


def line(*parts):
    """Parts as one line, each in its style."""
    return Text.assemble(*parts)


def bar(done, total, width=16):
    """A bar as long as the share that is done."""
    drawn = CONSOLE.render(Bar(max(1, total), 0, done, width=width, color="green"))
    return line(*((part.text, part.style or "") for part in drawn if part.text != "\n"))


def wrapped(text, *styles):
    """The text in lines that fit."""
    lines = textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)
    return [styled(one, *styles) for one in lines]


def say(*lines):
    """Prints lines at once, so that they are read while the work goes on."""
    CONSOLE.print(*lines, sep="\n")


class OpenLine:
    """A line of which the end is not known yet. The ends that change are for a terminal alone."""

    def __init__(self, begin):
        self.begin, self.live = begin, None
        if CONSOLE.is_terminal and not CONSOLE.is_dumb_terminal:
            self.live = Live(begin, console=CONSOLE, auto_refresh=False)
            self.live.start(refresh=True)
        else:
            CONSOLE.print(begin, end="")

    def show(self, end):
        """An end that will change."""
        if self.live:
            self.live.update(line(self.begin, end), refresh=True)

    def close(self, end):
        """The end that stays."""
        if self.live:
            self.live.update(line(self.begin, end))
            self.live.stop()
        else:
            say(end)

    def leave(self):
        """Leaves the line as it is, and the terminal as it was."""
        if self.live:
            self.live.stop()

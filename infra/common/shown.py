"""An execution on the screen: a line for each state, with what it answered."""

from rich.text import Text

from .answers import answer, title
from .terminal import OpenLine, line, styled

INDENT = 46


class Shown:
    """What is on the screen of an execution: the lines of its states, the last one open."""

    def __init__(self, pages):
        self.pages, self.closed, self.line = pages, 0, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.line:
            self.line.leave()

    def bring_to(self, steps, has_ended):
        """Closes the lines of the states that have ended, and shows the one that is under way."""
        for place, step in enumerate(steps[self.closed :], self.closed):
            self.line = self.line or OpenLine(beginning(step))
            if step.next is None and not has_ended:
                self.line.show(self.pages.so_far() if is_long(step) else "")
                return
            self.close(step, steps[: place + 1])

    def close(self, step, steps):
        """Says what a state answered; a long one's bar stays."""
        answers = [
            styled(one, "red" if one == step.error else "cyan") for one in answer(step, steps)
        ]
        if is_long(step) and step.payload:
            answers.insert(0, self.pages.in_all(step.ended - step.began))
        self.line.close(Text(f"\n{' ' * INDENT}").join(answers))
        self.line, self.closed = None, self.closed + 1


def beginning(step):
    """The part of a state's line that is known when it is entered."""
    return line((f"{step.began:6.1f} s", "dim"), f"  {title(step.name):{INDENT - 10}}")


def is_long(step):
    """True of the state that makes many calls."""
    return step.name == "Gather the organizations"

"""Shows an execution of the demo while it runs, with the pages that were read."""

import json
import time

from common.executions import steps
from common.shown import Shown
from common.terminal import bar, line
from common.words import counted


def follow(stack, standins, execution):
    """Prints until the execution has ended, and returns its description."""
    with Shown(Pages(standins)) as shown:
        while True:
            described = stack.sfn.describe_execution(executionArn=execution)
            shown.bring_to(steps(stack.history(execution)), described["status"] != "RUNNING")
            if described["status"] != "RUNNING":
                described["output"] = json.loads(described.get("output") or "null")
                return described
            time.sleep(0.1)


class Pages:
    """The pages of organizations that were read, from the stand-ins' request log."""

    def __init__(self, standins):
        self.standins = standins
        instances = standins.state()["zendesk"].values()
        # A full last page is followed by an empty one.
        self.total = sum(len(one["organizations"]) // 100 + 1 for one in instances)

    def read(self):
        """How many were asked for until now."""
        page = ("GET", "/api/v2/organizations")
        return sum((call["method"], call["path"]) == page for call in self.standins.log())

    def so_far(self):
        """A bar that grows."""
        read = self.read()
        return line(bar(read, self.total), f" {read} of {self.total} pages")

    def in_all(self, seconds):
        """The bar as it was when the state ended."""
        read = self.read()
        return line(bar(read, self.total), f" {counted(read, 'page')} in {seconds:.1f} s")

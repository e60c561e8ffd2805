"""gather-orgs at a distance: whether it waits for anything besides the vendor's answers."""

from functools import partial

from common.programs import binary

from .figures import Figure, Part, at_most, ratio
from .measure import DATA, alternately, documents, median, of_versions, pages
from .pages import PARTNERS
from .runtime import invoked
from .stages import environment, event, files, references

# Seconds that every answer of a vendor takes.
LATENCY = 0.1
COUNT, OF_THE_OTHER, PARTNERS_OF_THE_OTHER = 10_000, 6_000, 20
# Their wall time is made of waiting, and varies little.
MOST_REPEATS = 3
BOTH = ("global", "us-government")


class Walk:
    """A walk over one instance or both, at a distance."""

    def __init__(self, bench):
        self.bench = bench
        self.accounts = documents(DATA / "scan")
        self.pages = {
            "global": pages(COUNT, PARTNERS),
            "us-government": pages(OF_THE_OTHER, PARTNERS_OF_THE_OTHER),
        }

    def run(self, instances, folder=None):
        """gather-orgs, once."""
        remote = self.bench.remote
        remote.begin(files(self.accounts), LATENCY, self.pages)
        env = environment("gather-orgs", remote, instances)
        said = event(accounts=references(self.accounts)["accounts"])
        sample = invoked(binary("gather-orgs", folder), env, said, self.bench.log)
        sample.counted = remote.tell()
        return sample

    def floor(self):
        """Seconds of a page as the leanest client sees it."""
        self.bench.remote.begin({}, LATENCY, self.pages)
        return self.bench.remote.floor_of_a_call("/api/v2/organizations?page%5Bsize%5D=100")


def measure(bench):
    """One instance, then both at once."""
    part, walk = Part("calls", "gather-orgs at a distance"), Walk(bench)
    floor = walk.floor()
    part.notes = [floor_note(LATENCY, floor)]
    for instances, most in ((("global",), 1.02), (BOTH, 1.03)):
        what = " and ".join(instances)
        print(f"  gather-orgs, {LATENCY * 1e3:.0f} ms, {what}", flush=True)
        subjects = of_versions(bench, partial(walk.run, instances))
        samples = alternately(min(bench.repeats, MOST_REPEATS), subjects)
        part.add_samples(f"gather-orgs, {LATENCY * 1e3:.0f} ms, {what}", samples)
        part.figures.append(figure(what, samples, most, floor))
    return part


def longest(sample):
    """The calls of the instance that got the most."""
    return max(sum(kinds.values()) for kinds in sample.counted["calls"].values())


def figure(what, samples, most, floor):
    """Wall time beside what the calls must take."""
    ours = samples["partner-sync"]
    calls, wall = longest(ours[0]), median(ours, "wall")
    before = samples.get("before")
    return Figure(
        name=f"gather-orgs wall / (calls x {LATENCY * 1e3:.0f} ms), {what}",
        goal=f"at most {most}",
        measured=f"{wall:.3f} s, {calls} calls",
        share=ratio(wall, calls * LATENCY),
        met=at_most(wall, calls * LATENCY * most),
        floor=f"{calls * floor:.3f} s",
        before=f"{ratio(median(before, 'wall'), longest(before[0]) * LATENCY)}" if before else "",
    )


def floor_note(latency, floor):
    """How precise the latency is."""
    more = (floor - latency) * 1e6
    return (
        f"A call of {latency * 1e3:.0f} ms takes {floor * 1e3:.3f} ms from a bare socket: "
        f"{more:.0f} \u00b5s of it are the server's and the kernel's."
    )

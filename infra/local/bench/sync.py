"""sync at a distance: whether anything but the vendor's answers is waited for, and its progress."""

import re
from dataclasses import dataclass

from ..processes import ROOT
from ..programs import binary
from .calls import floor_note
from .documents import Shape
from .figures import Figure, Part, at_most, ratio
from .measure import alternately, documents, median, of_versions
from .runtime import invoked
from .scan import check
from .stages import environment, event, files, references

LATENCY = 0.02
MOST = 1.05
MOST_GROWTH = 6
# Their wall time is made of waiting, and varies little.
MOST_REPEATS = 3
# Equal pairs beside what changes: marks are held if there is no account at all.
EQUAL = 100
JOBS = ROOT / "functions" / "sync" / "src" / "jobs.rs"
POLL = re.compile(r"POLL_INTERVAL: Duration = Duration::from_(secs|millis)\((\d+)\)")


@dataclass(frozen=True)
class Case:
    """What is to be applied."""

    count: int
    kind: str
    has_goal: bool = True

    @property
    def words(self):
        """As the table says it."""
        return f"{self.count:,} {self.kind}"


CASES = [
    Case(200, "creates", False),
    Case(1000, "creates"),
    Case(1000, "updates"),
    Case(10_000, "updates"),
    Case(1000, "marks"),
]


@dataclass(frozen=True)
class Floors:
    """Seconds of a call as the leanest client sees it."""

    vendor: float
    s3: float

    @classmethod
    def measured(cls, remote):
        """Small calls, one after the other."""
        remote.begin({}, LATENCY)
        vendor = remote.floor_of_a_call("GET", "/api/v2/organizations/1/related")
        s3 = remote.floor_of_a_call("PUT", "/bench/floor", b"x" * 1000, "aws", times=200)
        return cls(vendor, s3)

    def of(self, counted):
        """What a run's calls take at least, one after the other."""
        calls = sum(counted["calls"]["global"].values())
        return calls * self.vendor + sum(counted["aws"].values()) * self.s3


def poll_seconds():
    """The pause that sync makes before it looks at jobs, which must have their time."""
    found = POLL.search(JOBS.read_text())
    if not found:
        raise SystemExit(f"{JOBS} says no POLL_INTERVAL: teach it to infra/local/bench/sync.py")
    return int(found[2]) / (1 if found[1] == "secs" else 1000)


class Applied:
    """One case, planned by compare, then applied again and again from the same objects."""

    def __init__(self, bench, case):
        self.bench, self.case = bench, case
        folder = bench.folder / case.words.replace(" ", "-").replace(",", "")
        shape = Shape(**{"equal": EQUAL, case.kind: case.count})
        self.documents = documents(folder, shape, bench.remote.host("global"))
        self.plans = {}

    def plan(self, folder):
        """Has compare make the plan; where it is. The server remembers the objects."""
        remote = self.bench.remote
        remote.begin(files(self.documents))
        said = event(task="compare", **references(self.documents))
        env = environment("compare", remote)
        sample = invoked(binary("compare", folder), env, said, self.bench.log)
        check(sample.answer["summary"]["counts"][self.case.kind], self.case.count)
        check(sample.answer["summary"]["held"], [])
        remote.tell(keep=str(folder))
        return sample.answer["plan"]

    def run(self, folder=None):
        """sync, once, from the plan to the end of the run."""
        remote = self.bench.remote
        if folder not in self.plans:
            self.plans[folder] = self.plan(folder)
        remote.tell(restore=str(folder), latency=LATENCY, forget=1)
        said = event(plan=self.plans[folder])
        env = environment("sync", remote)
        sample = invoked(binary("sync", folder), env, said, self.bench.log)
        sample.counted = remote.tell()
        applied = sample.answer["summary"]["applied"]
        check(applied[done_word(self.case.kind)], self.case.count)
        sample.wall -= required(sample.counted["before_looks"], poll_seconds())
        return sample


def done_word(kind):
    """What the output calls it."""
    return {"creates": "created", "updates": "updated", "marks": "marked"}[kind]


def required(before_looks, pause):
    """Seconds that had to be waited before looks at the jobs: the pause of each that had one."""
    return sum(pause for seconds in before_looks if seconds >= pause)


def measure(bench):
    """Every case."""
    part = Part("sync", "sync at a distance")
    floors = Floors.measured(bench.remote)
    part.notes = [
        f"{floor_note(LATENCY, floors.vendor)} One to S3 takes {floors.s3 * 1e3:.3f} ms, and is "
        "part of the floor as well.",
        "Not counted is what has to be waited for: Wait states, and the pause before each look at "
        f"the jobs ({poll_seconds():g} s).",
    ]
    by_case = {}
    for case in CASES:
        print(f"  sync of {case.words}, {LATENCY * 1e3:.0f} ms", flush=True)
        subjects = of_versions(bench, Applied(bench, case).run)
        by_case[case] = alternately(min(bench.repeats, MOST_REPEATS), subjects)
        part.add_samples(f"sync, {case.words}, {LATENCY * 1e3:.0f} ms", by_case[case])
    part.figures = [of_time(case, samples, floors) for case, samples in by_case.items()]
    part.figures.append(of_state(by_case[CASES[0]], by_case[CASES[1]]))
    return part


def calls(samples):
    """The vendor's calls of a run."""
    return sum(samples[0].counted["calls"]["global"].values())


def share(samples):
    """Wall time in calls."""
    return median(samples, "wall") / (calls(samples) * LATENCY)


def of_time(case, samples, floors):
    """Wall time beside what the calls must take."""
    ours = samples["partner-sync"]
    return Figure(
        name=f"sync wall / (calls x {LATENCY * 1e3:.0f} ms), {case.words}",
        goal=f"at most {MOST}" if case.has_goal else "",
        measured=f"{median(ours, 'wall'):.3f} s, {calls(ours)} calls",
        share=f"{share(ours):.3f}",
        met=at_most(share(ours), MOST) if case.has_goal else None,
        floor=f"{floors.of(ours[0].counted):.3f} s",
        before=f"{share(samples['before']):.3f}" if "before" in samples else "",
    )


def of_state(few, many):
    """How the progress that is written grows with the creates."""

    def bytes_of(samples):
        return samples[0].counted["state_bytes"]

    ours = bytes_of(few["partner-sync"]), bytes_of(many["partner-sync"])
    before = ""
    if "before" in few:
        before = ratio(bytes_of(many["before"]), bytes_of(few["before"]))
    return Figure(
        name="bytes of progress put to S3, 1,000 creates / 200 creates",
        goal=f"at most {MOST_GROWTH}",
        measured=f"{ours[1]:,} / {ours[0]:,}",
        share=ratio(ours[1], ours[0]),
        met=at_most(ours[1], MOST_GROWTH * ours[0]),
        before=before,
    )

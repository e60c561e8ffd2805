"""sync at a distance: whether it waits for anything besides the vendor's answers; its progress."""

from dataclasses import dataclass

from common.programs import LAMBDA, binary
from common.tables import tables

from .calls import floor_note
from .child import PLAIN, run
from .documents import Shape
from .figures import Figure, Part, at_most, ratio
from .measure import Subject, alternately, documents, median, of_versions
from .runtime import Sample, invoked
from .scan import check
from .stages import environment, event, files, references

LATENCY = 0.02
MOST = 1.05
MOST_GROWTH = 6
# Their wall time is made of waiting, and varies little.
MOST_REPEATS = 3
# Equal pairs beside what changes: marks are held if there is no account at all.
EQUAL = 100
FLOOR = "floor-calls"


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


def poll_seconds():
    """The pause that sync makes before it looks at jobs, which must have their time."""
    return tables()["job_poll_seconds"]


class Applied:
    """One case, planned by compare, then applied again and again from the same objects."""

    def __init__(self, bench, case):
        self.bench, self.case = bench, case
        folder = bench.folder / case.words.replace(" ", "-").replace(",", "")
        shape = Shape(**{"equal": EQUAL, case.kind: case.count})
        self.documents = documents(folder, shape, bench.remote.host("global"))
        self.plans = {}
        # What a run asks, and how much of each kind.
        self.asked, self.recorded = folder / "asked.jsonl", None

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

    def begin(self, folder, **more):
        """The server as it was when the plan was made."""
        if folder not in self.plans:
            self.plans[folder] = self.plan(folder)
        self.bench.remote.tell(restore=str(folder), latency=LATENCY, forget=1, **more)

    def run(self, folder=None, **more):
        """sync, once, from the plan to the end of the run."""
        remote = self.bench.remote
        self.begin(folder, **more)
        said = event(plan=self.plans[folder])
        env = environment("sync", remote)
        sample = invoked(binary("sync", folder), env, said, self.bench.log)
        sample.counted = remote.tell()
        applied = sample.answer["summary"]["applied"]
        check(applied[done_word(self.case.kind)], self.case.count)
        sample.wall -= required(sample.counted["before_looks"], poll_seconds())
        return sample

    def floor(self):
        """The calls of a run, and nothing else."""
        remote = self.bench.remote
        if self.recorded is None:
            self.recorded = self.run(record=1).counted["calls"]
            remote.tell(recorded=str(self.asked))
        self.begin(None)
        log = self.bench.folder / "floor.log"
        log.unlink(missing_ok=True)
        env = {**PLAIN, **environment("sync", remote), "ZENDESK": remote.address("global")}
        used, _ = run([LAMBDA / FLOOR / "bootstrap", self.asked], log, env)
        check(remote.tell()["calls"], self.recorded)
        wall = float(log.read_text().split()[0])
        return Sample(wall=wall, whole=wall, cpu=used.cpu, peak=used.peak)


def done_word(kind):
    """What the output calls it."""
    return {"creates": "created", "updates": "updated", "marks": "marked"}[kind]


def required(before_looks, pause):
    """Seconds that had to be waited before looks at the jobs: the pause of each that had one."""
    return sum(pause for seconds in before_looks if seconds >= pause)


def measure(bench):
    """Every case."""
    part = Part("sync", "sync at a distance")
    bench.remote.begin({}, LATENCY)
    of_a_call = bench.remote.floor_of_a_call("/api/v2/organizations/1/related")
    part.notes = [
        floor_note(LATENCY, of_a_call),
        "The floor: the same calls of Zendesk and S3, recorded and asked again one after the "
        "other by reqwest and the AWS SDK, which this project is bound to, and nothing else.",
        "Not counted is what has to be waited for: Wait states, and the pause before each look at "
        f"the jobs ({poll_seconds():g} s).",
    ]
    by_case = {}
    for case in CASES:
        print(f"  sync of {case.words}, {LATENCY * 1e3:.0f} ms", flush=True)
        applied = Applied(bench, case)
        subjects = of_versions(bench, applied.run)
        if bench.has_floor(FLOOR):
            subjects.append(Subject("floor", applied.floor))
        by_case[case] = alternately(min(bench.repeats, MOST_REPEATS), subjects)
        part.add_samples(f"sync, {case.words}, {LATENCY * 1e3:.0f} ms", by_case[case])
    part.figures = [of_time(case, samples) for case, samples in by_case.items()]
    part.figures.append(of_state(by_case[CASES[0]], by_case[CASES[1]]))
    return part


def calls(samples):
    """The vendor's calls of a run."""
    return sum(samples[0].counted["calls"]["global"].values())


def share(samples):
    """Wall time in calls."""
    return median(samples, "wall") / (calls(samples) * LATENCY)


def of_time(case, samples):
    """Wall time beside what the calls must take."""
    ours = samples["partner-sync"]
    return Figure(
        name=f"sync wall / (calls x {LATENCY * 1e3:.0f} ms), {case.words}",
        goal=f"at most {MOST}" if case.has_goal else "",
        measured=f"{median(ours, 'wall'):.3f} s, {calls(ours)} calls",
        share=f"{share(ours):.3f}",
        met=at_most(share(ours), MOST) if case.has_goal else None,
        floor=f"{median(samples['floor'], 'wall'):.3f} s" if "floor" in samples else "",
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

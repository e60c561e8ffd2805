"""The walk over all organizations: its processor time, its growth, and its memory."""

import json
import re
from functools import partial

from common.programs import LAMBDA, binary

from .child import run
from .figures import Figure, Part, at_most, ratio
from .measure import DATA, Subject, alternately, documents, median, pages, peer
from .pages import LOOKALIKES, PARTNERS
from .runtime import Sample, invoked
from .stages import environment, event, files, references

# Where the floor and the peers are measured as well.
COMPARED = 100_000
MOST_PEAK_MIB = 40


class Scan:
    """Everything that a scan of one size is measured with."""

    def __init__(self, bench, count):
        self.bench, self.count = bench, count
        self.accounts = documents(DATA / "scan")
        self.pages = pages(count, PARTNERS)

    def begin(self, latency=0.0):
        """The server as before the first scan."""
        self.bench.remote.begin(files(self.accounts), latency, {"global": self.pages})

    def ours(self, folder=None):
        """A scan by gather-orgs."""
        self.begin()
        remote = self.bench.remote
        env = environment("gather-orgs", remote)
        said = event(accounts=references(self.accounts)["accounts"])
        sample = invoked(binary("gather-orgs", folder), env, said, self.bench.log)
        sample.counted = remote.tell()
        check(sample.answer["organizations"]["count"], PARTNERS)
        check(sample.counted["calls"]["global"]["page"], -(-self.count // 100))
        return sample

    def peer(self, script):
        """A scan by a peer, which must have found the same."""
        self.begin()
        result = self.bench.folder / "scanned.json"

        def same():
            said = json.loads(result.read_text())
            check(said["scanned"], self.count)
            check(len(said["organizations"]), PARTNERS)
            check(len(said["lookalikes"]), LOOKALIKES)

        base, accounts = self.bench.remote.address("global"), self.accounts / "accounts.json"
        return peer(script, base, accounts, result, same=same, log=self.bench.log)

    def floor(self):
        """Every page decompressed and read into typed fields, and nothing else."""
        log = self.bench.folder / "floor.log"
        log.unlink(missing_ok=True)
        used, took = run([LAMBDA / "floor-scan" / "bootstrap", self.pages], log)
        check(int(re.search(r"\d+", log.read_text())[0]), self.count)
        return Sample(wall=took, whole=took, cpu=used.cpu, peak=used.peak)


def check(found, wanted):
    """Only what does the same work is compared."""
    if found != wanted:
        raise SystemExit(f"the work is not the same: {found} instead of {wanted}")


def subjects(bench, scan):
    """What is measured at a size."""
    yield Subject("partner-sync", scan.ours)
    if bench.before and scan.count in bench.before_sizes:
        yield Subject("before", partial(scan.ours, bench.before))
    if scan.count == COMPARED:
        if bench.has_floor("floor-scan"):
            yield Subject("floor", scan.floor)
        yield Subject("requests", partial(scan.peer, "scan_requests.py"))
        yield Subject("zenpy", partial(scan.peer, "scan_zenpy.py"), most=3)


def measure(bench):
    """Scans of every size."""
    part = Part("scan", "The walk over all organizations")
    by_size = {}
    for count in bench.sizes:
        print(f"  a scan of {count:,} organizations", flush=True)
        scan = Scan(bench, count)
        by_size[count] = alternately(bench.repeats_of(count), list(subjects(bench, scan)))
        part.add_samples(f"scan, {count:,}", by_size[count], wall="whole")
    part.figures = [*of_cpu(by_size.get(COMPARED, {})), *of_growth(by_size), *of_memory(by_size)]
    return part


def of_cpu(samples):
    """Processor time beside the floor's and the peers'."""
    cpu = {name: median(these, "cpu") for name, these in samples.items()}
    for name, goal in (("floor", 2), ("requests", 1 / 3), ("zenpy", 1 / 12)):
        if name not in cpu:
            continue
        words = "2 x the floor" if name == "floor" else f"1/{round(1 / goal)} of {name}"
        yield Figure(
            name=f"scan CPU, {COMPARED:,}, beside {name}",
            goal=f"at most {words}",
            measured=f"{cpu['partner-sync']:.2f} s; {name} {cpu[name]:.2f} s",
            share=ratio(cpu["partner-sync"], cpu[name]),
            met=at_most(cpu["partner-sync"], cpu[name] * goal),
            floor=f"{cpu['floor']:.2f} s" if "floor" in cpu else "",
            before=f"{cpu['before']:.2f} s" if "before" in cpu else "",
        )


def of_growth(by_size):
    """Whether a page costs the same however many came before it."""
    ours = {count: samples["partner-sync"] for count, samples in by_size.items()}
    before = {count: one["before"] for count, one in by_size.items() if "before" in one}
    if {COMPARED, 10 * COMPARED} <= ours.keys():
        larger, smaller = (median(ours[count], "cpu") for count in (10 * COMPARED, COMPARED))
        yield Figure(
            name="scan CPU, 1,000,000 / 100,000",
            goal="at most 11",
            measured=f"{larger:.2f} s / {smaller:.2f} s",
            share=ratio(larger, smaller),
            met=at_most(larger, 11 * smaller),
        )
    for count, samples in ours.items():
        yield Figure(
            name=f"time of a page, {count:,}",
            goal="",
            measured=of_a_page(samples, count),
            before=of_a_page(before[count], count) if count in before else "",
        )


def of_a_page(samples, count):
    """Processor and wall time of a page, in milliseconds."""
    pages = -(-count // 100)
    cpu, wall = (median(samples, key) * 1e3 / pages for key in ("cpu", "wall"))
    return f"CPU {cpu:.2f} ms, wall {wall:.2f} ms"


def of_memory(by_size):
    """Whether memory grows with the organizations that are dropped."""
    peaks = {count: median(samples["partner-sync"], "peak") for count, samples in by_size.items()}
    if len(peaks) < 2:
        return
    small, large = min(peaks), max(peaks)
    is_met = at_most(peaks[large], 2 * peaks[small]) and peaks[large] < MOST_PEAK_MIB
    yield Figure(
        name=f"peak memory of a scan with {PARTNERS} partners, {large:,} / {small:,}",
        goal=f"at most 2.0, and below {MOST_PEAK_MIB} MiB",
        measured=f"{peaks[large]:.1f} MiB / {peaks[small]:.1f} MiB",
        share=ratio(peaks[large], peaks[small]),
        met=is_met if (small, large) == (10_000, 1_000_000) else None,
    )

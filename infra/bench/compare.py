"""The comparison of many accounts with as many organizations, reading the documents included."""

import json
from functools import partial

from common.programs import binary

from .documents import Shape
from .figures import Figure, Part, at_most, ratio
from .measure import DATA, Subject, alternately, documents, median, peer
from .runtime import invoked
from .scan import check
from .stages import environment, event, files, memory_size, references

# What a Lambda of the template's size must hold, and what is compared with polars.
SMALL, LARGE = 100_000, 1_000_000
MOST_OF_POLARS_MEMORY = 0.4
# Its two ways to get at the documents: as they are, and after the text between two records was
# made a new line, which a name that holds it would break. The goals are about the first.
AS_THEY_ARE, REWRITTEN = "read_json", "read_ndjson"
POLARS = [AS_THEY_ARE, REWRITTEN]


class Comparison:
    """Everything that a comparison of one size is measured with."""

    def __init__(self, bench, count):
        self.bench, self.count, self.shape = bench, count, Shape.of_size(count)
        self.folder = documents(DATA / f"compare-{count}", self.shape)

    def ours(self, folder=None):
        """compare, which gets the documents from S3 and writes the plan there."""
        remote = self.bench.remote
        remote.begin(files(self.folder))
        said = event(task="compare", **references(self.folder))
        env = environment("compare", remote)
        sample = invoked(binary("compare", folder), env, said, self.bench.log)
        counts = sample.answer["summary"]["counts"]
        for key in ("creates", "updates", "marks"):
            check(counts[key], getattr(self.shape, key))
        return sample

    def peer(self, script, *how):
        """A peer, which reads and writes files and must have found the same."""
        result = self.bench.folder / "plan.json"

        def same():
            plan = json.loads(result.read_text())
            for key in ("creates", "updates", "marks"):
                check(len(plan[key]), getattr(self.shape, key))

        paths = (self.folder / "accounts.json", self.folder / "organizations.json", result)
        return peer(script, *how, *paths, same=same, log=self.bench.log)


def subjects(bench, comparison):
    """What is measured at a size."""
    yield Subject("partner-sync", comparison.ours)
    if bench.before and comparison.count in bench.before_sizes:
        yield Subject("before", partial(comparison.ours, bench.before))
    for how in POLARS:
        script = partial(comparison.peer, "compare_polars.py", how)
        yield Subject(f"polars, {how}", script)
    if comparison.count < LARGE:
        yield Subject("dictionaries", partial(comparison.peer, "compare_dict.py"))


def measure(bench):
    """Both sizes."""
    part = Part("compare", "The comparison")
    part.notes = [
        "Wall time is from the start of a program to its answer: the import of polars is part of "
        "it. compare gets its documents from S3, the others from files. polars' read_ndjson is "
        "given another text: each record on a line of its own, by replacing what stands between "
        "two of them. It is faster, and a name that holds these characters would break it.",
    ]
    by_size = {}
    for count in [count for count in (SMALL, LARGE) if count in bench.sizes]:
        print(f"  a comparison of {count:,} with {count:,}", flush=True)
        comparison = Comparison(bench, count)
        these = list(subjects(bench, comparison))
        by_size[count] = alternately(bench.repeats_of(count), these)
        part.add_samples(f"compare, {count:,} with {count:,}", by_size[count], wall="whole")
    for count, samples in by_size.items():
        for how in POLARS:
            part.figures += [of_time(count, samples, how), of_memory(count, samples, how)]
    if SMALL in by_size:
        part.figures.append(of_lambda(by_size[SMALL]))
    return part


def beside(samples, how, key):
    """Ours and polars'."""
    return median(samples["partner-sync"], key), median(samples[f"polars, {how}"], key)


def of_time(count, samples, how):
    """Wall time beside polars'."""
    ours, polars = beside(samples, how, "whole")
    before = samples.get("before")
    is_goal = count == LARGE and how == AS_THEY_ARE
    return Figure(
        name=f"compare {count:,} with {count:,}, wall, beside {how}",
        goal=f"less than polars' {AS_THEY_ARE}" if is_goal else "",
        measured=f"{ours:.2f} s; polars {polars:.2f} s",
        share=ratio(ours, polars),
        met=ours < polars if is_goal else None,
        before=f"{median(before, 'whole'):.2f} s" if before else "",
    )


def of_memory(count, samples, how):
    """Peak memory beside polars'."""
    ours, polars = beside(samples, how, "peak")
    before = samples.get("before")
    is_goal = count == LARGE and how == AS_THEY_ARE
    return Figure(
        name=f"compare {count:,} with {count:,}, peak memory, beside {how}",
        goal=f"at most 40 % of {AS_THEY_ARE}'s" if is_goal else "",
        measured=f"{ours:.0f} MiB; polars {polars:.0f} MiB",
        share=ratio(ours, polars),
        met=at_most(ours, polars * MOST_OF_POLARS_MEMORY) if is_goal else None,
        before=f"{median(before, 'peak'):.0f} MiB" if before else "",
    )


def of_lambda(samples):
    """Whether the smaller comparison fits into its Lambda."""
    peak, size = median(samples["partner-sync"], "peak"), memory_size()
    return Figure(
        name=f"compare {SMALL:,} with {SMALL:,}, in the memory of its Lambda",
        goal=f"below {size} MiB",
        measured=f"{peak:.0f} MiB",
        share=ratio(peak, size),
        met=peak < size,
        before=f"{median(samples['before'], 'peak'):.0f} MiB" if "before" in samples else "",
    )

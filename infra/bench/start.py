"""Cold starts: from exec to the first question for an event."""

from common.programs import FUNCTIONS, LAMBDA, binary

from .figures import Figure, Part, ratio
from .measure import Subject, alternately, median
from .runtime import started
from .stages import environment

RUNS = 20
MOST_SECONDS, MOST_FLOORS = 0.003, 1.5
FLOOR = "floor-start"


def measure(bench):
    """Every function in turn, again and again."""
    part = Part("start", "Cold starts")
    found = alternately(RUNS if bench.repeats > 1 else 5, list(subjects(bench)), tells=False)
    floor = median(found[FLOOR], "first_next") if FLOOR in found else None
    for function in FUNCTIONS:
        ours = median(found[function], "first_next")
        before = found.get(f"{function}, before")
        is_met = ours <= MOST_SECONDS or (floor is not None and ours <= MOST_FLOORS * floor)
        part.figures.append(
            Figure(
                name=f"cold start of {function}, median of {len(found[function])}",
                goal="at most 3 ms, or 1.5 x the floor",
                measured=f"{ours * 1e3:.2f} ms",
                share=ratio(ours, floor) if floor else "",
                met=is_met,
                floor=f"{floor * 1e3:.2f} ms" if floor else "",
                before=f"{median(before, 'first_next') * 1e3:.2f} ms" if before else "",
            )
        )
    return part


def subjects(bench):
    """The functions, the floor, and the functions before."""

    def start(program, name):
        with started(program, environment(name, bench.remote), bench.log) as (_, _, sample):
            pass
        return sample

    def subject(name, program, function):
        return Subject(name, lambda: start(program, function))

    for function in FUNCTIONS:
        yield subject(function, binary(function), function)
        if bench.before:
            yield subject(f"{function}, before", binary(function, bench.before), function)
    if bench.has_floor(FLOOR):
        yield subject(FLOOR, LAMBDA / FLOOR / "bootstrap", FLOOR)

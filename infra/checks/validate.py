"""make validate: what cfn-lint does not see of the template and of the state machines in it."""

import json
import re
import sys

from common.places import ROOT
from common.tables import tables
from common.template import definitions, template
from common.version import this_version

from . import guarded, observed, policies, retries, roles, sizes

# Functions that fail on an unexpected value, and with them a state that cannot catch the error.
RISKY = re.compile(r"\$(?:parse|number|eval|toMillis|error|assert)(?=\()")
AWS_ERRORS = re.compile(r"(States|Lambda|DynamoDB|Sfn|SNS|Runtime|Sandbox)\.[A-Za-z]+$")


def problems(machines, whole, names):
    """What is wrong with the template and its state machines, logical id to definition."""
    resources = whole["Resources"]
    for machine, definition in machines.items():
        yield from definition_problems(definition, names)
        given = resources[machine]["Properties"]["DefinitionSubstitutions"]
        yield from substitution_problems(machine, definition, given)
    yield from roles.problems(resources)
    yield from guarded.problems(resources)
    yield from sizes.problems(whole)
    yield from version_problems(whole)


def substitution_problems(machine, definition, given):
    """Names a definition uses and is not given, or is given and does not use."""
    wanted = set(re.findall(r"\$\{(\w+)\}", json.dumps(definition)))
    if wanted != set(given):
        yield f"{machine}: DefinitionSubstitutions: {sorted(given)} given, {sorted(wanted)} used"


def definition_problems(definition, names):
    """States nobody reaches or that lead nowhere, failures nobody catches, unknown errors."""
    states = definition["States"]
    reached, queue = set(), [definition["StartAt"]]
    while queue:
        name = queue.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states.get(name)
        if state is None:
            yield f"{name}: no such state"
            continue
        if not state.get("Comment"):
            yield f"{name}: no Comment for who reads it in the console"
        if state["Type"] == "Task":
            caught = [error for catch in state.get("Catch", []) for error in catch["ErrorEquals"]]
            if "States.ALL" not in caught:
                yield f"{name}: not every failure is caught"
            if not state.get("Retry") or "TimeoutSeconds" not in state:
                yield f"{name}: no Retry or no TimeoutSeconds"
        elif risky := RISKY.findall(json.dumps(state)):
            yield f"{name}: nothing catches it if {', '.join(risky)} fails; compute it in a Task"
        for rule in state.get("Retry", []) + state.get("Catch", []):
            yield from (
                f"{name}: {error} is not on the closed list"
                for error in rule["ErrorEquals"]
                if not known(error, names)
            )
        queue += [state[key] for key in ("Next", "Default") if key in state]
        queue += [rule["Next"] for rule in state.get("Catch", []) + state.get("Choices", [])]
        if not ({"Next", "Default", "End"} & set(state)) and state["Type"] != "Fail":
            yield f"{name}: leads nowhere"
    yield from (f"{name}: never reached" for name in set(states) - reached)


def version_problems(whole):
    """The release that the outputs and the change log name is the one of Cargo.toml."""
    wanted, shown = this_version(), whole["Outputs"]["Version"]["Value"]
    if str(shown) != wanted:
        yield f"the output Version is {shown}, and Cargo.toml says {wanted}"
    newest = re.search(r"^## (.+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    if not newest or newest[1].strip() != wanted:
        said = newest[1] if newest else "nothing"
        yield f"the newest part of CHANGELOG.md is {said}, and Cargo.toml says {wanted}"


def known(error, names):
    return error in names or AWS_ERRORS.match(error)


def main():
    text, whole = (ROOT / "infra" / "template.yaml").read_text(), template()
    names = set(tables()["errors"])
    found = [*sizes.template_problems(text), *problems(definitions(), whole, names)]
    found += observed.problems(names)
    found += retries.problems(definitions())
    found += policies.problems()
    print(
        "\n".join(found)
        or "infra: every state is reached and leads on, every error name is known, every failure "
        "has the meant retries; each role may do what its owner is for; nobody else writes; "
        "metrics, alarms, dashboard and runbook agree"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

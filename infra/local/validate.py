"""make validate: what cfn-lint does not see of the two state machines' definitions."""

import json
import re
import sys

from . import observed
from .processes import ROOT
from .template import template

AWS_ERRORS = re.compile(r"(States|Lambda|DynamoDB|Sfn|SNS|Runtime|Sandbox)\.[A-Za-z]+$")


def problems(definition, resources, names):
    """What is wrong with the definitions. The starter's stands in the template."""
    yield from definition_problems(definition, names)
    yield from definition_problems(resources["Starter"]["Properties"]["Definition"], names)
    yield from secrets_problems(resources)
    wanted = set(re.findall(r"\$\{(\w+)\}", json.dumps(definition)))
    given = set(resources["StateMachine"]["Properties"]["DefinitionSubstitutions"])
    if wanted != given:
        yield f"DefinitionSubstitutions: {sorted(given)} given, {sorted(wanted)} used"


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


def secrets_problems(resources):
    """Each function may read its own secrets and no other; compare none."""
    allowed = {
        "GatherAccounts": {"SalesforceSecretName"},
        "GatherOrgs": {"ZendeskGlobalSecretName", "ZendeskUsGovernmentSecretName"},
        "Compare": set(),
        "Sync": {"ZendeskGlobalSecretName"},
    }
    for name, secrets in allowed.items():
        block = json.dumps(resources[name])
        readable = set(re.findall(r"secret:\$\{(\w+)\}", block))
        if readable != secrets or ("secretsmanager" in block) != bool(secrets):
            yield f"{name}: may read the secrets {sorted(readable)} instead of {sorted(secrets)}"


def known(error, names):
    return error in names or AWS_ERRORS.match(error)


def main():
    definition = json.loads((ROOT / "infra" / "statemachine.asl.json").read_text())
    source = (ROOT / "shared" / "src" / "error.rs").read_text()
    names = set(re.findall(r'"(Sync\.\w+)"', source.split("NAMES")[1].split("];")[0]))
    found = [*problems(definition, template()["Resources"], names), *observed.problems(names)]
    print(
        "\n".join(found)
        or "infra: every state is reached and leads on, every error name is known; "
        "metrics, alarms, dashboard and runbook agree"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

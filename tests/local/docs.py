"""make docs: the parts of README.md that follow from infra/, between markers. `check` says whether they are current."""

import json
import sys

from .processes import ROOT
from .template import template

README = ROOT / "README.md"


def picture():
    """The state machine as a Mermaid diagram, without the ways to a failure."""
    definition = json.loads((ROOT / "infra" / "statemachine.asl.json").read_text())
    states = definition["States"]
    number = {name: f"s{place}" for place, name in enumerate(states)}
    lines = ["```mermaid", "flowchart TD"]
    shapes = {"Choice": ("{{", "}}"), "Wait": ("([", "])"), "Fail": ("[[", "]]")}
    for name, state in states.items():
        left, right = shapes.get(state["Type"], ("[", "]"))
        lines.append(f'  {number[name]}{left}"{name}"{right}')
    for name, state in states.items():
        ways = [state.get("Next"), state.get("Default"), *(rule["Next"] for rule in state.get("Choices", []))]
        ways += [rule["Next"] for rule in state.get("Catch", []) if rule["ErrorEquals"] != ["States.ALL"]]
        lines += [f"  {number[name]} --> {number[way]}" for way in dict.fromkeys(way for way in ways if way)]
    caught = {rule["Next"] for state in states.values() for rule in state.get("Catch", []) if "failure" in rule.get("Assign", {})}
    lines += [f"  any([any other failure]) --> {number[name]}" for name in sorted(caught)]
    lines.append(f"  start((start)) --> {number[definition['StartAt']]}")
    entered = {line.split(" --> ")[1] for line in lines if " --> " in line}
    if entered != set(number.values()):
        raise SystemExit("the picture would show states nobody enters")
    return "\n".join([*lines, "```"])


def parameters():
    """The template's parameters as a table."""
    rows = ["| parameter | default | allowed | what it is |", "|---|---|---|---|"]
    for name, value in template()["Parameters"].items():
        allowed = f"{value['MinValue']} to {value['MaxValue']}" if "MinValue" in value else ", ".join(value.get("AllowedValues", ["text"]))
        default = "(empty)" if value["Default"] == "" else value["Default"]
        rows.append(f"| `{name}` | `{default}` | {allowed} | {value['Description']} |")
    return "\n".join(rows)


def current(text):
    """The README with its generated parts made anew."""
    for name, make in (("picture", picture), ("parameters", parameters)):
        begin, end = f"<!-- {name}: made by make docs -->", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{make()}\n{end}{rest.split(end)[1]}"
    return text


def main():
    text = README.read_text()
    if sys.argv[1:] == ["check"]:
        if current(text) != text:
            print("README.md is not current: make docs")
            return 1
        return 0
    README.write_text(current(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

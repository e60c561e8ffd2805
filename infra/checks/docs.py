"""make docs: the parts of documents and template that follow from other files, between markers.

`check` says whether they are current, whether every document is reached from the README, and
whether the files and the commands that the documents name are there.
"""

import graphlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from common.places import ROOT
from common.template import definitions, template

from .costs import costs, storage
from .fields import organization_fields, salesforce_fields
from .sync_file import keys

# After `make`: variables, then the target.
MAKE = re.compile(r"(?:^ *|[;&|(] *|\$ )make(?: +[A-Z_]+=\S+)* +([a-z][\w-]*)", re.MULTILINE)


def picture():
    """The state machine as a Mermaid diagram, without the ways to a failure."""
    definition = definitions()["StateMachine"]
    states = definition["States"]
    number = {name: f"s{place}" for place, name in enumerate(states)}
    lines = ["```mermaid", "flowchart TD"]
    shapes = {"Choice": ("{{", "}}"), "Wait": ("([", "])"), "Fail": ("[[", "]]")}
    for name, state in states.items():
        left, right = shapes.get(state["Type"], ("[", "]"))
        lines.append(f'  {number[name]}{left}"{name}"{right}')
    for name, state in states.items():
        lines += [f"  {number[name]} --> {number[way]}" for way in ways_on(state)]
    caught = {
        rule["Next"]
        for state in states.values()
        for rule in state.get("Catch", [])
        if "failure" in rule.get("Assign", {})
    }
    lines += [f"  any([any other failure]) --> {number[name]}" for name in sorted(caught)]
    lines.append(f"  start((start)) --> {number[definition['StartAt']]}")
    entered = {line.split(" --> ")[1] for line in lines if " --> " in line}
    if entered != set(number.values()):
        raise SystemExit("the picture would show states nobody enters")
    return "\n".join([*lines, "```"])


def ways_on(state):
    """The states a state leads to, each once."""
    ways = [state.get("Next"), state.get("Default")]
    ways += [rule["Next"] for rule in state.get("Choices", [])]
    for rule in state.get("Catch", []):
        if "failure" not in rule.get("Assign", {}):
            ways.append(rule["Next"])
    return dict.fromkeys(way for way in ways if way)


def parameters():
    """The template's parameters as a table."""
    rows = ["| parameter | default | allowed | what it is |", "|---|---|---|---|"]
    for name, value in template()["Parameters"].items():
        default = "(empty)" if value["Default"] == "" else value["Default"]
        rows.append(f"| `{name}` | `{default}` | {allowed(value)} | {value['Description']} |")
    return "\n".join(rows)


def allowed(parameter):
    if "MinValue" in parameter:
        return f"{parameter['MinValue']} to {parameter['MaxValue']}"
    return ", ".join(str(value) for value in parameter.get("AllowedValues", ["text"]))


def rooms():
    """The crates of the product, each after all that it uses."""
    manifests = sorted([*ROOT.glob("shared/*/Cargo.toml"), *ROOT.glob("functions/*/Cargo.toml")])
    read = {path.parent: tomllib.loads(path.read_text()) for path in manifests}
    uses = {
        one["package"]["name"]: sorted(names(read) & set(one["dependencies"]))
        for one in read.values()
    }
    folder = {one["package"]["name"]: path.relative_to(ROOT) for path, one in read.items()}
    says = {one["package"]["name"]: one["package"]["description"] for one in read.values()}
    rows = ["| room | uses | what it holds |", "|---|---|---|"]
    for name in graphlib.TopologicalSorter(uses).static_order():
        used = ", ".join(uses[name])
        rows.append(f"| `{folder[name]}` | {used} | {says[name].rstrip('.')} |")
    return "\n".join(rows)


def names(manifests):
    return {one["package"]["name"] for one in manifests.values()}


def dashboard():
    """infra/dashboard.json as the template has it: the text of an !Sub."""
    lines = (ROOT / "infra" / "dashboard.json").read_text().splitlines()
    return "\n".join(["        - |", *(f"          {line}" for line in lines)])


# File to the parts of it that are made.
MADE = {
    "docs/ARCHITECTURE.md": {"rooms": rooms, "picture": picture},
    "docs/REFERENCE.md": {"parameters": parameters, "sync file": keys},
    "docs/SETUP.md": {
        "salesforce fields": salesforce_fields,
        "organization fields": organization_fields,
        "costs": costs,
        "storage": storage,
    },
    "infra/template.yaml": {"dashboard": dashboard},
}
# How a kind of file marks where such a part begins and ends.
MARKS = {
    ".md": ("<!-- {}: made by make docs -->", "<!-- end of {} -->"),
    ".yaml": ("# {}: made by make docs", "        # end of {}"),
}


def current(file, text):
    """The text of a file with its made parts made anew."""
    for name, make in MADE[file].items():
        begin, end = (mark.format(name) for mark in MARKS[Path(file).suffix])
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{make()}\n{end}{rest.split(end)[1]}"
    return text


def problems():
    """What is wrong with the documents and the made parts of the template."""
    for file in MADE:
        text = (ROOT / file).read_text()
        if current(file, text) != text:
            yield f"{file} is not current: make docs"
    yield from dead_links()
    yield from unknown_targets()
    readme = (ROOT / "README.md").read_text()
    for document in documents():
        if document != "README.md" and f"({document})" not in readme:
            yield f"{document} is reached by no link from README.md"


def documents():
    """Every document of the repository."""
    listed = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    files = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    return [file for file in files if (ROOT / file).exists()]


def dead_links():
    """Links of the documents to files that are not there."""
    for document in documents():
        folder = (ROOT / document).parent
        for link in re.findall(r"\]\(([^)#]+)", (ROOT / document).read_text()):
            if not link.startswith(("http:", "https:", "<")) and not (folder / link).exists():
                yield f"{document}: there is no {link}"


def unknown_targets():
    """Commands of the documents that the Makefile does not have."""
    makefile = (ROOT / "Makefile").read_text()
    # A rule, and no assignment such as VENV := .venv.
    targets = set(re.findall(r"^([\w-]+):(?!=)", makefile, re.MULTILINE))
    # The changelog tells of commands that were.
    for document in set(documents()) - {"CHANGELOG.md"}:
        text = (ROOT / document).read_text()
        named = {name for code in code_of(text) for name in MAKE.findall(code)}
        yield from (f"{document}: there is no make {name}" for name in sorted(named - targets))


def code_of(text):
    """What a document shows as code: fenced, indented, or between backticks."""
    fenced = r"^```.*?^```$"
    yield from re.findall(fenced, text, re.MULTILINE | re.DOTALL)
    rest = re.sub(fenced, "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"^ {4,}\S.*$", rest, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", rest)


def main():
    if sys.argv[1:] == ["check"]:
        found = list(problems())
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    for file in MADE:
        path = ROOT / file
        path.write_text(current(file, path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

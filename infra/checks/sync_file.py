"""The keys of sync.toml as a table for docs/REFERENCE.md, from the schema that editors have."""

import json

from common.places import ROOT

SCHEMA = ROOT / "docs" / "sync.schema.json"
# The patterns of the schema, as a reader calls them.
TEXTS = {
    r"^\S(.*\S)?$": "text",
    r"^[A-Za-z][A-Za-z0-9_]*$": "Salesforce name",
    r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$": "Salesforce name, or two with a dot",
    r"^[A-Za-z0-9_-]{1,100}$": "Zendesk key",
    r"^[a-z_]+$": "small letters and `_`",
    r"^[a-z0-9-]{1,40}$": "small letters, digits and `-`, 40 at most",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "`HH:MM`",
}
# How the keys are written that a file chooses itself.
CHOSEN = {
    "partners.named": "<account id>",
    "fields": "<key>",
    "fields.<key>.values": "<text>",
}


def schema():
    return json.loads(SCHEMA.read_text())


def keys():
    """Every key: whether it is needed, what it may be, what it is."""
    rows = ["| key | needed | what it may be | what it is |", "|---|---|---|---|"]
    for path, needed, part in parts(schema()):
        rows.append(f"| `{path}` | {needed} | {kind(part)} | {part['description']} |")
        for rule, says in rules(part):
            takes = ", ".join(f"`{key}`" for key in taken(fields(), rule)) or "nothing"
            rows.append(f'| `rule = "{rule}"` | | takes {takes} | {says} |')
    return "\n".join(rows)


def parts(table, path=""):
    """The keys below a table of the file, each as (path, whether it is needed, its schema)."""
    for key, part in table.get("properties", {}).items():
        inner = f"{path}{key}"
        yield inner, need(table, key), part
        yield from parts(part.get("items", part), f"{inner}.")
    if free := table.get("additionalProperties"):
        inner = f"{path}{CHOSEN[path.rstrip('.')]}"
        yield inner, "", free
        yield from parts(free, f"{inner}.")


def need(table, key):
    if key in table["required"]:
        return "yes"
    either = [name for one in table.get("oneOf", []) for name in one["required"]]
    if key in either:
        return " or ".join(f"`{name}`" for name in either)
    return "by the rule" if "if" in table else "no"


def kind(part):
    """What a value may be, in words."""
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if part["type"] == "array":
        inner = part["items"]
        return "tables" if inner["type"] == "object" else f"list: {kind(inner)}"
    if part["type"] == "string":
        return TEXTS[part["pattern"]]
    return {"object": "table", "boolean": "`true` or `false`"}[part["type"]]


def fields():
    """The schema of a line of [fields]."""
    return schema()["properties"]["fields"]["additionalProperties"]


def rules(part):
    """The values that have a meaning each, with it."""
    says = part.get("x-taplo", {}).get("docs", {}).get("enumValues", [])
    return zip(part["enum"], says, strict=True) if says else []


def taken(line, rule):
    """The keys that a rule takes, by the ifs of the schema."""
    while rule not in line["if"]["properties"]["rule"]["enum"]:
        line = line["else"]
    return line["then"].get("required", [])

"""Tables of the fields on both sides, read from the code that asks for them, for docs/SETUP.md."""

import re

from common.places import ROOT

MODEL = ROOT / "shared" / "src" / "model" / "partner"
RULE = re.compile(r'row\(("\w+"|ACCOUNT_TYPE), ("[\w.]+"|ID), Rule::(\w+)(?:\("([^"]+)"\))?\)')

# What each rule of the mapping makes of its Salesforce field, and what that field must be.
MADE = {
    "Id": ("the 18 characters of `{0}`", "text or formula: `CASESAFEID(Id)`"),
    "ShortId": ("the first 15 characters of `{0}`", None),
    "Text": ("`{0}`", "text, formula or picklist"),
    "Checkbox": ("`{0}`", "checkbox"),
    "TickedIf": ("ticked if `{0}` is `{1}`", "picklist or text; the value that counts: `{1}`"),
    "AccountType": (
        "`Open` or `Select` in `{0}`; `AllianceAccountIds`",
        "picklist; the values that count: `Open`, `Select`",
    ),
}
# Of the fields that are no part of the mapping.
BESIDE = {
    "Name": "the account's name",
    "Type": "picklist; the value that counts: `Partner`",
    "Partners_Partner_Status__c": "picklist; the value that counts: `Authorized`",
}


def organization_fields():
    """The organization fields that Zendesk must have: key, type, options, who fills them."""
    types, options = zendesk_types(), ", ".join(f"`{tag}`" for tag in partner_types())
    rows = ["| key | type | options | who fills it |", "|---|---|---|---|"]
    for key, source, rule, value in mapping():
        kinds, made = types[rule], MADE[rule][0].format(source, value)
        offered = options if kinds[0] == "dropdown" else ""
        rows.append(f"| `{key}` | {either(kinds)} | {offered} | this pipeline: {made} |")
    beside = {
        constant("organization", "MARK_FOR_DELETION"): "this pipeline: the mark",
        constant("organization", "EXPIRATION_DATE"): (
            "you, if anybody: `YYYY-MM-DD`, the end of the last subscription; only read"
        ),
    }
    for name, (key, kinds) in unmapped_types().items():
        if key not in beside:
            raise SystemExit(f"infra/checks/fields.py does not say who fills {name}")
        rows.append(f"| `{key}` | {either(kinds)} | | {beside[key]} |")
    return "\n".join(rows)


def salesforce_fields():
    """The Salesforce fields that the query selects: object, field, what it must be."""
    rows = ["| object | field | what it must be |", "|---|---|---|"]
    needed = {}
    for _, source, rule, value in mapping():
        what = MADE[rule][1]
        needed.setdefault(source, what and what.format(source, value))
    needed["Name"] = BESIDE["Name"]
    for name in filters():
        needed.setdefault(name, BESIDE[name])
    for source, what in needed.items():
        if "." in source:
            lookup, field = source.split(".")
            lookup = lookup.replace("__r", "__c")
            rows.append(f"| Account | `{lookup}` | lookup to a user or another object |")
            rows.append(f"| the object `{lookup}` looks up to | `{field}` | {what} |")
        else:
            rows.append(f"| Account | `{source}` | {what} |")
    return "\n".join(rows)


def either(kinds):
    first, *others = kinds
    return f"{first} (or {', '.join(others)})" if others else first


def mapping():
    """The rows of the mapping table: key, Salesforce field, rule, the rule's value."""
    text = (MODEL / "mapping.rs").read_text()
    table = text.split("pub const FIELDS")[1].split("];")[0]
    rows = RULE.findall(table)
    if not rows or len(rows) != table.count("row("):
        raise SystemExit("infra/checks/fields.py cannot read FIELDS of mapping.rs any more")
    names = {
        "ACCOUNT_TYPE": constant("organization", "ACCOUNT_TYPE"),
        "ID": constant("mapping", "ID"),
    }
    return [
        (names.get(key, key).strip('"'), names.get(source, source).strip('"'), rule, value)
        for key, source, rule, value in rows
    ]


def filters():
    """The Salesforce fields that are selected because the query filters by them."""
    return strings(MODEL / "mapping.rs", "const FILTERS")


def partner_types():
    """The tags of the drop-down that mean a partner."""
    return strings(MODEL / "organization.rs", "pub const PARTNER_TYPES")


def zendesk_types():
    """Rule of the mapping to the types its organization field may have, the best one first."""
    text = fields_source()
    arms = re.findall(r"((?:Rule::\w+(?:\(_\))?(?: \| )?)+) => ([A-Z]+)", text)
    types = {
        rule: lists(name) for rules, name in arms for rule in re.findall(r"Rule::(\w+)", rules)
    }
    if set(types) != set(MADE):
        raise SystemExit("infra/checks/fields.py cannot read the types of fields.rs any more")
    return types


def unmapped_types():
    """The fields beside the mapping: the constant's name to key and types."""
    chained = re.findall(r"\((MARK_FOR_DELETION|EXPIRATION_DATE), ([A-Z]+)\)", fields_source())
    if len(chained) != 2:
        raise SystemExit("infra/checks/fields.py cannot read the checks of fields.rs any more")
    return {name: (constant("organization", name), lists(kinds)) for name, kinds in chained}


def fields_source():
    return (ROOT / "shared" / "src" / "zendesk" / "fields.rs").read_text()


def lists(name):
    return strings(ROOT / "shared" / "src" / "zendesk" / "fields.rs", f"const {name}:")


def strings(file, begin):
    """The texts of a constant list."""
    _, found, rest = file.read_text().partition(begin)
    values = re.findall(r'"([^"]+)"', rest.split(";\n")[0])
    if not found or not values:
        raise SystemExit(f"infra/checks/fields.py finds no {begin} in {file.name} any more")
    return values


def constant(file, name):
    """The text of a constant of the model."""
    return strings(MODEL / f"{file}.rs", f"pub const {name}:")[0]

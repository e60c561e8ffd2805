"""Tables of the fields on both sides, as the code asks for them, for docs/SETUP.md."""

from common.tables import tables

# What each rule of the mapping makes of its Salesforce field, and what that field must be.
MADE = {
    "Id": ("the 18 characters of `{0}`", "text or formula: `CASESAFEID(Id)`"),
    "ShortId": ("the first 15 characters of `{0}`", None),
    "Text": ("`{0}`", "text, formula or picklist"),
    "LookedUp": ("`{0}`", "text, formula or picklist"),
    "Checkbox": ("`{0}`", "checkbox"),
    "TickedIf": ("ticked if `{0}` is `{1}`", "picklist or text; the value that counts: `{1}`"),
    "AccountType": (
        "`Open` or `Select` in `{0}`; `AllianceAccountIds`",
        "picklist; the values that count: `Open`, `Select`",
    ),
}
# Of the fields that are not part of the mapping.
BESIDE = {
    "Name": "the account's name",
    "Type": "picklist; the value that counts: `Partner`",
    "Partners_Partner_Status__c": "picklist; the value that counts: `Authorized`",
}
# The organization fields beside the mapping.
FILLED_BY = {
    "mark_for_deletion": "this pipeline: the mark",
    "expiration_date": (
        "you, if anybody: `YYYY-MM-DD`, the end of the last subscription; only read"
    ),
    "ignore_deletion": (
        "the purge: it leaves the organization alone; only read, and need not be there"
    ),
}


def organization_fields():
    """The organization fields that Zendesk must have: key, type, options, who fills them."""
    options = ", ".join(f"`{tag}`" for tag in tables()["partner_types"])
    rows = ["| key | type | options | who fills it |", "|---|---|---|---|"]
    for field in tables()["fields"]:
        kinds = field["types"]
        made = MADE[field["rule"]][0].format(field["source"], field["value"])
        offered = options if kinds[0] == "dropdown" else ""
        rows.append(f"| `{field['key']}` | {either(kinds)} | {offered} | this pipeline: {made} |")
    for field in [*tables()["unmapped_fields"], *tables()["optional_fields"]]:
        filled = FILLED_BY[field["key"]]
        rows.append(f"| `{field['key']}` | {either(field['types'])} | | {filled} |")
    return "\n".join(rows)


def salesforce_fields():
    """The Salesforce fields that the query selects: object, field, what it must be."""
    rows = ["| object | field | what it must be |", "|---|---|---|"]
    needed = {}
    for field in tables()["fields"]:
        source, what = field["source"], MADE[field["rule"]][1]
        needed.setdefault(source, what and what.format(source, field["value"]))
    for name in [tables()["account_name"], *tables()["account_filters"]]:
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

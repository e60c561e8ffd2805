"""Tables of the fields on both sides, as the code asks for them, for docs/SETUP.md."""

from common.tables import tables

# What each rule of the mapping makes of its Salesforce field, and what that field must be.
MADE = {
    "id_18": ("the 18 characters of `{0}`", "text or formula: `CASESAFEID(Id)`"),
    "id_15": ("the first 15 characters of `{0}`", None),
    "text": ("`{0}`", "text, formula or picklist"),
    "lookup": ("`{0}`", "text, formula or picklist"),
    "checkbox": ("`{0}`", "checkbox"),
    "equals": ("ticked if `{0}` is `{1}`", "picklist or text; the value that counts: `{1}`"),
    "table": ("{2} in `{0}`", "picklist; the values that count: {3}"),
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
        made = worded(field, 0)
        if field["key"] == type_field():
            made += "; or named in `sync.toml`"
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
        if what := worded(field, 1):
            needed.setdefault(field["source"], what)
    needed.setdefault(tables()["account_name"], "the account's name")
    for condition in tables()["filter"]:
        values = quoted(condition["values"], "`, `")
        counts = "value that counts" if len(condition["values"]) == 1 else "values that count"
        needed.setdefault(condition["column"], f"picklist; the {counts}: {values}")
    thing = tables()["object"]
    for source, what in needed.items():
        if "." in source:
            lookup, field = source.split(".")
            lookup = lookup.replace("__r", "__c")
            rows.append(f"| {thing} | `{lookup}` | lookup to a user or another object |")
            rows.append(f"| the object `{lookup}` looks up to | `{field}` | {what} |")
        else:
            rows.append(f"| {thing} | `{source}` | {what} |")
    return "\n".join(rows)


def worded(field, place):
    """What MADE says of a field."""
    text = MADE[field["rule"]][place]
    texts = list(field["value"]) if field["rule"] == "table" else []
    return text and text.format(
        field["source"], field["value"], quoted(texts, "` or `"), quoted(texts, "`, `")
    )


def quoted(texts, between):
    return f"`{between.join(texts)}`" if texts else ""


def type_field():
    """The key of the field whose tags make a partner."""
    types = set(tables()["partner_types"])
    tables_of = (field for field in tables()["fields"] if field["rule"] == "table")
    return next(field["key"] for field in tables_of if types & set(field["value"].values()))


def either(kinds):
    first, *others = kinds
    return f"{first} (or {', '.join(others)})" if others else first

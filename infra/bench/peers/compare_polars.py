"""The comparison with polars: `compare_polars.py <how> <accounts> <organizations> <result>`.

As compare_dict.py, with joins. Only the list of each document is parsed, with a schema: to let
polars read the whole document and find out takes longer. How is `read_json`, or `read_ndjson`: the
list is made one of lines before. That takes far less memory, and relies on no text holding `},{`.
"""

import io
import json
import sys

import polars as pl

TEXTS = (
    "account_owner",
    "account_type",
    "salesforce_id",
    "sfdc_short_id",
    "solutions_architect",
    "technical_account_manager",
)
BOXES = ("org_in_escalated_state", "restricted_account", "support_hold")
FIELDS = {**dict.fromkeys(TEXTS, pl.String), **dict.fromkeys(BOXES, pl.Boolean)}
OF_ORGANIZATION = {
    "id": pl.UInt64,
    "name": pl.String,
    "external_id": pl.String,
    "organization_fields": pl.Struct({**FIELDS, "mark_for_deletion": pl.Boolean}),
}


def read(how, path, name, schema):
    """The list of a document as a table."""
    with open(path, "rb") as file:
        document = file.read()
    start = document.index(f'"{name}":['.encode()) + len(name) + 3
    behind = b'],"lookalikes":' if name == "organizations" else b'],"former":'
    end = document.rindex(behind) + 1
    if how == "read_json":
        listed = document[start:end]
        del document
        return pl.read_json(listed, schema=schema)
    lines = document[start + 1 : end - 1].replace(b"},{", b"}\n{")
    del document
    return pl.read_ndjson(io.BytesIO(lines), schema=schema)


def plain(column):
    """What a column means: null, blank and false are one."""
    if column.removesuffix("_new") in BOXES:
        return pl.col(column).fill_null(False)
    return pl.col(column).str.strip_chars().fill_null("")


def main():
    how, accounts_path, organizations_path, result = sys.argv[1:]
    accounts = read(how, accounts_path, "accounts", {"name": pl.String, **FIELDS})
    organizations = read(how, organizations_path, "organizations", OF_ORGANIZATION)
    organizations = organizations.unnest("organization_fields").with_columns(
        key=pl.coalesce("salesforce_id", "external_id")
    )
    accounts = accounts.with_columns(key=pl.col("salesforce_id"))
    managed = ["name", *FIELDS]
    pairs = organizations.join(accounts, on="key", how="inner", suffix="_new")
    differs = [plain(field) != plain(f"{field}_new") for field in managed]
    marked = pl.col("mark_for_deletion").fill_null(False)
    updates = pairs.filter(pl.any_horizontal(*differs, marked))
    marks = organizations.join(accounts, on="key", how="anti").select("id", "key", "name")
    creates = accounts.join(organizations, on="key", how="anti").select(managed)
    plan = {
        "creates": creates.to_dicts(),
        "updates": [changes(row) for row in updates.iter_rows(named=True)],
        "marks": marks.to_dicts(),
    }
    with open(result, "w") as file:
        json.dump(plan, file)


def changes(row):
    """An update: the fields of a row that differ."""
    found = [
        {"field": field, "old": row[field], "new": row[f"{field}_new"]}
        for field in ["name", *FIELDS]
        if (row[field] or None) != (row[f"{field}_new"] or None)
    ]
    return {"id": row["id"], "salesforce_id": row["key"], "changes": found}


if __name__ == "__main__":
    main()

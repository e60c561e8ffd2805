"""The comparison with dictionaries: `compare_dict.py <accounts> <organizations> <result>`.

Both documents by json, accounts by id, and every managed field compared as the product does: null,
blank and absent are one, an unset checkbox is false, text is trimmed. Clashes of names, clocks and
the guard, which the product has to look at besides, are left out.
"""

import json
import sys

FIELDS = (
    "account_owner",
    "account_type",
    "org_in_escalated_state",
    "restricted_account",
    "salesforce_id",
    "sfdc_short_id",
    "solutions_architect",
    "support_hold",
    "technical_account_manager",
)


def plain(value):
    """What a value means."""
    if isinstance(value, str):
        return value.strip() or None
    return value or None


def changes(account, organization):
    """The fields that differ, each with old and new value."""
    found, fields = [], organization["organization_fields"]
    if plain(account["name"]) != plain(organization["name"]):
        found.append({"field": "name", "old": organization["name"], "new": account["name"]})
    for field in FIELDS:
        old, new = fields.get(field), account[field]
        if old != new and plain(old) != plain(new):
            found.append({"field": field, "old": old, "new": new})
    if fields.get("mark_for_deletion"):
        found.append({"field": "mark_for_deletion", "old": True, "new": False})
    return found


def main():
    accounts_path, organizations_path, result = sys.argv[1:]
    with open(accounts_path, "rb") as file:
        accounts = {one["salesforce_id"]: one for one in json.load(file)["accounts"]}
    with open(organizations_path, "rb") as file:
        organizations = json.load(file)["organizations"]
    updates, marks, matched = [], [], set()
    for one in organizations:
        id = one["organization_fields"].get("salesforce_id") or one["external_id"]
        account = accounts.get(id)
        if account is None:
            marks.append({"id": one["id"], "salesforce_id": id, "name": one["name"]})
            continue
        matched.add(id)
        if found := changes(account, one):
            updates.append({"id": one["id"], "salesforce_id": id, "changes": found})
    creates = [one for id, one in accounts.items() if id not in matched]
    with open(result, "w") as file:
        json.dump({"creates": creates, "updates": updates, "marks": marks}, file)


if __name__ == "__main__":
    main()

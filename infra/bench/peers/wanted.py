"""What a scan keeps, for the peers: the product's rules."""

import json
import unicodedata

PARTNER_TYPES = {"alliance_partner", "open_partner", "select_partner"}
MANAGED = (
    "account_owner",
    "account_type",
    "expiration_date",
    "ignore_deletion",
    "mark_for_deletion",
    "org_in_escalated_state",
    "restricted_account",
    "salesforce_id",
    "sfdc_short_id",
    "solutions_architect",
    "support_hold",
    "technical_account_manager",
)


def name_key(name):
    """NFKC, case-folded, without what is never shown, and with single spaces."""
    if name.isascii():
        return " ".join(name.split()).lower()
    folded = unicodedata.normalize("NFKC", name).casefold()
    shown = "".join(one for one in folded if unicodedata.category(one) != "Cf")
    return unicodedata.normalize("NFKC", " ".join(shown.split()))


def is_partner(fields):
    """True if the account type is a partner's."""
    return fields.get("account_type") in PARTNER_TYPES


class Wanted:
    """The ids and names of the gathered accounts."""

    def __init__(self, path):
        with open(path) as file:
            accounts = json.load(file)["accounts"]
        self.ids = {account["salesforce_id"] for account in accounts}
        self.names = {name_key(account["name"]) for account in accounts}

    def keeps(self, name, external_id, fields):
        """True of an organization with the id or the name of an account."""
        return (
            fields.get("salesforce_id") in self.ids
            or external_id in self.ids
            or name_key(name) in self.names
        )

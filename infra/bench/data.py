"""Made-up organizations and accounts: the same bytes for the same number, on every machine.

An organization is about 1.17 KB of JSON, as Zendesk sends it, with the managed fields and a dozen
of others. A salesforce_id and its organization's id have nothing to do with each other's order.
"""

import json

from .vocabulary import COUNTRIES, FIRST, INDUSTRIES, PEOPLE, SECOND, SENTENCES, THIRD

# What a first organization is called by Zendesk: above 2^32, as all of today's.
FIRST_ID, STEP = 19_856_122_000_000, 17
UPDATED_AT = "2026-10-01T12:00:00Z"
# Where the made-up instance says it is.
PUBLIC = "https://stand-in.example"
PAGE = 100

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def mixed(number):
    """A number's dice: 64 bits in which neighbours have nothing in common (splitmix64)."""
    z = (number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return z ^ z >> 31


def account_id(number):
    """The 18 characters of an account's id; a larger number sorts behind."""
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    short = f"0014M0000{text}"
    check = ""
    for start in (0, 5, 10):
        five = short[start : start + 5]
        check += CHECKS[sum(1 << place for place, one in enumerate(five) if "A" <= one <= "Z")]
    return short + check


def company(number):
    """A name that no other number has."""
    dice = mixed(number)
    first, second = FIRST[dice % 12], SECOND[(dice >> 8) % 11]
    return f"{first} {second} {THIRD[(dice >> 16) % 7]} {number}"


def managed(number, kind):
    """The managed fields that account and organization of a number have in common."""
    dice = mixed(number + 7)
    full = account_id(number)
    return {
        "account_owner": PEOPLE[dice % 11],
        "account_type": kind,
        "org_in_escalated_state": dice >> 8 & 63 == 0,
        "restricted_account": dice >> 16 & 63 == 0,
        "salesforce_id": full,
        "sfdc_short_id": full[:15],
        "solutions_architect": None if dice >> 24 & 3 == 0 else PEOPLE[(dice >> 28) % 11],
        "support_hold": dice >> 36 & 31 == 0,
        "technical_account_manager": None if dice >> 44 & 1 else PEOPLE[(dice >> 48) % 11],
    }


def kind_of(number):
    """A partner's account type."""
    return ("open_partner", "select_partner")[mixed(number) >> 40 & 1]


def text(value):
    """JSON of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def zendesk_text(value):
    """JSON of a text as Zendesk writes it: some characters are escaped."""
    return text(value).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def organization(number, kind, place, fields=None, name=None):
    """An organization as Zendesk sends it: that of an account's number, at a place of the list."""
    dice, id = mixed(number + 13), FIRST_ID + place * STEP
    fields = managed(number, kind) if fields is None else fields
    day = f"{2018 + dice % 8}-{1 + (dice >> 4) % 12:02}-{1 + (dice >> 8) % 28:02}"
    notes = "\\n".join(SENTENCES[dice >> shift & 7] for shift in (12, 15, 18))
    domain = f"{INDUSTRIES[dice >> 24 & 7]}-{number}.example"
    return (
        f'{{"url":"{PUBLIC}/api/v2/organizations/{id}.json","id":{id},'
        f'"name":{zendesk_text(company(number) if name is None else name)},'
        f'"shared_tickets":false,'
        f'"external_id":{text(fields["salesforce_id"])},'
        f'"created_at":"{day}T{dice >> 27 & 15:02}:{dice >> 31 & 31:02}:07Z",'
        f'"updated_at":"{UPDATED_AT}","domain_names":["{domain}","www.{domain}"],'
        f'"details":"{SENTENCES[dice >> 36 & 7]}","notes":"{notes}",'
        f'"group_id":{360_000_000_000 + dice % 40},"tags":["synced","tier_{dice >> 39 & 3}"],'
        f'"organization_fields":{{{text(fields)[1:-1]},{unmanaged(dice, day)}}}}}'
    )


def unmanaged(dice, day):
    """Organization fields that are not managed."""
    return (
        f'"mark_for_deletion":false,"expiration_date":null,'
        f'"billing_country":"{COUNTRIES[(dice >> 3) % 12]}",'
        f'"contract_end":"{day}T00:00:00+00:00","health_score":{dice >> 41 & 127},'
        f'"industry":"{INDUSTRIES[dice >> 24 & 7]}","invoice_currency":"EUR",'
        f'"is_reference":{"true" if dice >> 48 & 1 else "false"},"last_review":null,'
        f'"onboarding_stage":"stage_{dice >> 49 & 7}","product_tier":"tier_{dice >> 39 & 3}",'
        f'"renewal_risk":null,"seats":{dice >> 52 & 1023},"time_zone":"Europe/Berlin"'
    )

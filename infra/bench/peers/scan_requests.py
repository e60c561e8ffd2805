"""The scan as a loop over requests: `scan_requests.py <base url> <accounts.json> <result>`.

What one writes without a library of Zendesk's: a session that is kept alive, cursor pages, and
`.json()`.
"""

import json
import sys

import requests
from wanted import MANAGED, Wanted, is_partner


def pages(session, base):
    """Every page, until one says that it is the last."""
    params = {"page[size]": "100"}
    while True:
        reply = session.get(f"{base}/api/v2/organizations", params=params, timeout=20)
        reply.raise_for_status()
        page = reply.json()
        yield page["organizations"]
        if not page["meta"]["has_more"]:
            return
        params["page[after]"] = page["meta"]["after_cursor"]


def kept(organization):
    """An organization without what nobody needs."""
    fields = organization["organization_fields"]
    return {
        "instance": "global",
        "id": organization["id"],
        "name": organization["name"],
        "external_id": organization["external_id"],
        "updated_at": organization["updated_at"],
        "organization_fields": {key: fields.get(key) for key in MANAGED},
    }


def main():
    base, accounts, result = sys.argv[1:]
    wanted, seen = Wanted(accounts), set()
    partners, lookalikes = [], []
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer bench"
        for page in pages(session, base):
            for one in page:
                seen.add(one["id"])
                fields = one["organization_fields"]
                if is_partner(fields):
                    partners.append(kept(one))
                elif wanted.keeps(one["name"], one["external_id"], fields):
                    lookalikes.append(kept(one))
    with open(result, "w") as file:
        said = {"scanned": len(seen), "organizations": partners, "lookalikes": lookalikes}
        json.dump(said, file)


if __name__ == "__main__":
    main()

"""The scan with zenpy: `scan_zenpy.py <base url> <accounts.json> <result>`.

zenpy itself is as it comes, with its cursor pagination and without its cache, which a walk that
sees everything once has no use for. Its addresses are https and the instance's own, as are those in
the pages; an adapter of its session takes them to loopback.
"""

import json
import sys

import requests
from requests.adapters import HTTPAdapter
from wanted import MANAGED, Wanted, is_partner
from zenpy import Zenpy

PUBLIC = "https://stand-in.example"


class Loopback(HTTPAdapter):
    """Sends what is meant for the instance to the stand-in."""

    def __init__(self, base, **adapter):
        self.base = base
        super().__init__(**adapter)

    def send(self, request, **how):
        """The same request, to another address. zenpy looks at the one it asked."""
        asked, request.url = request.url, request.url.replace(PUBLIC, self.base, 1)
        response = super().send(request, **how)
        request.url = asked
        return response


def kept(one):
    """An organization without what nobody needs."""
    return {
        "instance": "global",
        "id": one.id,
        "name": one.name,
        "external_id": one.external_id,
        "updated_at": one.updated_at,
        "organization_fields": {key: one.organization_fields.get(key) for key in MANAGED},
    }


def main():
    base, accounts, result = sys.argv[1:]
    session = requests.Session()
    session.mount(PUBLIC, Loopback(base, **Zenpy.http_adapter_kwargs()))
    zenpy = Zenpy(
        domain="example",
        subdomain="stand-in",
        oauth_token="bench",
        session=session,
        disable_cache=True,
    )
    wanted, seen = Wanted(accounts), set()
    partners, lookalikes = [], []
    for one in zenpy.organizations(cursor_pagination=100):
        seen.add(one.id)
        if is_partner(one.organization_fields):
            partners.append(kept(one))
        elif wanted.keeps(one.name, one.external_id, one.organization_fields):
            lookalikes.append(kept(one))
    with open(result, "w") as file:
        said = {"scanned": len(seen), "organizations": partners, "lookalikes": lookalikes}
        json.dump(said, file)


if __name__ == "__main__":
    main()

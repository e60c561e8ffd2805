"""The pages of an instance, compressed beforehand: 4 bytes of length (little-endian), then gzip.

Made once a size, as `python -m bench.pages <organizations> <partners> <file>`, in a process
of its own: what it takes must not count as memory of those that are measured.
"""

import base64
import gzip
import mmap
import sys
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from .data import PAGE, PUBLIC, company, kind_of, organization, text

# The partner organizations of the target, and the accounts whose organization is a customer yet.
PARTNERS = 177
LOOKALIKES = 3


class Pages:
    """A file of pages, found by their cursors."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.places = []
        at = 0
        while at < len(self.bytes):
            length = int.from_bytes(self.bytes[at : at + 4], "little")
            self.places.append((at + 4, at + 4 + length))
            at += 4 + length
        self.by_cursor = {cursor(number): number for number in range(len(self.places))}

    def after(self, cursor):
        """The page behind a cursor, the first one without any."""
        start, end = self.places[self.by_cursor[cursor] + 1 if cursor else 0]
        return self.bytes[start:end]


def cursor(page):
    """What leads to the page behind this one, as opaque as Zendesk's."""
    said = f'{{"o":"id","v":"{page:018}"}}'
    return base64.b64encode(said.encode()).decode()


def partner_places(count, partners=PARTNERS):
    """Where the partners are among this many organizations: spread evenly."""
    return {(2 * one + 1) * count // (2 * partners): one for one in range(partners)}


def lookalike_places(count):
    """Where customers stand that belong to an account, or bear its name."""
    taken = partner_places(count)
    wanted = ((2 * one + 1) * count // (2 * LOOKALIKES) + 1 for one in range(LOOKALIKES))
    return {place + (place in taken): one for one, place in enumerate(wanted)}


def organizations(count, partners=PARTNERS):
    """JSON of every organization, in the order of their ids.

    The accounts of the numbers from 0 on are the partners, then come those of the lookalikes. The
    last lookalike has only the name of its account.
    """
    partner = partner_places(count, partners)
    lookalike = lookalike_places(count) if partners == PARTNERS else {}
    for place in range(count):
        number = 1000 + place
        if place in partner:
            number = partner[place]
            yield organization(number, kind_of(number), place)
        elif place in lookalike and lookalike[place] < LOOKALIKES - 1:
            yield organization(PARTNERS + lookalike[place], "customer", place)
        elif place in lookalike:
            name = company(PARTNERS + lookalike[place]).upper()
            yield organization(number, "customer", place, name=name)
        else:
            yield organization(number, "customer", place)


def page(organizations, number, is_last):
    """A page as Zendesk sends it. The last one has a cursor as well."""
    before, after = cursor(max(number - 1, 0)), cursor(number)
    link = (
        f"{PUBLIC}/api/v2/organizations.json?page%5Bafter%5D={quote(after)}&page%5Bsize%5D={PAGE}"
    )
    meta = {"has_more": not is_last, "after_cursor": after, "before_cursor": before}
    links = {"prev": None, "next": None if is_last else link}
    rest = f'"meta":{text(meta)},"links":{text(links)}'
    return f'{{"organizations":[{",".join(organizations)}],{rest}}}'.encode()


def write(path, count, partners):
    """Makes the file."""
    walk, pages = organizations(count, partners), -(-count // PAGE)
    with open(path, "wb") as file:
        for number in range(pages):
            these = page(islice(walk, PAGE), number, number == pages - 1)
            packed = gzip.compress(these, 6, mtime=0)
            file.write(len(packed).to_bytes(4, "little") + packed)


def main():
    count, partners, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    # What was begun and not ended does not count.
    begun = path.with_suffix(".new")
    write(begun, count, partners)
    begun.replace(path)


if __name__ == "__main__":
    main()

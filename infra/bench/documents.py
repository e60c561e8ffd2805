"""accounts.json and organizations.json, as gather-accounts and gather-orgs write them.

Made as `python -m bench.documents <folder> <shape as JSON> <host>`, in a process of its own:
what it takes must not count as memory of those that are measured.
"""

import hashlib
import json
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .data import FIRST_ID, STEP, UPDATED_AT, company, kind_of, managed, text
from .pages import LOOKALIKES, PARTNERS

RUN_ID = "bench"
GENERATED_AT = "2026-10-02T06:00:00Z"
# Written after everything else, so that a folder with it is whole.
REFERENCES = "references.json"


@dataclass(frozen=True)
class Shape:
    """How many accounts and organizations there are, by what compare makes of them."""

    equal: int = 0
    creates: int = 0
    updates: int = 0
    marks: int = 0

    @classmethod
    def of_size(cls, count):
        """This many accounts and as many organizations: 1 in 1,000 differs, 1 in 2,000 is alone."""
        alone = count // 2000
        return cls(count - count // 1000 - alone, alone, count // 1000, alone)

    def kinds(self):
        """What each number is. The same shape is always mixed in the same way."""
        kinds = [name for name, count in asdict(self).items() for _ in range(count)]
        random.Random(1).shuffle(kinds)
        return kinds


def account(number):
    """An account as gather-accounts maps it."""
    return text({"name": company(number), **managed(number, kind_of(number))})


def organization(number, kind, place):
    """A partner organization of the target: equal to its account, or not."""
    fields = {**managed(number, kind_of(number)), "expiration_date": None}
    fields["mark_for_deletion"] = False
    if kind == "updates":
        fields["account_owner"] = "Somebody Else"
        fields["support_hold"] = not fields["support_hold"]
    return text(
        {
            "instance": "global",
            "id": FIRST_ID + place * STEP,
            "name": company(number),
            "external_id": fields["salesforce_id"],
            "updated_at": UPDATED_AT,
            "organization_fields": dict(sorted(fields.items())),
        }
    )


def accounts(shape):
    """JSON of every account, in the order of their ids."""
    for number, kind in enumerate(shape.kinds()):
        if kind != "marks":
            yield account(number)


def organizations(shape):
    """JSON of every organization, in the order of Zendesk's ids, which is not that of accounts."""
    kinds = shape.kinds()
    numbers = [number for number, kind in enumerate(kinds) if kind != "creates"]
    random.Random(2).shuffle(numbers)
    for place, number in enumerate(numbers):
        yield organization(number, kinds[number], place)


class Digested:
    """A file under way, with its SHA-256."""

    def __init__(self, file):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, part):
        """Adds a text."""
        data = part.encode()
        self.file.write(data)
        self.digest.update(data)


def write(path, count, entries, **beside):
    """Writes a document: header, what else there is, and the list that gave the file its name."""
    header = {"schema_version": 1, "run_id": RUN_ID, "generated_at": GENERATED_AT, "count": count}
    name = path.stem
    with open(path, "wb") as file:
        out = Digested(file)
        head = {**header, "host": beside.pop("host")} if "host" in beside else header
        out.write(text(head)[:-1] + f',"{name}":[')
        for place, entry in enumerate(entries):
            out.write(f",{entry}" if place else entry)
        out.write("]," + text(beside)[1:])
    key = f"runs/{RUN_ID}/{path.name}"
    return {"bucket": "bench", "key": key, "sha256": out.digest.hexdigest(), "count": count}


def instance(count, host):
    """What gather-orgs says of the target."""
    return {
        "name": "global",
        "host": host,
        "organizations_scanned": count,
        "partner_organizations": count,
        "pages": -(-count // 100),
        "seconds": 1.5,
        "complete": True,
    }


def write_both(folder, shape, host):
    """Writes both documents, and where they are, for the events of the stages."""
    count = shape.equal + shape.updates
    here, there = count + shape.creates, count + shape.marks
    instances = [instance(there, host)]
    references = {
        "accounts": write(folder / "accounts.json", here, accounts(shape), host=host, former=[]),
        "organizations": write(
            folder / "organizations.json",
            there,
            organizations(shape),
            lookalikes=[],
            instances=instances,
        ),
    }
    (folder / REFERENCES).write_text(json.dumps(references))


def write_accounts_of_scan(folder):
    """The accounts that a scan looks for."""
    count = PARTNERS + LOOKALIKES
    entries = (account(number) for number in range(count))
    reference = write(folder / "accounts.json", count, entries, host="stand-in.example", former=[])
    (folder / REFERENCES).write_text(json.dumps({"accounts": reference}))


def main():
    folder, shape, host = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    if shape:
        write_both(folder, Shape(**shape), host)
    else:
        write_accounts_of_scan(folder)


if __name__ == "__main__":
    main()

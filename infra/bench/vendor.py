"""A stand-in Zendesk that is never in the way: pages compressed beforehand, jobs that end at once.

The tests' stand-ins show how unpleasant the real one can be. This one only counts.
"""

import gzip
import itertools
import json
import threading
import time
from collections import Counter
from urllib.parse import parse_qs

from .data import FIRST_ID, STEP, organization
from .wire import Answer

# Most of what Zendesk sends beside the body, with a budget that is never near its end.
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "max-age=0, private, must-revalidate",
    "x-zendesk-api-version": "v2",
    "x-request-id": "5c4ad2d8-0000-4000-8000-000000000000",
    "x-rate-limit": "700",
    "x-rate-limit-remaining": "690",
    "ratelimit-reset": "41",
}
TEXTS = (
    "salesforce_id",
    "sfdc_short_id",
    "account_owner",
    "technical_account_manager",
    "solutions_architect",
    "expiration_date",
)
BOXES = ("restricted_account", "support_hold", "org_in_escalated_state", "mark_for_deletion")
TYPES = ("alliance_partner", "open_partner", "select_partner", "customer")
# Ids of what is created: behind all that is there.
FIRST_CREATED = FIRST_ID * 2


def fields():
    """The definitions of the organization fields."""
    kinds = [*((key, "text") for key in TEXTS), *((key, "checkbox") for key in BOXES)]
    found = [{"key": key, "type": kind, "active": True} for key, kind in kinds]
    options = [{"id": place, "name": tag, "value": tag} for place, tag in enumerate(TYPES)]
    of_type = {"key": "account_type", "type": "dropdown", "active": True}
    return [*found, {**of_type, "custom_field_options": options}]


class Vendor:
    """One instance. Its answers are made before its latency is waited for."""

    def __init__(self):
        self.pages, self.latency = None, 0.0
        # The end of the last answer; of looks at the jobs, how long nobody had asked anything.
        self.answered, self.before_looks = 0.0, []
        self.calls, self.jobs = Counter(), {}
        self.numbers = itertools.count()
        self.lock = threading.Lock()

    def forget(self):
        """Begins to count anew, and gives the same ids again."""
        with self.lock:
            self.numbers = itertools.count()
            self.calls.clear()
            self.jobs.clear()
            self.before_looks.clear()
            self.answered = time.monotonic()

    def answer(self, request, arrived):
        """The answer to a request that came at a moment, counted by its kind."""
        answer = self.route(request)
        answer.headers = {**HEADERS, **answer.headers}
        with self.lock:
            self.calls[answer.kind] += 1
            if answer.kind == "jobs":
                self.before_looks.append(arrived - self.answered)
        return answer

    def route(self, request):
        """The answer of an endpoint."""
        path = request.path.removesuffix(".json")
        match request.method, path:
            case "GET", "/api/v2/organizations":
                return self.page(request)
            case "POST", "/api/v2/organizations":
                return self.create(json.loads(request.body)["organization"])
            case "PUT", "/api/v2/organizations/update_many":
                return self.update_many(json.loads(request.body)["organizations"])
            case "GET", "/api/v2/job_statuses/show_many":
                return self.looked_at(one_of(request, "ids").split(","))
            case "GET", "/api/v2/organizations/show_many":
                return shown(one_of(request, "ids").split(","))
            case "GET", "/api/v2/organization_fields":
                meta = {"has_more": False, "after_cursor": "last", "before_cursor": "first"}
                said = {"organization_fields": fields(), "meta": meta, "links": {}}
                return Answer.of_json(said, kind="fields")
            case "POST", "/oauth/tokens":
                token = {"access_token": "bench", "token_type": "bearer", "scope": "read write"}
                return Answer.of_json({**token, "expires_in": 10800}, kind="token")
            case "DELETE", "/api/v2/oauth/tokens/current":
                return Answer(b"", 204, kind="token given back")
        if request.method == "GET" and path.endswith("/related"):
            counts = {"users_count": 3, "tickets_count": 7}
            return Answer.of_json({"organization_related": counts}, kind="related")
        return Answer.of_json({"error": "RecordNotFound"}, 404, "unknown")

    def page(self, request):
        """A page of the walk, as it was compressed before."""
        body = self.pages.after(one_of(request, "page[after]"))
        return Answer(body, headers={"content-encoding": "gzip"}, kind="page")

    def create(self, wanted):
        """Every create is done."""
        place = (FIRST_CREATED - FIRST_ID) // STEP + next(self.numbers)
        fields = wanted["organization_fields"]
        made = organization(place, "", place, {**fields}, name=wanted["name"])
        headers = {"content-type": "application/json; charset=utf-8"}
        return Answer(f'{{"organization":{made}}}'.encode(), 201, headers, "create")

    def update_many(self, organizations):
        """Every job is accepted, and ends at once."""
        id = f"V3-{next(self.numbers):032x}"
        with self.lock:
            self.jobs[id] = [one["id"] for one in organizations]
        job = {"id": id, "job_type": "Update Many", "status": "queued", "total": None}
        return Answer.of_json({"job_status": {**job, "results": None}}, kind="update_many")

    def looked_at(self, ids):
        """Every job has done all of its records."""
        with self.lock:
            known = [(id, self.jobs[id]) for id in ids if id in self.jobs]
        return packed({"job_statuses": [completed(*job) for job in known]}, "jobs")


def completed(id, records):
    """A job that did all of its records."""
    done = {"action": "update", "status": "Updated", "success": True}
    return {
        "id": id,
        "job_type": "Update Many",
        "status": "completed",
        "total": len(records),
        "progress": len(records),
        "message": "Completed",
        "results": [{**done, "id": record, "index": at} for at, record in enumerate(records)],
    }


def shown(ids):
    """Organizations as compare saw them: partners that are not marked."""
    places = ((int(id) - FIRST_ID) // STEP for id in ids)
    found = ",".join(organization(place, "open_partner", place) for place in places)
    said = f'{{"organizations":[{found}],"count":{len(ids)},"next_page":null}}'
    return packed(said, "show_many")


def packed(said, kind):
    """A long answer, compressed as Zendesk does."""
    said = said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))
    return Answer(gzip.compress(said.encode(), 1), headers={"content-encoding": "gzip"}, kind=kind)


def one_of(request, name):
    """A value of the query, empty if it is not there."""
    return parse_qs(request.query).get(name, [""])[0]

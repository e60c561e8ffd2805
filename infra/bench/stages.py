"""The measured functions: their environments and events."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from common.places import REGION
from common.processes import signed_in
from common.programs import FUNCTIONS, binary
from common.template import template

from .documents import REFERENCES, RUN_ID
from .remote import NAMES

# More than any plan has, so that the guard holds nothing.
NO_LIMIT = "1000000"


def digest():
    """What tells this build from others."""
    whole = hashlib.sha256()
    for name in FUNCTIONS:
        with open(binary(name), "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def memory_size():
    """The memory of a Lambda, in MiB, as the template has it."""
    return template()["Globals"]["Function"]["MemorySize"]


def environment(name, remote, instances=("global",)):
    """A function's environment: Lambda's part, and the template's."""
    of_lambda = {
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_size()),
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_LOG_GROUP_NAME": name,
        "AWS_LAMBDA_LOG_STREAM_NAME": name,
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        **signed_in(remote.address("aws")),
    }
    secrets = {
        f"ZENDESK_{instance.upper().replace('-', '_')}_SECRET": NAMES[instance]
        for instance in instances
    }
    jobs = template()["Parameters"]["JobsPerPause"]["Default"]
    limits = ("MAX_CREATES", "MAX_UPDATES", "MAX_MARKS")
    return {
        **of_lambda,
        **secrets,
        "STACK": "bench",
        "BUCKET": "bench",
        "SALESFORCE_SECRET": "bench/salesforce",
        "MARK_AFTER_HOURS": "0",
        "QUIET_HOURS": "0",
        **dict.fromkeys(limits, NO_LIMIT),
        "JOBS_PER_PAUSE": str(jobs),
        "PAUSE_SECONDS": "1",
    }


def references(folder):
    """Where the documents of a folder are, for events."""
    return json.loads((folder / REFERENCES).read_text())


def event(**more):
    """What every event has, and more."""
    return {"run_id": RUN_ID, "started_at": datetime.now(UTC).isoformat(), **more}


def files(folder):
    """The documents of a folder as objects of the bucket: key to path."""
    return {one["key"]: folder / Path(one["key"]).name for one in references(folder).values()}

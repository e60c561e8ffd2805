"""The measured functions: their environments and events."""

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from common.places import REGION, SYNC_TOML, TARGET
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
    jobs = template()["Parameters"]["JobsPerPause"]["Default"]
    limits = ("MAX_CREATES", "MAX_UPDATES", "MAX_MARKS")
    return {
        **of_lambda,
        "STACK": "bench",
        "BUCKET": "bench",
        "SECRET_PREFIX": "bench",
        # Of a program before 0.6, which may be measured as the version before.
        **{
            f"ZENDESK_{instance.upper().replace('-', '_')}_SECRET": NAMES[instance]
            for instance in instances
        },
        "SALESFORCE_SECRET": "bench/salesforce",
        "SYNC_CONFIG": str(sync_toml(instances)),
        "MARK_AFTER_HOURS": "0",
        "QUIET_HOURS": "0",
        **dict.fromkeys(limits, NO_LIMIT),
        "JOBS_PER_PAUSE": str(jobs),
        "PAUSE_SECONDS": "1",
    }


def sync_toml(instances):
    """What is synced: the product's file, with these instances alone."""
    head, *blocks = SYNC_TOML.read_text().split("[[instances]]\n")
    named = [block for block in blocks if re.search(r'^name = "(.*)"', block, re.M)[1] in instances]
    path = TARGET / "bench" / f"{'-'.join(instances)}.sync.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[[instances]]\n".join([head, *named]))
    return path


def references(folder):
    """Where the documents of a folder are, for events."""
    return json.loads((folder / REFERENCES).read_text())


def event(**more):
    """What every event has, and more."""
    return {"run_id": RUN_ID, "started_at": datetime.now(UTC).isoformat(), **more}


def files(folder):
    """The documents of a folder as objects of the bucket: key to path."""
    return {one["key"]: folder / Path(one["key"]).name for one in references(folder).values()}

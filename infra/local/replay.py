"""make replay: a past run's plan, computed again from its stored inputs.

They come from the demo's documents, or from a bucket on AWS.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from common.places import TARGET

from .kept import BUCKET

FILES = [
    "accounts.json",
    "organizations.json",
    "plan.json",
    "creates.json",
    "updates.json",
    "not_in_sync.json",
    "sync.toml",
]


def fetch(s3, bucket, run_id, folder):
    """Copies what a replay needs; what is missing is said by the replay itself."""
    for file in FILES:
        try:
            body = s3.get_object(Bucket=bucket, Key=f"runs/{run_id}/{file}")["Body"].read()
        except s3.exceptions.NoSuchKey:
            continue
        (folder / file).write_bytes(body)


def replay(folder):
    """0 if the plan comes out the same byte for byte, 1 if not, 2 if it cannot be told."""
    return subprocess.run([TARGET / "debug" / "replay", folder]).returncode


def main():
    if len(sys.argv) != 2:
        runs = sorted(path.name for path in (BUCKET / "runs").glob("*")) if BUCKET.exists() else []
        print(
            "make replay RUN=<run id> [BUCKET=<bucket on AWS>]",
            *(f"  {run}" for run in runs),
            sep="\n",
        )
        return 2
    run_id, bucket = sys.argv[1], os.environ.get("BUCKET")
    if not bucket:
        return replay(BUCKET / "runs" / run_id)
    with tempfile.TemporaryDirectory() as name:
        try:
            fetch(boto3.client("s3"), bucket, run_id, Path(name))
        except (BotoCoreError, ClientError) as error:
            print(
                f"{bucket}: {error}; are AWS credentials and region in the environment?",
                file=sys.stderr,
            )
            return 2
        return replay(Path(name))


if __name__ == "__main__":
    sys.exit(main())

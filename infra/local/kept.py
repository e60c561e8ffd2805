"""What one demo keeps for the next: the stand-ins' world, and the bucket."""

import json
import os
import shutil
from pathlib import Path

from common.places import ROOT

FOLDER = Path(os.environ.get("PARTNER_SYNC_DEMO", ROOT / ".local" / "demo")).resolve()
WORLD = FOLDER / "world.json"
BUCKET = FOLDER / "bucket"


def forget():
    """Forgets everything."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def keep(stack, remote):
    """Keeps the bucket and the world as they are."""
    for key, data in stack.objects().items():
        path = BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    unfinished = WORLD.with_suffix(".tmp")
    unfinished.write_text(json.dumps(remote.state()))
    os.replace(unfinished, WORLD)


def restore_world(remote):
    """Brings the kept world back."""
    remote.put_state(json.loads(WORLD.read_text()))


def restore_bucket(stack):
    """Brings the kept documents back."""
    for path in BUCKET.rglob("*"):
        if path.is_file():
            key = str(path.relative_to(BUCKET))
            stack.s3_as_operator.put_object(Bucket=stack.bucket, Key=key, Body=path.read_bytes())


def document(key):
    """A kept document, None if there is none."""
    path = BUCKET / key
    return json.loads(path.read_text()) if path.exists() else None


def held_plan():
    """The last run's plan if its marks are held, else None. What is unexplained is always held."""
    memory = document("memory.json") or {}
    plan = document(f"runs/{memory.get('run_id')}/plan.json")
    judged = plan["guard"]["categories"] if plan else []
    held = {one["category"] for one in judged if one["exceeded"] and not one["approved"]}
    return plan if "marks" in held else None

"""Tables that stand in the Rust code and that Python needs, as a program of ours prints them."""

import functools
import json
import subprocess

from .places import TARGET


@functools.cache
def tables():
    """What infra/tools/tables prints. `make standins` builds it, with the other tools."""
    program = TARGET / "debug" / "tables"
    if not program.exists():
        raise SystemExit(f"{program} is not there: make standins")
    return json.loads(subprocess.run([program], capture_output=True, check=True).stdout)

"""The machine that is measured on, and the programs that ours is compared with."""

import functools
import os
import platform
import re
from importlib import metadata
from pathlib import Path

from common.places import ROOT

PEERS = ["requests", "urllib3", "zenpy", "polars"]


@functools.cache
def machine():
    """What stands above every table."""
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    kib = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(kib[1]) / 1024 / 1024:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "peers": f"CPython {platform.python_version()}, {peers()}",
    }


def peers():
    """The versions in .venv-bench."""
    site = next((ROOT / ".venv-bench" / "lib").glob("python*/site-packages"), None)
    if site is None:
        return "not installed"
    found = metadata.distributions(path=[str(site)])
    versions = {one.metadata["Name"].lower(): one.version for one in found}
    return ", ".join(f"{name} {versions[name]}" for name in PEERS if name in versions)

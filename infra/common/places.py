"""Where things are on this machine, and the region of the local AWS."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BIN = Path(sys.executable).parent
REGION = "us-east-1"
# What is synced, unless an environment has a file of its own.
SYNC_TOML = ROOT / "infra" / "sync.toml"

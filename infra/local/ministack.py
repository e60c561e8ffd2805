"""MiniStack, the local AWS, as a process."""

import contextlib
import os
import sys

from common.places import REGION, ROOT
from common.processes import process, said, wait_for


@contextlib.contextmanager
def local_aws(folder, wait_scale):
    """MiniStack on loopback. Yields its address. Nothing of it is kept."""
    # No AWS profile of the person at this machine may be used.
    os.environ.pop("AWS_PROFILE", None)
    temporary, log, file = folder / "tmp", folder / "aws.log", folder / "aws.address"
    file.unlink(missing_ok=True)
    temporary.mkdir(exist_ok=True)
    env = {
        "PYTHONPATH": str(ROOT / "infra"),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": str(wait_scale),
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(temporary),
        # The Lambdas inherit this.
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    }
    with process([sys.executable, "-m", "local.gateway", file], log, env) as child:
        endpoint = said(file, child, log)
        wait_for(f"{endpoint}/_ministack/ready", child, log)
        yield endpoint

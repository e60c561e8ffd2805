"""MiniStack, the local AWS, as a process."""

import contextlib
import os

from common.places import BIN, REGION
from common.processes import free_ports, process, signed_in, wait_for


@contextlib.contextmanager
def local_aws(folder, wait_scale):
    """MiniStack on loopback. Yields its address. Nothing of it is kept."""
    # No AWS profile of the person at this machine may be used.
    os.environ.pop("AWS_PROFILE", None)
    port, log = free_ports(1), folder / "aws.log"
    endpoint = f"http://127.0.0.1:{port}"
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    env = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": str(wait_scale),
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(temporary),
        # The Lambdas inherit these.
        **signed_in(endpoint),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    }
    with process([BIN / "ministack"], log, env) as child:
        wait_for(f"{endpoint}/_ministack/ready", child, log)
        yield endpoint

"""MiniStack on a port that the system gives it; its address is written to a file.

MiniStack's own command binds a port that somebody has to have found free before. And it takes what
AWS would refuse: two modules of this folder refuse it.
"""

import asyncio
import os
import resource
import socket
import sys
from pathlib import Path

from common.processes import say, signed_in


def main(file):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    # MiniStack reads its port when it is imported; the Lambdas inherit the rest.
    os.environ.update({"GATEWAY_PORT": str(port), **signed_in(endpoint)})
    say(file, endpoint)
    asyncio.run(serve(listener))


async def serve(listener):
    """What MiniStack's own command does, with a socket in the place of a port."""
    import ministack.app
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from . import bucket_policy, topics

    bucket_policy.enforce()
    topics.enforce()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"]
    await serve(ministack.app.app, config)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

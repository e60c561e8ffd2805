"""The bench's side of its server: started, told what to serve, asked what it counted."""

import contextlib
import json
import subprocess
import sys
import time

from common.places import ROOT

from .wire import connected

NAMES = {"global": "bench/zendesk/global", "us-government": "bench/zendesk/us-government"}


class Remote:
    """The running server."""

    def __init__(self, ports):
        self.ports = ports
        self.connection = connected(ports["control"])

    def tell(self, **said):
        """Says what is to be served, and returns what was counted until then."""
        body = json.dumps(said, default=str).encode()
        _, answer = self.connection.call("POST", "/", body)
        return json.loads(answer)

    def begin(self, files, latency=0.0, pages=None):
        """Serves these files and pages with this latency (seconds), and counts from now on."""
        self.tell(files=files, latency=latency, pages=pages or {}, secrets=self.secrets(), forget=1)

    def address(self, service):
        """Where a service is."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def host(self, instance):
        """An instance's host, as documents name it."""
        return f"127.0.0.1:{self.ports[instance]}"

    def secrets(self):
        """Made-up secrets by name. Nothing looks at what is in them except the address."""
        said = {"auth": "client_credentials", "client_id": "bench", "client_secret": "bench"}
        return {
            name: json.dumps({**said, "base_url": self.address(instance)})
            for instance, name in NAMES.items()
        }

    def floor_of_a_call(self, target):
        """Seconds of a call of the global instance as the leanest client there can be sees it: the
        mean of several."""
        times = 30
        connection = connected(self.ports["global"])
        connection.call("GET", target)
        began = time.monotonic()
        for _ in range(times):
            connection.call("GET", target)
        took = time.monotonic() - began
        connection.sock.close()
        return took / times


@contextlib.contextmanager
def serving():
    """Starts the server, and ends it. What goes wrong in it is seen on the terminal."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.server"],
        cwd=ROOT / "infra",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Remote(json.loads(server.stdout.readline()))
    finally:
        server.terminate()
        server.wait()

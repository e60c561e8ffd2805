"""HTTP/1.1 on plain sockets, for the server, the runtime API, and the measure of a call.

Nothing here waits or copies without need: what it costs would stand in every figure.
"""

import json
import socket
import time
from dataclasses import dataclass, field

REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 404: "Not Found"}
READ = 1 << 18


@dataclass
class Request:
    """What was asked."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self):
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self):
        """The rest of the target, as it was written."""
        return self.target.partition("?")[2]


@dataclass
class Answer:
    """What is replied. A body may be any buffer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = ""

    @classmethod
    def of_json(cls, value, status=200, kind=""):
        """A value as compact JSON."""
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(body, status, {"content-type": "application/json"}, kind)


class Connection:
    """A connection that is kept alive, from either side."""

    def __init__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.buffer = sock, bytearray()
        # When the last bytes came, in seconds of the monotonic clock.
        self.arrived = 0.0

    def _more(self):
        """Reads what there is. False if the other side is gone."""
        try:
            data = self.sock.recv(READ)
        except OSError:
            return False
        self.arrived = time.monotonic()
        self.buffer += data
        return bool(data)

    def _take(self, length):
        """This many bytes; None if they do not come."""
        while len(self.buffer) < length:
            if not self._more():
                return None
        data = bytes(memoryview(self.buffer)[:length])
        del self.buffer[:length]
        return data

    def _line(self, end=b"\r\n"):
        """Everything up to an end; None if it does not come."""
        while (place := self.buffer.find(end)) < 0:
            if not self._more():
                return None
        return self._take(place + len(end))[: -len(end)]

    def _head(self):
        """First line and headers; None at the end of the connection."""
        head = self._line(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return first, {name.lower(): value.strip() for name, _, value in pairs}

    def _body(self, headers):
        if "chunked" in headers.get("transfer-encoding", ""):
            return b"".join(self._chunks())
        return self._take(int(headers.get("content-length", 0)))

    def _chunks(self):
        while (line := self._line()) is not None:
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                # Trailers, and the empty line behind them.
                while self._line():
                    pass
                return
            yield self._take(size)
            self._line()

    def request(self):
        """The next request; None if there is none any more."""
        head = self._head()
        if head is None:
            return None
        first, headers = head
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        method, target, _ = first.split(" ", 2)
        body = self._body(headers)
        return None if body is None else Request(method, target, headers, body)

    def reply(self, answer):
        """Sends an answer."""
        lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Answered')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines += [f"content-length: {len(answer.body)}", "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        if len(answer.body) < READ:
            self.sock.sendall(head + bytes(answer.body))
        else:
            self.sock.sendall(head)
            self.sock.sendall(answer.body)

    def call(self, method, target, body=b""):
        """Sends a request, and returns status and body of the answer."""
        head = f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        self.sock.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body)
        found = self._head()
        if found is None:
            raise RuntimeError(f"{method} {target}: no answer")
        first, answered = found
        return int(first.split(" ")[1]), self._body(answered)


def listener():
    """A socket that listens on a free port of loopback."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    return sock


def connected(port):
    """A connection to a port of loopback."""
    return Connection(socket.create_connection(("127.0.0.1", port)))

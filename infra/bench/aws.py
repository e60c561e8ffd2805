"""S3 and Secrets Manager, as far as the functions use them. They answer at once."""

import json
import mmap
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from .wire import Answer

XML = {"content-type": "application/xml"}
DATE = {"date": "Fri, 02 Oct 2026 06:00:00 GMT", "last-modified": "Fri, 02 Oct 2026 06:00:00 GMT"}


class Aws:
    """Objects of the one bucket there is, and secrets. Counts calls, and the bytes put by key."""

    latency, answered = 0.0, 0.0

    def __init__(self):
        self.objects, self.secrets, self.kept = {}, {}, {}
        self.calls, self.put_bytes = Counter(), Counter()
        self.lock = threading.Lock()

    def forget(self):
        """Begins to count anew."""
        with self.lock:
            self.calls.clear()
            self.put_bytes.clear()

    def answer(self, request, _arrived):
        """The answer to a request, counted by its kind."""
        answer = self.route(request)
        with self.lock:
            self.calls[answer.kind] += 1
        return answer

    def route(self, request):
        """Which service is meant, and what of it."""
        if request.headers.get("x-amz-target") == "secretsmanager.GetSecretValue":
            return self.secret(json.loads(request.body)["SecretId"])
        match request.method:
            case "GET":
                return self.get(key_of(request))
            case "PUT":
                return self.put(key_of(request), request)
        return Answer(status=400, kind="unknown")

    def secret(self, name):
        """A secret's text."""
        if name not in self.secrets:
            error = {"__type": "ResourceNotFoundException", "Message": "no such secret"}
            return Answer.of_json(error, 400, "secret")
        arn = f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AAAAAA"
        said = {"ARN": arn, "Name": name, "SecretString": self.secrets[name]}
        return Answer.of_json({**said, "VersionStages": ["AWSCURRENT"]}, kind="secret")

    def get(self, key):
        """An object."""
        found = self.objects.get(key)
        if found is None:
            return refused(404, "NoSuchKey", "get")
        return Answer(found, headers={"etag": '"0"', **DATE}, kind="get")

    def put(self, key, request):
        """Keeps an object."""
        body = content_of(request)
        with self.lock:
            self.objects[key] = body
            self.put_bytes[key] += len(body)
        return Answer(headers={"etag": '"0"'}, kind="put")

    def begin(self, files):
        """Forgets all objects, and has those of these files instead: key to path."""
        self.objects = {key: mapped(Path(path)) for key, path in files.items()}

    def keep(self, name):
        """Remembers the objects there are, under a name."""
        self.kept[name] = dict(self.objects)

    def restore(self, name):
        """Has the objects there were when that name was given."""
        self.objects = dict(self.kept[name])


def key_of(request):
    """An object's key: the path without the bucket."""
    return unquote(request.path).lstrip("/").partition("/")[2]


def content_of(request):
    """What is to be kept."""
    if "aws-chunked" in request.headers.get("content-encoding", ""):
        return unchunked(request.body)
    return request.body


def refused(status, code, kind):
    """An error of S3."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Answer(body.encode(), status, {**XML, **DATE}, kind)


def mapped(path):
    """A file's bytes, without reading them."""
    with open(path, "rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def unchunked(body):
    """The content of a body that is signed in pieces."""
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2

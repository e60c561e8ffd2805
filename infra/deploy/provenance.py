"""What a release was made of, by whom and from which commit: an in-toto statement of SLSA's form.

SECURITY.md says what each part means. Nothing in it is the time of day: the same commit, made by
the same builder, has the same statement.
"""

import hashlib
import json
import subprocess

from common.places import ROOT
from common.programs import FUNCTIONS, binary
from common.version import this_version

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:partner-sync:make-package:v1"
# Who builds, if nobody says: a person, on a machine of their own.
LOCAL = "urn:partner-sync:local"
# What decides which crates, tools and compiler a build takes.
INPUTS = ["Cargo.lock", "requirements.txt", "rust-toolchain.toml"]


def document(archive, architecture, builder=LOCAL, source=None, build=None):
    """The text of the statement about an archive."""
    programs = {f"target/lambda/{name}/bootstrap": binary(name) for name in FUNCTIONS}
    inputs = {name: ROOT / name for name in INPUTS}
    run = {"builder": {"id": builder}}
    if build:
        run["metadata"] = {"invocationId": build}
    statement = {
        "_type": STATEMENT,
        "subject": [described(*one) for one in [(archive.name, archive), *programs.items()]],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"architecture": architecture, "version": this_version()},
                "resolvedDependencies": [
                    sources(source),
                    *(described(*one) for one in inputs.items()),
                ],
            },
            "runDetails": run,
        },
    }
    return json.dumps(statement, indent=1) + "\n"


def described(name, path):
    """A file, by its digest."""
    return {"name": name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}


def sources(address=None):
    """The sources, by their commit, and whether there is more than that commit in them."""
    commit = git("rev-parse", "HEAD")
    found = {"name": "sources", "digest": {"gitCommit": commit}}
    if address:
        found["uri"] = f"git+{address}@{commit}"
    if changed():
        found["annotations"] = {"uncommitted": True}
    return found


def changed():
    """The files that are not as they were committed, a line each."""
    return git("status", "--porcelain")


def git(*words):
    """What git says of the sources."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a release names its commit, and git does not: {done.stderr.strip()}")
    return done.stdout.strip()

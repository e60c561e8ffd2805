"""A release's signatures, by OpenSSH: whoever can push to a repository has such a key already."""

import subprocess

# What a signature is for: one made for something else is none of a release.
NAMESPACE = "partner-sync-release"


def signed(data, key):
    """The signature of some bytes. The key is a private one, or a public one whose private half
    an agent holds."""
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    try:
        done = subprocess.run(command, input=data, capture_output=True)
    except FileNotFoundError:
        raise SystemExit("ssh-keygen is not there: install OpenSSH's client") from None
    if done.returncode:
        raise SystemExit(f"not signed: {done.stderr.decode().strip()}")
    return done.stdout


def beside(path):
    """Where a file's signature lies."""
    return path.with_name(f"{path.name}.sig")

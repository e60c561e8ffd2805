"""make doctor: looks, without writing, for whatever would end the first run.

The checks are a program of this repository (infra/tools/doctor). This hands it what a Lambda of the
environment would have: settings from the parameters, and credentials for its secrets.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError

from common.places import TARGET
from common.template import template

from . import environments


def variable(parameter):
    """MaxMarksPercent is MAX_MARKS_PERCENT."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).upper()


def settings(parameters):
    """The variables that the template makes of its parameters, except where the secrets are."""
    defaults = {
        name: str(rule["Default"])
        for name, rule in template()["Parameters"].items()
        if "Default" in rule
    }
    chosen = {**defaults, **parameters}
    return {variable(name): value for name, value in chosen.items()} | {"BUCKET": "none"}


def secret_prefix(environment):
    """What the secrets' names begin with, as the template chooses it."""
    return environment.parameters.get("SecretPrefix") or environment.stack


def credentials(region):
    """What boto3 finds, as the variables that a Lambda has. Raises SystemExit if there is none."""
    try:
        found = boto3.Session().get_credentials()
        frozen = found and found.get_frozen_credentials()
    except BotoCoreError as error:
        raise SystemExit(f"FAIL  aws  the credentials cannot be read: {error}") from None
    if not frozen:
        raise SystemExit("FAIL  aws  no credentials: sign in, as with aws sso login")
    return {
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token or "",
    }


def examine(variables):
    """Runs the checks; 0 if nothing fails."""
    kept = {name: value for name, value in os.environ.items() if name not in settings({})}
    program = [TARGET / "debug" / "doctor"]
    return subprocess.run(program, env={**kept, **variables}).returncode


def main():
    """The environment's name as an argument, or a folder of secrets in SECRETS, or both."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    folder = os.environ.get("SECRETS")
    if not name and not folder:
        there_are = " | ".join(environments.names())
        raise SystemExit(
            f"make doctor ENV={there_are}, or SECRETS=<folder with salesforce.json, and a "
            "zendesk-<instance>.json for each instance of infra/sync.toml>"
        )
    environment = environments.read(name) if name else None
    variables = settings(environment.parameters if environment else {})
    variables["SYNC_CONFIG"] = str(environments.sync_toml(name))
    variables["SECRET_PREFIX"] = secret_prefix(environment) if environment else "partner-sync"
    if folder:
        variables["SECRETS"] = str(Path(folder).resolve())
    else:
        variables |= credentials(environment.region)
    return examine(variables)


if __name__ == "__main__":
    sys.exit(main())

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

from checks import roles
from common.places import TARGET
from common.template import template

from . import environments


def variable(parameter):
    """MaxMarksPercent is MAX_MARKS_PERCENT."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).upper()


# The parameter of a secret's name, its variable, and its name below the stack's.
SECRETS = [
    (f"{secret}SecretName", f"{variable(secret)}_SECRET", default)
    for secret, default in roles.SECRETS.items()
]


def settings(parameters):
    """The variables that the template makes of its parameters, except the secrets' names."""
    defaults = {
        name: str(rule["Default"])
        for name, rule in template()["Parameters"].items()
        if "Default" in rule
    }
    chosen = {**defaults, **parameters}
    return {variable(name): value for name, value in chosen.items()} | {"BUCKET": "none"}


def secrets_on_aws(stack, parameters):
    """The secrets' names, as the template chooses them."""
    names = {}
    for parameter, name, default in SECRETS:
        given = parameters.get(parameter, "")
        names[name] = "" if given == "none" else given or f"{stack}/{default}"
    return names


def secrets_in(folder, environment=None):
    """The secrets' files: salesforce.json, zendesk-global.json and zendesk-us-government.json.

    The last is not read if the environment says so, or if there is no environment and no file.
    """
    files = {name: default.replace("/", "-") + ".json" for _, name, default in SECRETS}
    parameter, name, _ = SECRETS[-1]
    if environment:
        is_read = environment.parameters.get(parameter) != "none"
    else:
        is_read = (folder / files[name]).exists()
    return files if is_read else {**files, name: ""}


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
            f"make doctor ENV={there_are}, or SECRETS=<folder with salesforce.json, "
            "zendesk-global.json and, if it is read, zendesk-us-government.json>"
        )
    environment = environments.read(name) if name else None
    parameters = environment.parameters if environment else {}
    variables = settings(parameters)
    if folder:
        path = Path(folder).resolve()
        variables |= secrets_in(path, environment) | {"SECRETS": str(path)}
    else:
        variables |= secrets_on_aws(environment.stack, parameters)
        variables |= credentials(environment.region)
    return examine(variables)


if __name__ == "__main__":
    sys.exit(main())

"""The environments that can be deployed: samconfig.toml and infra/environments/<name>.yaml."""

import re
import shlex
import tomllib
from dataclasses import dataclass, field

import yaml

from common.places import ROOT, SYNC_TOML
from common.template import template

CONFIG = "samconfig.toml"
# A state machine's name may have 80 characters, and the longest of the stack ends in "-starter".
LONGEST_STACK = 72
# Their values must not appear on a terminal or in a log of CI.
ADDRESSES = {"NotificationEmail"}


def sync_toml(name):
    """What an environment syncs: its own file, if it has one."""
    own = ROOT / "infra" / "environments" / f"{name}.sync.toml"
    return own if own.exists() else SYNC_TOML


class Unfit(SystemExit):
    """An environment cannot be used as it is written. Its text says why and what to do."""


@dataclass(frozen=True)
class Environment:
    """Where and how the template is deployed."""

    name: str
    stack: str
    region: str
    parameters: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    termination_protection: bool = False
    s3_bucket: str | None = None

    @property
    def architecture(self):
        """What the Lambdas are built for."""
        return self.value("Architecture")

    def value(self, parameter):
        """What a parameter will be: the file's value, or the template's default."""
        if parameter in self.parameters:
            return self.parameters[parameter]
        return str(template()["Parameters"][parameter]["Default"])


def names():
    """The environments there are."""
    return [name for name, said in _config().items() if _is_environment(name, said)]


def read(name):
    """An environment, checked. Raises Unfit with everything that is wrong."""
    said = _config().get(name)
    if not _is_environment(name, said):
        there_are = ", ".join(names())
        raise Unfit(f"There is no environment {name or '(none given)'} in {CONFIG}: {there_are}.")
    deploy = _section(said, "deploy")
    written = deploy.get("parameter_overrides", "")
    parameters, problems = _parameters(written)
    environment = Environment(
        name=name,
        stack=str(deploy.get("stack_name", "")),
        region=str(deploy.get("region", "")),
        parameters=parameters,
        tags=_tags(deploy.get("tags", "")),
        termination_protection=bool(_section(said, "protect").get("termination_protection")),
        s3_bucket=deploy.get("s3_bucket"),
    )
    problems += [*_name_problems(environment), *parameter_problems(parameters)]
    if problems:
        raise Unfit("\n".join([f"The environment {name} cannot be deployed:", *problems]))
    return environment


def _config():
    path = ROOT / CONFIG
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise Unfit(f"{CONFIG} is missing; it is part of the repository.") from None
    except tomllib.TOMLDecodeError as error:
        raise Unfit(f"{CONFIG} cannot be read: {error}.") from None


def _is_environment(name, said):
    # SAM's `default` is another name for the sandbox.
    return name != "default" and isinstance(said, dict) and "deploy" in said


def _section(said, command):
    """A command's parameters as SAM sees them: `global` holds for all."""
    return {
        **said.get("global", {}).get("parameters", {}),
        **said.get(command, {}).get("parameters", {}),
    }


def _tags(text):
    pairs = text if isinstance(text, list) else shlex.split(text)
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _parameters(written):
    """The parameters of the file that samconfig.toml names, and what is wrong with the file."""
    if not str(written).startswith("file://"):
        return {}, [f'  {CONFIG}: parameter_overrides is "{written}" and must name a file: file://']
    name = written.removeprefix("file://")
    try:
        # Every scalar as it is written; SAM reads numbers and makes texts of them again.
        texts = yaml.load((ROOT / name).read_text(), yaml.BaseLoader) or {}
        values = yaml.safe_load((ROOT / name).read_text()) or {}
    except FileNotFoundError:
        return {}, [f"  {name} is missing: write it, as Parameter: value, one a line"]
    except yaml.YAMLError as error:
        return {}, [f"  {name} cannot be read: {_yaml_problem(error)}"]
    if not isinstance(texts, dict) or any(isinstance(one, dict) for one in texts.values()):
        return {}, [f"  {name} must hold lines of the form Parameter: value"]
    problems = [
        f"  {key}: write {text} in quotes, or it is read as {values[key]}"
        for key, text in texts.items()
        if isinstance(text, str) and text and str(values[key]) != text
    ]
    joined = {
        key: ",".join(text) if isinstance(text, list) else text for key, text in texts.items()
    }
    return joined, problems


def _yaml_problem(error):
    """What is wrong, and where. The line itself is not shown: an address may stand in it."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}: {problem}" if mark and problem else "it is no YAML"


def _name_problems(environment):
    stack, region = environment.stack, environment.region
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", stack):
        yield (
            f"  stack_name: {stack!r} must be letters, digits and hyphens, and begin with a letter"
        )
    if len(stack) > LONGEST_STACK:
        yield (
            f"  stack_name: {stack} has {len(stack)} characters and may have {LONGEST_STACK}, "
            f"because its state machine <stack>-starter may have 80"
        )
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-[0-9]+", region):
        yield f"  region: {region!r} is no region of AWS, such as us-east-1"


def parameter_problems(parameters):
    """What the template would refuse: one line for each."""
    known = template()["Parameters"]
    for name, value in parameters.items():
        if name not in known:
            yield f"  {name}: the template has no such parameter; see docs/REFERENCE.md"
        elif reason := _refused(known[name], value):
            hint = known[name].get("ConstraintDescription") or known[name].get("Description")
            yield f"  {name}: {shown(name, value)} {reason} ({hint})"
    for name, rule in known.items():
        if "Default" not in rule and name not in parameters:
            yield f"  {name}: missing ({rule.get('Description')})"


def shown(name, value):
    """A parameter's value for a terminal. An address is not shown."""
    return "(an address)" if name in ADDRESSES and value else repr(value)


def _refused(rule, value):
    """Why a parameter's rule refuses a value, None if it does not."""
    allowed = [str(one) for one in rule.get("AllowedValues", [])]
    if rule["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            return "is no number"
        if "MinValue" in rule and number < rule["MinValue"]:
            return f"is less than {rule['MinValue']}"
        if "MaxValue" in rule and number > rule["MaxValue"]:
            return f"is more than {rule['MaxValue']}"
    if allowed and value not in allowed:
        return f"is none of {', '.join(allowed)}"
    if "MinLength" in rule and len(value) < int(rule["MinLength"]):
        return f"is shorter than {rule['MinLength']} characters"
    if "MaxLength" in rule and len(value) > int(rule["MaxLength"]):
        return f"is longer than {rule['MaxLength']} characters"
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        return f"does not fit {rule['AllowedPattern']}"
    return None

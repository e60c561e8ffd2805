"""make validate: the template and the environment of each function are as small as AWS asks."""

import json
import re

# CloudFormation accepts 1 MB from a bucket, through which both ways to deploy go, and 51,200 bytes
# without one.
MOST_BYTES_OF_TEMPLATE = 1_000_000
# Lambda measures names and values together, as JSON.
MOST_BYTES = 4096
# What CloudFormation makes of a name that is not given, and the longest stack name there can be.
LONGEST = {"Bucket": 63, "AWS::StackName": 72}


def problems(whole):
    """Functions whose environment could be larger than Lambda allows."""
    everywhere = whole["Globals"]["Function"]["Environment"]["Variables"]
    for name, resource in whole["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        variables = {**everywhere, **resource["Properties"]["Environment"]["Variables"]}
        largest = {key: "x" * longest(value, whole) for key, value in variables.items()}
        size = len(json.dumps(largest, separators=(",", ":")))
        if size > MOST_BYTES:
            yield (
                f"{name}: its environment may have {size} bytes, and Lambda allows {MOST_BYTES}; "
                "give a parameter a smaller MaxLength"
            )


def template_problems(text):
    """What is wrong if the template has become too large for CloudFormation."""
    size = len(text.encode())
    if size > MOST_BYTES_OF_TEMPLATE:
        yield f"infra/template.yaml has {size} bytes, and CloudFormation takes 1 MB"


def longest(value, whole):
    """The bytes of the longest value an expression of the template can have."""
    if not isinstance(value, dict):
        return len(str(value))
    [(function, argument)] = value.items()
    if function == "Ref":
        return LONGEST.get(argument) or _of_parameter(argument, whole["Parameters"][argument])
    if function == "If":
        return max(longest(way, whole) for way in argument[1:])
    if function == "Sub" and isinstance(argument, str):
        names = re.findall(r"\$\{([^}]+)\}", argument)
        text = re.sub(r"\$\{[^}]+\}", "", argument)
        return len(text) + sum(longest({"Ref": name}, whole) for name in names)
    raise SystemExit(
        f"the longest value of {value} is not known: teach it to infra/checks/sizes.py"
    )


def _of_parameter(name, rule):
    if "AllowedValues" in rule:
        return max(len(str(value)) for value in rule["AllowedValues"])
    if "MaxValue" in rule:
        return max(len(str(rule[key])) for key in ("MinValue", "MaxValue"))
    if "MaxLength" not in rule:
        raise SystemExit(f"{name}: a function is given it, so it needs a MaxLength")
    return int(rule["MaxLength"])

"""infra/template.yaml as data, and the definitions of its state machines."""

import json

import yaml

from .places import ROOT


class Loader(yaml.SafeLoader):
    """Reads a template; the short forms of functions become {name: argument}."""


def function(loader, suffix, node):
    kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    made = kinds.get(type(node), loader.construct_mapping)
    return {suffix: made(node, deep=True) if made != loader.construct_scalar else made(node)}


Loader.add_multi_constructor("!", function)


def template():
    """infra/template.yaml as data."""
    return yaml.load((ROOT / "infra" / "template.yaml").read_text(), Loader)


def definitions():
    """Logical id to definition of each of the template's state machines, as data."""
    return {
        name: json.loads((ROOT / "infra" / one["Properties"]["DefinitionS3Location"]).read_text())
        for name, one in template()["Resources"].items()
        if one["Type"] == "AWS::StepFunctions::StateMachine"
    }

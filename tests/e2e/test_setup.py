"""docs/SETUP.md, followed word for word: its commands, against a local AWS and the stand-ins."""

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import cfnlint
import pytest
from conftest import CANARIES

from checks.setup_steps import LANGUAGES, blocks, shown
from common.places import REGION, ROOT, TARGET
from common.processes import stop
from common.template import template
from local.ministack import local_aws
from local.stack import Stack
from local.standins import standins

BEGIN = "##### "
# The copy has the same sources as the original, and the original is compiled already. The
# programs go into the copy: other tests read those of the original meanwhile.
CARGO = """#!/bin/bash
here=$PWD
cd "{root}" && exec "{cargo}" "${{@/#target\\/lambda/$here/target/lambda}}"
"""
SECONDS = 900
# What stands for a person's own values, in the files that SETUP has one write.
OWN = {"login_url", "base_url", "audience", "client_id", "client_secret", "username"}
# Blocks that need a machine to install on, or that another test runs.
MOST_NOT_RUN = 6
POLICY = ROOT / "docs" / "policies" / "deploy.json"
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
# Rights that AWS lists for features that the template does not use.
UNUSED = [
    "kms:*", "kinesis:*", "s3tables:*", "s3files:*", "ec2:*", "elasticfilesystem:*", "firehose:*",
    "iam:CreateServiceLinkedRole", "iam:*GroupPolicy", "iam:*UserPolicy", "lambda:*CodeSigning*",
    "lambda:*CapacityProvider", "lambda:*Scaling*", "lambda:*RuntimeAlias", "lambda:PublishVersion",
    "logs:*IndexPolicy",
    "logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:DeleteResourcePolicy",
    "logs:PutBearer*", "logs:PutLogGroupDeletionProtection", "logs:*LogStream*",
    "logs:PutLogEvents", "sns:PutDataProtectionPolicy",
    "dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan", "dynamodb:*Replica*", "dynamodb:*Import*",
    "dynamodb:*Kinesis*", "dynamodb:*ContributorInsights", "dynamodb:PutResourcePolicy",
    "dynamodb:DeleteResourcePolicy", "s3:REST*", "s3:*ObjectAcl", "s3:*Metadata*",
    "s3:Put*Analytics*", "s3:DeleteBucket?*", "s3:Put*Inventory*", "s3:Put*Metrics*",
    "s3:Put*Tiering*", "s3:PutAccelerate*", "s3:PutReplication*", "s3:PutObjectLock*",
]  # fmt: skip

# Of the AWS CLI: services whose rights have another prefix, commands whose rights have other names,
# and what is for everybody (sts) or for an administrator (iam).
PREFIXES = {"stepfunctions": "states", "s3api": "s3"}
SPECIAL = {
    "cp": "GetObject",
    "rb": "DeleteBucket",
    "wait": "DescribeStacks",
    "list-object-versions": "ListBucketVersions",
    "delete-objects": "DeleteObjectVersion",
}
NEEDS_ANOTHER = {"sts", "iam"}
# In place of the AWS CLI: it starts an execution, does not know it, and then knows it.
AWS = """case "$*" in
*start-execution*"arn none "*) exit 1 ;;
*start-execution*) echo arn:one ;;
*"--query status "*)
  asked=$(($(cat {asked}) + 1))
  echo $asked > {asked}
  case $asked in
  1) echo ExecutionDoesNotExist >&2; exit 254 ;;
  2) echo RUNNING ;;
  *) echo {status} ;;
  esac ;;
*) echo {status} ;;
esac"""


@pytest.fixture
def home(tmp_path):
    """A copy of the repository for a reader to work in, and the environment of the shell there."""
    listed = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, capture_output=True, check=True).stdout.decode().split("\0")
    copy = tmp_path / "partner-sync"
    for file in filter(None, files):
        if (ROOT / file).is_file():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, copy / file)
    for folder in (".venv", ".venv-aws"):
        (copy / folder).symlink_to(ROOT / folder)
    (tmp_path / "bin").mkdir()
    cargo = tmp_path / "bin" / "cargo"
    cargo.write_text(CARGO.format(root=ROOT, cargo=shutil.which("cargo")))
    cargo.chmod(0o755)
    return copy


def environment(home, endpoint):
    """A reader's environment: signed in to the local AWS, and to nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "PATH": f"{home.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CARGO_TARGET_DIR": str(TARGET),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "SAM_CLI_TELEMETRY": "0",
    }


def test_whoever_follows_setup_word_for_word_has_a_sandbox_and_a_production_that_run(home):
    output, left = followed(home)
    if "D1012" in output:
        # The local AWS took too long over an expression, which AWS does not do.
        output, left = followed(home)
    # Of the sandbox, which SETUP uninstalls in its end, nothing is left.
    assert left == (["partner-sync"], ["partner-sync-bucket"])
    steps = [block for block in blocks() if block.language in ("sh", "text")]
    said = by_line(output)
    for before, block in zip(steps, steps[1:], strict=False):
        if block.language == "text" and before.is_run:
            missing = shown(block.text, said[before.line])
            assert not missing, (
                f"{block.place} promises {missing}, and there was:\n{said[before.line]}"
            )


def followed(home):
    """What the commands of SETUP print, with a line before each block, and what they leave."""
    with local_aws(home.parent, 0.02) as endpoint, standins(home.parent) as remote:
        (home.parent / "setup.sh").write_text(commands(home.parent, remote))
        status, output = run(home, environment(home, endpoint))
        left = stacks_and_buckets(endpoint)
    for canary in CANARIES:
        assert canary not in output, "a secret is shown on the terminal"
    if status != 0 and "D1012" not in output:
        line, said = list(by_line(output).items())[-1]
        place = next(block.place for block in blocks() if block.line == line)
        pytest.fail(f"{place} ended with {status}:\n{said}", pytrace=False)
    return output, left


def stacks_and_buckets(endpoint):
    """The stacks and the buckets there are, without the random ends of their names."""
    stack = Stack(endpoint)
    stacks = [one["StackName"] for one in stack.cloudformation.describe_stacks()["Stacks"]]
    buckets = [one["Name"].rpartition("-")[0] for one in stack.s3.list_buckets()["Buckets"]]
    return sorted(stacks), sorted(buckets)


def run(home, env):
    """The script's exit code and output. Whatever asks is answered with yes."""
    log = home.parent / "output.txt"
    with log.open("wb") as out:
        child = subprocess.Popen(
            ["bash", "-c", "yes yes | bash ../setup.sh"],
            cwd=home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            status = f"a time-out after {SECONDS} s"
        finally:
            stop(child, signal.SIGTERM)
    return status, log.read_text()


def commands(folder, remote):
    """SETUP as a script. The files are written by the reader: they lie ready, to be copied."""
    lines, files = ["set -euo pipefail"], {}
    for block in blocks():
        if path := block.marks.get("file"):
            files[path] = folder / f"file-{block.line}"
            files[path].write_text(filled(block.text, remote))
            # What is written anew is newer than what was.
            lines.append(f"cp {files[path]} {path}")
        elif block.is_run:
            again = block.marks.get("again")
            lines += [
                f"cp {file} {path}" for path, file in files.items() if again and again in path
            ]
            lines += [f"printf '\\n%s\\n' '{BEGIN}{block.line}'", block.text]
    return "\n".join(lines) + "\n"


def filled(text, remote):
    """A file of SETUP with the values of the stand-ins in place of the examples."""
    if not text.startswith("{"):
        return text + "\n"
    example = json.loads(text)
    written = {host: json.loads(text) for host, text in by_host(remote).items()}
    host = host_of(example)
    own = written[host] | {"audience": "https://login.example", "username": "sync@acme.example"}
    return json.dumps({key: own[key] if key in OWN else example[key] for key in example})


def host_of(example):
    """Which of the stand-ins a secret of SETUP is for."""
    if "login_url" in example:
        return "salesforce"
    return "us-government" if "federal" in example["base_url"] else "global"


def by_host(remote):
    return {name.rpartition("/")[2]: text for name, text in remote.secrets().items()}


def by_line(output):
    """The output of each block, by the line of SETUP it begins at."""
    parts = output.split(f"\n{BEGIN}")[1:]
    return {int(number): said for number, _, said in (part.partition("\n") for part in parts)}


def test_every_command_of_setup_is_run_or_says_why_not():
    found = blocks()
    assert {block.language for block in found} <= LANGUAGES, "a command may hide in another fence"
    not_run = [block for block in found if block.language == "sh" and not block.is_run]
    assert all(block.marks["not run by the test"] for block in not_run)
    assert len(not_run) <= MOST_NOT_RUN
    for block in found:
        if block.language in ("json", "yaml"):
            assert block.marks.get("file"), f"{block.place} is no file that the test could write"


def test_no_command_of_setup_deletes_the_secrets_after_one_that_may_have_failed():
    # Pasted together, the second runs although the first failed.
    deleting = [block for block in blocks() if "rm -r .local/secrets" in block.text]
    assert deleting
    for block in deleting:
        assert block.text == "rm -r .local/secrets", block.place


def test_run_of_setup_waits_for_an_execution_that_aws_does_not_know_yet(tmp_path):
    done, asked = waited(tmp_path, "SUCCEEDED")
    assert (done.returncode, asked) == (0, 3)
    assert done.stdout == "SUCCEEDED\n"


def test_run_of_setup_gives_up_with_a_sentence(tmp_path):
    done, asked = waited(tmp_path, "RUNNING")
    assert (done.returncode, asked) == (0, 200)
    assert done.stdout.startswith("No end seen yet.")


def test_run_of_setup_asks_nothing_of_a_run_that_did_not_start(tmp_path):
    done, asked = waited(tmp_path, "SUCCEEDED", machine="none")
    assert done.returncode != 0
    assert asked == 0


def waited(folder, status, machine="a-machine"):
    """What SETUP's run() says, and how often it asks, of an execution that is unknown at first.

    Then it is RUNNING, and then what `status` says.
    """
    functions = next(block.text for block in blocks() if "functions.sh <<" in block.text)
    asked = folder / "asked"
    asked.write_text("0")
    for name, text in {"aws": AWS.format(asked=asked, status=status), "sleep": "true"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / ".local").mkdir()
    done = subprocess.run(
        ["bash", "-c", f"set -u\n{functions}\nrun {machine} test '{{}}'"],
        cwd=folder,
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done, int(asked.read_text())


def test_the_files_of_setup_have_the_keys_that_secrets_have():
    from_reference = (ROOT / "docs" / "REFERENCE.md").read_text()
    for block in blocks():
        if block.language == "json":
            keys = json.loads(block.text)
            assert all(f'"{key}"' in from_reference for key in keys), block.place


def test_the_policy_to_deploy_allows_what_aws_lists_for_each_resource_of_the_template():
    allowed = [action for one in statements() for action in one["Action"]]
    kinds = resource_types()
    listed = rights(kinds)
    assert set(listed) >= kinds, "cfn-lint has no list for some"
    for kind, needed in listed.items():
        missing = {
            right for right in needed if not covers(allowed, right) and not covers(UNUSED, right)
        }
        assert not missing, f"{kind} needs {sorted(missing)}"
    assert sum(len(part) for part in POLICY.read_text().split()) <= 6144, "too long for a policy"


def test_the_policy_to_deploy_allows_every_aws_command_of_setup():
    allowed = [action for one in statements() for action in one["Action"]]
    text = "\n".join(block.text for block in blocks() if block.language == "sh")
    called = set(re.findall(r"\baws ([a-z0-9]+) ([a-z][a-z-]+)", text))
    needed = {right_of(*call) for call in called if call[0] not in NEEDS_ANOTHER}
    assert len(needed) > 10
    refused = {right for right in needed if not covers(allowed, right)}
    assert not refused, f"docs/policies/deploy.json does not allow {sorted(refused)}"


def right_of(service, command):
    """The IAM action behind a command of the AWS CLI."""
    action = SPECIAL.get(command) or command.title().replace("-", "")
    return f"{PREFIXES.get(service, service)}:{action}"


def test_the_policy_to_deploy_opens_nothing_but_what_is_called_partner_sync():
    for one in statements():
        resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
        if one["Sid"] == "WhatHasNoName":
            assert resources == ["*"] and not any(action.endswith("*") for action in one["Action"])
            continue
        for resource in resources:
            name = resource.split(":", 5)[5]
            ours = "partner-sync" in name or "aws-sam-cli-managed" in name
            # A key has no name of ours: it opens what may be read and written through the services.
            ours = ours or (name == "key/*" and "kms:ViaService" in str(one.get("Condition")))
            # A key has no name of ours: it opens only through the services that keep what is ours.
            is_through = name == "key/*" and "kms:ViaService" in str(one.get("Condition"))
            assert ours or is_through or name == "transform/*", resource
        # What makes a role strong is bound to AWS's own services and policies.
        strong = {"iam:PassRole", "iam:AttachRolePolicy"} & set(one["Action"])
        assert not strong or "Condition" in one, one["Sid"]


def covers(patterns, right):
    return any(fnmatch.fnmatchcase(right, pattern) for pattern in patterns)


def statements():
    for one in json.loads(POLICY.read_text())["Statement"]:
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        yield one | {"Action": actions}


def resource_types():
    """The types of what the stack is made of, as AWS gets them from SAM."""
    made_by_sam = {
        "AWS::Serverless::Function": "AWS::Lambda::Function",
        "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
    }
    kinds = {one["Type"] for one in template()["Resources"].values()}
    beside = {"AWS::IAM::Role", "AWS::Scheduler::Schedule"}
    return {made_by_sam.get(kind, kind) for kind in kinds} | beside


def rights(kinds):
    """Type of resource to what AWS says its making, changing, reading and deleting needs."""
    found = {}
    for file in SCHEMAS.glob("*.json"):
        schema = json.loads(file.read_text())
        if schema.get("typeName") in kinds and "handlers" in schema:
            handlers = {how: one for how, one in schema["handlers"].items() if how != "list"}
            needed = {right for one in handlers.values() for right in one["permissions"]}
            found.setdefault(schema["typeName"], set()).update(needed)
    return found

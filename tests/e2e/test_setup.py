"""docs/SETUP.md, followed word for word: its commands, against a local AWS and the stand-ins."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from conftest import CANARIES

from checks.setup_steps import LANGUAGES, SETUP, blocks, commands_of, functions, shown
from common.places import REGION, ROOT, TARGET
from common.processes import stop
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
# The AWS CLI of a reader is of version 2, which is on no registry. That of the tools, version 1,
# stands in for it: SETUP's commands are the same in both.
AWS_2 = """#!/bin/sh
exec "{root}/.venv-aws/bin/aws" "$@"
"""
# Blocks that need a machine to install on, a newer version or what the local AWS has not, and those
# that another test runs.
MOST_NOT_RUN, ELSEWHERE = 5, "another one does"
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
    put_program(tmp_path / "bin" / "cargo", CARGO.format(root=ROOT, cargo=shutil.which("cargo")))
    put_program(tmp_path / "bin" / "aws", AWS_2.format(root=ROOT))
    return copy


def put_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


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
    skipped = [block for block in found if block.language == "sh" and not block.is_run]
    reasons = [block.marks["not run by the test"] for block in skipped]
    assert all(reasons)
    assert len([reason for reason in reasons if ELSEWHERE not in reason]) <= MOST_NOT_RUN
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
    asked = folder / "asked"
    asked.write_text("0")
    put_program(folder / "sleep", "#!/bin/sh\ntrue\n")
    aws = AWS.format(asked=asked, status=status)
    return called(folder, f"run {machine} test '{{}}'", aws), int(asked.read_text())


def called(folder, command, aws):
    """What a command of SETUP's functions does, with this script in place of the AWS CLI."""
    put_program(folder / "aws", f"#!/bin/sh\n{aws}\n")
    (folder / ".local").mkdir(exist_ok=True)
    return subprocess.run(
        ["bash", "-c", f"set -u\n{functions()}\n{command}"],
        cwd=folder,
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )


# What AWS says of a stack that is not there, and to whoever may not ask.
NOT_THERE = "echo 'Stack with id x does not exist' >&2; exit 254"
NO_RIGHT = "echo 'AccessDenied' >&2; exit 254"


@pytest.mark.parametrize(
    ("stack", "runs", "is_idle", "said"),
    [
        ("echo arn:m", "echo", True, ""),
        ("echo arn:m", "echo by-hand", False, "x has a run under way: by-hand. Wait"),
        ("echo arn:m", NO_RIGHT, False, "AccessDenied"),
        (NOT_THERE, NO_RIGHT, True, ""),
        ("echo None", NO_RIGHT, True, ""),
        (NO_RIGHT, "echo", False, "AccessDenied"),
    ],
)
def test_idle_of_setup_is_true_only_of_a_stack_without_runs(tmp_path, stack, runs, is_idle, said):
    aws = f'case "$*" in *list-executions*arn:m*RUNNING*) {runs} ;; *) {stack} ;; esac'
    done = called(tmp_path, "idle x", aws)
    assert (done.returncode == 0) == is_idle and said in done.stderr


def test_as_of_setup_acts_as_the_role_and_does_nothing_if_it_is_refused(tmp_path):
    show = "as arn:role sh -c 'echo $AWS_ACCESS_KEY_ID, $AWS_SESSION_TOKEN'"
    done = called(tmp_path, show, "printf 'key\\tsecret\\ttoken\\n'")
    assert done.stdout == "key, token\n"
    done = called(tmp_path, show, NO_RIGHT)
    assert done.returncode != 0 and not done.stdout


def test_a_profile_that_asks_the_aws_cli_signs_the_tools_in(tmp_path):
    """Whatever the AWS CLI is signed in with, such as aws login: the tools need not know it."""
    session = '{"Version": 1, "AccessKeyId": "of-a-session", "SecretAccessKey": "s"}'
    aws = f"""case "$*" in
"configure export-credentials --profile default") echo '{session}' ;;
*) exec {ROOT}/.venv-aws/bin/aws "$@" ;;
esac"""
    put_program(tmp_path / "aws", f"#!/bin/sh\n{aws}\n")
    [commands] = [text for text in commands_of("What you need") if "credential_process" in text]
    asked = "import boto3; print(boto3.Session().get_credentials().access_key)"
    done = subprocess.run(
        ["bash", "-euc", f"{commands}\n{ROOT}/.venv/bin/python -c '{asked}'"],
        env={
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "of-a-session\n", done.stderr


def test_what_a_deployment_may_do_to_a_run_has_its_line_in_the_runbook():
    upgrade = SETUP.read_text().partition("### Upgrade\n")[2].partition("\n### ")[0]
    names = re.findall(r"`((?:Sync|Lambda|States)\.[\w*]+)`", upgrade)
    assert {"Sync.Input", "Sync.Contract", "Sync.Config", "Lambda.*"} <= set(names)
    parts = (ROOT / "infra" / "RUNBOOK.md").read_text().split("\n## ")
    by_title = {part.partition("\n")[0]: part for part in parts}
    for name in names:
        is_ours = name.startswith("Sync.")
        lines = by_title[name if is_ours else "AWS's own names"].split("\n- ")
        of_deployments = [one for one in lines if "during a deployment" in one.lower()]
        assert any(is_ours or name in one for one in of_deployments), name


def test_the_files_of_setup_have_the_keys_that_secrets_have():
    from_reference = (ROOT / "docs" / "REFERENCE.md").read_text()
    for block in blocks():
        if block.language == "json":
            keys = json.loads(block.text)
            assert all(f'"{key}"' in from_reference for key in keys), block.place

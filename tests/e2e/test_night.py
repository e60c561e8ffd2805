"""A night: partners are lost, people are told, the report is opened, what it prints releases the
marks, and an account that comes back loses its mark before Saturday."""

import json
import re

from playwright.sync_api import sync_playwright
from test_guard import marked
from test_reports import PHONE, Visit, launch
from test_weeks import A_DAY, WORLD, come_back, leave, partners

from local.standins import organizations

SATURDAY = re.compile(r"Saturday \d{4}-\d\d-\d\d 00:45 UTC")


def read_on_a_phone(address):
    """What a person sees of a held run on a phone: the texts to copy, and the held rows."""
    with (
        sync_playwright() as playwright,
        launch(playwright) as browser,
        Visit(browser, address, viewport=PHONE, java_script_enabled=False) as visit,
    ):
        boxes = visit.page.locator(".todo pre")
        copied = [boxes.nth(place).inner_text() for place in range(boxes.count())]
        rows = visit.page.locator("#held-marks tbody tr")
        return copied, [rows.nth(place).inner_text() for place in range(rows.count())]


def test_a_night_from_the_loss_to_the_unmark(twin, tmp_path):
    twin.fresh(**WORLD)
    twin.run()
    lost = partners(twin.remote.state())[:8]
    leave(twin, lost)
    twin.run()
    twin.let_hours_pass(A_DAY)
    twin.told()

    held = twin.run()["output"]
    assert held["verdict"] == "HELD"
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: HELD (was NOTHING_TO_DO)"
    assert "Held marks: 8 new" in message and "Nothing is deleted or changed" in message
    assert SATURDAY.search(message)
    execution = f"executions/details/{twin.stack.state_machine}".replace(
        "stateMachine", "execution"
    )
    assert f"{execution}:{held['run_id']}\n" in message
    assert f"prefix={held['report']['html']}" in message

    page = tmp_path / "report.html"
    page.write_bytes(twin.stack.objects()[held["report"]["html"]])
    copied, rows = read_on_a_phone(page.as_uri())
    assert len(rows) == 8
    for row in rows:
        assert "Partner status is Terminated" in row and SATURDAY.search(row), row
        assert re.search(r"users\W*\d+\W+tickets\W*\d+", row) or re.search(r"\d+\s+\d+$", row), row
    command, pasted = copied
    assert f"--region us-east-1 --state-machine-arn {twin.stack.state_machine}" in command
    assert pasted in command

    # What the page prints is the execution's input, as it stands there.
    released = twin.run(json.loads(pasted))["output"]
    assert (released["verdict"], released["applied"]["marked"]) == ("OK", 8)
    [(subject, message)] = twin.told()
    assert subject == "partner-sync: OK (was HELD), 8 marks set"
    assert re.search(rf"On {SATURDAY.pattern} those of 8 marked organizations", message)
    approved = twin.stack.document(released["run_id"], "report.json")["what_to_do"]
    assert any("AWS CloudTrail shows it, event StartExecution" in one["text"] for one in approved)
    assert len(marked(twin)) == 8

    come_back(twin, lost[:1])
    output = twin.run()["output"]
    assert (output["verdict"], output["counts"]["unmarks"]) == ("OK", 1)
    assert len(marked(twin)) == 7
    before = set(organizations(twin.remote.state()))
    twin.let_the_purge_pass()
    after = set(organizations(twin.remote.state()))
    assert len(before - after) == 7
    kept = [
        one["organization_fields"]["salesforce_id"]
        for one in organizations(twin.remote.state()).values()
    ]
    assert lost[0] in kept


def test_people_are_told_of_every_run_that_sets_marks_and_reminded_of_what_is_held(twin):
    twin.fresh(**WORLD)
    twin.run()
    for account in partners(twin.remote.state())[:2]:
        leave(twin, [account])
        twin.run()
        twin.let_hours_pass(A_DAY)
        twin.told()
        assert twin.run()["output"]["applied"]["marked"] == 1
        [(subject, message)] = twin.told()
        assert subject == "partner-sync: OK, 1 mark set"
        assert SATURDAY.search(message)

    leave(twin, partners(twin.remote.state())[10:20])
    twin.run()
    twin.let_hours_pass(A_DAY)
    assert twin.run()["output"]["verdict"] == "HELD"
    assert len(twin.told()) == 1
    twin.run()
    assert twin.told() == []
    twin.let_history_age(A_DAY)
    assert twin.run()["output"]["verdict"] == "HELD"
    [(subject, _)] = twin.told()
    assert subject.startswith("partner-sync: HELD, still, since ")

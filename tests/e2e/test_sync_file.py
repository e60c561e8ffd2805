"""docs/sync.schema.json: what an editor says of a sync.toml is what the product says of it."""

import re
import subprocess
import tomllib

import jsonschema
import pytest

from checks import sync_file
from common.places import ROOT, SYNC_TOML, TARGET

SCHEMA = sync_file.schema()
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.sync.toml"))
BROKEN = sorted((ROOT / "shared" / "config" / "broken").glob("*.toml"))
READER = ROOT / "shared" / "config" / "src"
KEYS = ROOT / "shared" / "domain" / "src" / "model" / "partner" / "key.rs"
# What only the reader sees: it holds the parts of a file against each other.
BETWEEN_PARTS = {
    "the-filter-leaves-the-type-out",
    "the-filter-lets-in-what-has-no-type",
    "roles-that-clash",
}
# No TOML, so nothing that a schema is asked about.
NO_TOML = {"a-key-twice", "no-toml"}


def faults(text):
    validator = jsonschema.Draft7Validator(SCHEMA)
    return [one.message for one in validator.iter_errors(tomllib.loads(text))]


def objects(part):
    """All objects of a schema."""
    if isinstance(part, dict):
        yield part
    if isinstance(part, (dict, list)):
        for one in part.values() if isinstance(part, dict) else part:
            yield from objects(one)


def source(name):
    return (READER / name).read_text()


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] and SCHEMA["description"]


def test_every_key_is_described_where_taplo_looks_for_it():
    """Taplo shows what a $ref leads to in place of what stands beside it."""
    assert not [part for part in objects(SCHEMA) if "$ref" in part or "allOf" in part]
    for path, _, part in sync_file.parts(SCHEMA):
        assert part["description"].endswith("."), path
        # The description is a cell of the table too.
        assert not re.search(r"[|\n]", part["description"]), path


def test_no_table_takes_keys_that_nobody_knows():
    tables = [part for part in objects(SCHEMA) if part.get("type") == "object"]
    for part in tables:
        assert "properties" not in part or part["additionalProperties"] is False
        assert "additionalProperties" in part and "description" in part
    chosen = [path for path, _, _ in sync_file.parts(SCHEMA) if path.endswith(">")]
    assert chosen == ["partners.named.<account id>", "fields.<key>", "fields.<key>.values.<text>"]


@pytest.mark.parametrize("path", [SYNC_TOML, *EXAMPLES], ids=lambda path: path.name)
def test_a_file_that_is_right_is_right_for_an_editor(path):
    assert faults(path.read_text()) == []


def test_the_examples_are_there():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(
    "path",
    [SYNC_TOML, *EXAMPLES, *(path for path in BROKEN if path.stem != "no-toml")],
    ids=lambda path: path.name,
)
def test_the_first_line_leads_an_editor_to_the_schema(path):
    """Taplo takes a path from the folder of the file, and only at its beginning."""
    first = path.read_text().splitlines()[0]
    named = re.fullmatch(r"#:schema (\S+)", first)[1]
    assert (path.parent / named).resolve() == sync_file.SCHEMA.resolve()


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_broken_for_an_editor_unless_its_parts_alone_do_not_fit(path):
    if path.stem in NO_TOML:
        with pytest.raises(tomllib.TOMLDecodeError):
            faults(path.read_text())
    else:
        assert bool(faults(path.read_text())) == (path.stem not in BETWEEN_PARTS)


def test_no_file_is_excused_that_is_not_there():
    assert {path.stem for path in BROKEN} >= BETWEEN_PARTS | NO_TOML


def methods():
    """The reader's functions that ask for a key."""
    pattern = r"pub\(crate\) fn (\w+)\(\s*&mut self,\s*key: &'static str"
    found = re.findall(pattern, source("section.rs"))
    assert {"text", "texts", "flag", "section", "sections"} <= set(found)
    return "|".join(found)


def asked():
    """What the reader asks the file and its tables for: (function's owner, function, key)."""
    pattern = rf'\b(\w+)\s*\.\s*({methods()})\(\s*"(\w+)"'
    for path in sorted(READER.glob("*.rs")):
        if path.name != "tests.rs":
            yield path.stem, re.findall(pattern, path.read_text())


def roles():
    """The reader's roles by its list: NEEDED and OPTIONAL."""
    names = dict(re.findall(r'pub const (\w+): Key = role\(\d+, "(\w+)"\)', KEYS.read_text()))
    lists = re.findall(r"const (\w+): \[Key; \d+\] = \[([^\]]+)\]", source("roles.rs"))
    return {
        name: {names[key] for key in re.findall(r"\w+", members)}
        for name, members in lists
        if name in {"NEEDED", "OPTIONAL"}
    }


def test_every_key_that_is_read_is_in_the_schema_and_no_other():
    """Table by table, as each of them has a file of the reader."""
    tables = set()
    for file, calls in asked():
        own = {key for owner, _, key in calls if owner == "file"}
        read = {key for owner, _, key in calls if owner != "file"}
        read |= set().union(*roles().values()) if file == "roles" else set()
        known = {
            path.rpartition(".")[2]
            for table in own
            for path, _, _ in sync_file.parts(SCHEMA)
            if path.startswith(f"{table}.") and not path.endswith(">")
        }
        assert read == known, file
        tables |= own
    assert tables == set(SCHEMA["properties"])


def test_what_must_be_there_is_required():
    must = {path for path, needed, _ in sync_file.parts(SCHEMA) if needed == "yes"}
    for file, calls in asked():
        for owner, function, key in calls:
            if owner == "file":
                assert (key in must) == (function != "optional_section"), key
            elif file != "fields" and function in {"text", "optional_text"}:
                paths = [path for path in must if path.endswith(f".{key}")]
                assert bool(paths) == (function == "text"), key
    assert set(SCHEMA["properties"]["roles"]["required"]) == roles()["NEEDED"]


def test_what_may_be_chosen_is_what_the_reader_offers():
    (rules,) = re.findall(r'const RULES: &str = "([^"]+)"', source("fields.rs"))
    assert sync_file.fields()["properties"]["rule"]["enum"] == rules.split(", ")
    days = re.findall(r'\("(\w+)", Weekday::', source("instances.rs"))
    assert SCHEMA["properties"]["purge"]["properties"]["day"]["enum"] == days
    (reserved,) = re.findall(r"const RESERVED: [^=]+= \[([^\]]+)\]", source("filter.rs"))
    name = SCHEMA["properties"]["filter"]["items"]["properties"]["name"]
    assert name["not"]["enum"] == re.findall(r'"(\w+)"', reserved)


def test_each_rule_takes_the_keys_that_the_reader_takes():
    line = sync_file.fields()
    taken = {
        rule: sync_file.taken(line, rule) for rule, _ in sync_file.rules(line["properties"]["rule"])
    }
    assert taken == {
        "id_18": [],
        "id_15": [],
        "text": ["column"],
        "checkbox": ["column"],
        "equals": ["column", "value"],
        "table": ["column", "values"],
    }


# Of the product's file: what stands there, what is put in its place, and who refuses it.
BOTH, READER_ALONE, NOBODY = "both", "the reader alone", "nobody"
OWNER = 'account_owner             = { rule = "text", column = "Account_Owner_Calc__c" }'
TYPES = '"alliance_partner", "open_partner", "select_partner"'
TABLE = '{ Open = "open_partner", Select = "select_partner" }'
CHANGES = [
    # A table or a key that is missing, or too much.
    ("[purge]", "[purges]", BOTH),
    ('day = "Saturday"\ntime = "00:45"', "", BOTH),
    ('[purge]\nday = "Saturday"\ntime = "00:45"', "", NOBODY),
    ('object = "Account"\n', "", BOTH),
    ('says = "Partner status"\n', "", BOTH),
    ('value = "Partner"\n', "", BOTH),
    ('value = "Partner"\n', 'value = "Partner"\nvalues = ["Partner"]\n', BOTH),
    ('value = "Partner"\n', 'values = ["Partner", "partner"]\n', NOBODY),
    (f"types = [{TYPES}]", "", BOTH),
    ('[partners.named]\n0014M00001sDiGEQA0 = "alliance_partner"', "[partners.named]", NOBODY),
    ('[partners.named]\n0014M00001sDiGEQA0 = "alliance_partner"', "", NOBODY),
    ('mark_for_deletion = "mark_for_deletion"', "", BOTH),
    ('expiration_date   = "expiration_date"', "", NOBODY),
    ('ignore_deletion   = "ignore_deletion"', "", NOBODY),
    ('ignore_deletion   = "ignore_deletion"', 'ignore_it = "ignore_deletion"', BOTH),
    # Texts, numbers, lists.
    ('object = "Account"', "object = 7", BOTH),
    ('object = "Account"', 'object = ""', BOTH),
    ('says = "Type"', 'says = " Type"', BOTH),
    ('says = "Type"', 'says = "T\\ty"', BOTH),
    ('says = "Type"', 'says = "Type\\n"', BOTH),
    ('says = "Type"', 'says = "Art des Kontos: \u00dc"', NOBODY),
    ('values = ["Authorized"]', "values = []", BOTH),
    ('values = ["Authorized"]', 'values = "Authorized"', BOTH),
    ('values = ["Authorized"]', 'values = ["Authorized", ""]', BOTH),
    (f"types = [{TYPES}]", f"types = [{TYPES}, {TYPES}]", NOBODY),
    # Names.
    ('name = "Name" ', 'name = "Owner.Name" ', BOTH),
    ('column = "Type"', 'column = "Owner.Type"', BOTH),
    ('column = "Type"', 'column = "2nd_Type__c"', BOTH),
    ('name = "status"', 'name = "Status"', BOTH),
    ('name = "status"', 'name = "status_2"', BOTH),
    ('name = "status"', 'name = "kind"', BOTH),
    ('name = "status"', 'name = "type"', READER_ALONE),
    ("0014M00001sDiGEQA0", "0014M00001sDiGE", NOBODY),
    ("0014M00001sDiGEQA0", "0014M00001sDiGEQ", BOTH),
    ("0014M00001sDiGEQA0", "0014M00001sDiGEQAX", READER_ALONE),
    ('0 = "alliance_partner"', '0 = "allies"', READER_ALONE),
    ("sfdc_short_id ", '"sfdc short id" ', BOTH),
    ("sfdc_short_id ", "name ", BOTH),
    ("sfdc_short_id ", f"{'k' * 100} ", NOBODY),
    ("sfdc_short_id ", f"{'k' * 101} ", BOTH),
    ('= "expiration_date"', '= "expiration date"', BOTH),
    ('= "expiration_date"', '= "Subscription-End"', NOBODY),
    ('= "expiration_date"', '= "account_type"', READER_ALONE),
    # Rules.
    (OWNER, "account_owner = { }", BOTH),
    (OWNER, 'account_owner = "text"', BOTH),
    (OWNER, 'account_owner = { rule = "Text", column = "A__c" }', BOTH),
    (OWNER, 'account_owner = { rule = "text" }', BOTH),
    (OWNER, 'account_owner = { rule = "text", column = "Owner.Name" }', NOBODY),
    (OWNER, 'account_owner = { rule = "text", column = "A__r.Owner.Name" }', BOTH),
    (OWNER, 'account_owner = { rule = "text", column = "A__c", value = "x" }', BOTH),
    (OWNER, 'account_owner = { rule = "id_15", column = "Id" }', BOTH),
    (OWNER, 'account_owner = { rule = "id_18" }', NOBODY),
    (OWNER, 'account_owner = { rule = "checkbox", column = "A__r.B__c" }', BOTH),
    (OWNER, 'account_owner = { rule = "checkbox", column = "A__c", value = "x" }', BOTH),
    (OWNER, 'account_owner = { rule = "equals", column = "A__c" }', BOTH),
    (OWNER, 'account_owner = { rule = "equals", column = "A__c", values = { a = "b" } }', BOTH),
    (OWNER, 'account_owner = { rule = "equals", column = "A__r.B__c", value = "x" }', BOTH),
    (OWNER, 'account_owner = { rule = "table", column = "A__c", values = {} }', BOTH),
    (OWNER, 'account_owner = { rule = "table", column = "A__c", values = ["a"] }', BOTH),
    (OWNER, 'account_owner = { rule = "table", column = "A__c", values = { a = "b" } }', NOBODY),
    (OWNER, 'account_owner = { rule = "table", values = { a = "b" } }', BOTH),
    (OWNER, 'account_owner = { rule = "text", column = "A__c", note = "x" }', BOTH),
    (TABLE, '{ Open = "open_partner", open = "select_partner" }', READER_ALONE),
    ('rule = "id_18"', 'rule = "id_15"', READER_ALONE),
    # The purge and the instances.
    ('"Saturday"', '"saturday"', BOTH),
    ('"00:45"', '"24:00"', BOTH),
    ('"00:45"', '"23:59"', NOBODY),
    ('"00:45"', '"00:60"', BOTH),
    ('"00:45"', '"00:45:00"', BOTH),
    ('"00:45"', "00:45:00", BOTH),
    ("target = true", "", BOTH),
    ("target = true", "target = false", BOTH),
    ("target = true", 'target = "true"', BOTH),
    ("target = true", "target = true\noptional = true", BOTH),
    ("target = true", "target = true\noptional = false", NOBODY),
    ('name = "us-government"', 'name = "us-government"\noptional = true', NOBODY),
    ('name = "us-government"', 'name = "us-government"\ntarget = true', READER_ALONE),
    ('name = "us-government"', 'name = "us_government"', BOTH),
    ('name = "us-government"', f'name = "{"u" * 41}"', BOTH),
    ('name = "us-government"', 'name = "global"', READER_ALONE),
]


@pytest.mark.parametrize(("old", "new", "refused"), CHANGES)
def test_an_editor_refuses_what_the_reader_refuses(tmp_path, old, new, refused):
    text = SYNC_TOML.read_text()
    assert text.count(old) >= 1
    text = text.replace(old, new, 1)
    (tmp_path / "sync.toml").write_text(text)
    program = TARGET / "debug" / "tables"
    done = subprocess.run([program, tmp_path / "sync.toml"], capture_output=True, text=True)
    said = faults(text)
    assert (bool(said), done.returncode) == {
        BOTH: (True, 1), READER_ALONE: (False, 1), NOBODY: (False, 0),
    }[refused], f"{said} {done.stderr}"  # fmt: skip


def test_the_reference_has_every_key():
    reference = (ROOT / "docs" / "REFERENCE.md").read_text()
    assert f"\n{sync_file.keys()}\n" in reference

"""The rooms of infra import one another one way, as docs/ARCHITECTURE.md says."""

import ast

from common.places import ROOT

MAY_IMPORT = {
    "common": set(),
    "checks": {"common"},
    "local": {"common"},
    "bench": {"common"},
    "deploy": {"common", "checks"},
}


def rooms_imported(room):
    """The rooms that the modules of a room name in their imports."""
    for file in (ROOT / "infra" / room).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.split(".")[0]
            elif isinstance(node, ast.Import):
                yield from (name.name.split(".")[0] for name in node.names)


def test_each_folder_with_python_is_a_room():
    folders = {path.parent.name for path in (ROOT / "infra").glob("*/*.py")}
    assert folders == set(MAY_IMPORT)


def test_a_room_imports_those_below_it_and_no_other():
    for room, allowed in MAY_IMPORT.items():
        assert set(rooms_imported(room)) & set(MAY_IMPORT) - {room} == allowed, room

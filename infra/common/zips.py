"""Zips that are the same for the same contents: fixed dates, and who may do what."""

import io
import zipfile

DATE = (2020, 1, 1, 0, 0, 0)
UNIX = 3


def entry(name, mode, compress_type=zipfile.ZIP_DEFLATED):
    """A file of an archive."""
    made = zipfile.ZipInfo(name, DATE)
    made.create_system, made.external_attr = UNIX, mode << 16
    made.compress_type = compress_type
    return made


def function_zip(program, sync_toml, level=9):
    """A Lambda's zip: one executable called bootstrap, and what is synced, beside it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(entry("bootstrap", 0o755), program, compresslevel=level)
        made.writestr(entry("sync.toml", 0o644), sync_toml, compresslevel=level)
    return buffer.getvalue()

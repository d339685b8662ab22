"""Files of dashboards/static under addresses that carry their content's hash, so that browsers keep them for good.

Only files that exist are looked up by name: an address can name nothing else on the disk.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from assets.errors import NotFound
from assets.paths import data_dir

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"  # an address of an older version: answered, but not kept
HASH_LENGTH = 12
FILES_MAX = 500
NAME_MAX = 200  # file systems refuse longer ones with an error of their own


@dataclass(frozen=True)
class StaticFile:
    """One file as it is served."""

    body: bytes
    media_type: str
    digest: str


def url(name: str) -> str:
    """The address of a file, such as "app.css"; raises NotFound when there is no such file."""
    return f"/static/{_file(name).digest}/{name}"


def has(name: str) -> bool:
    """Whether a file is there: third-party files are fetched at set-up and may be missing."""
    return _path(name).is_file()


@get("/static/{digest:str}/{name:path}", include_in_schema=False, opt={"public": True}, sync_to_thread=False)
def serve(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file; kept for ever when the address carries its present hash."""
    file = _file(str(name).lstrip("/"))
    headers = {"Cache-Control": FOREVER if digest == file.digest else BRIEFLY}
    return Response(file.body, media_type=file.media_type, headers=headers)


def _file(name: str) -> StaticFile:
    path = _path(name)
    if not path.is_file():
        raise NotFound()
    stat = path.stat()
    return _read(path, (stat.st_mtime_ns, stat.st_size))


def _path(name: str) -> Path:
    root = data_dir("dashboards") / "static"
    path = root / name
    if "\0" in name or len(name) > NAME_MAX or ".." in path.parts or not path.is_relative_to(root):
        raise NotFound()
    return path


@lru_cache(maxsize=FILES_MAX)
def _read(path: Path, _version: tuple[int, int]) -> StaticFile:
    # Keyed by time and size too: an edit in a checkout shows at the next visit, without a restart.
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return StaticFile(body, media_type, hashlib.sha256(body).hexdigest()[:HASH_LENGTH])


routes = (serve,)

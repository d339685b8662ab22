"""Taking in a form with a file as it comes: never more of it in memory than a piece, and no byte beyond the limit.

The file goes to a temporary one beside the service and is gone with the call; what is announced or turns out to be larger
than the limit is refused at once, and the rest is not read.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from assets.errors import Invalid
from assets.web.language import N_

IN_MEMORY = 256 * 1024  # of a file; beyond, it is on disk
FIELDS_MAX = 10
FIELD_MAX = 4_000  # bytes of any other field
AROUND_MAX = 64 * 1024  # of a form beside its file
FILE = "file"
MULTIPART = "multipart/form-data"


class TooLarge(Invalid):
    """The file is too large."""

    status = 413
    title = "Content Too Large"


@dataclass
class Sent:
    """A form that came: its fields, and its file with the name that it was sent under."""

    file: IO[bytes]
    name: str = ""
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def received(request: Request[Any, Any, Any], most: int, *, fields: int = FIELDS_MAX) -> AsyncIterator[Sent]:
    """The form of a request; its file has `most` bytes at most, and there are `fields` fields at most.

    Invalid and TooLarge say what is wrong with it.
    """
    kind, options = request.content_type
    boundary = options.get("boundary", "")
    if kind != MULTIPART or not 0 < len(boundary) <= 200:
        raise Invalid(fields={FILE: N_("Send a form with a file (multipart/form-data).")})
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > most + AROUND_MAX:
        raise _too_large(most)
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        sent = Sent(file)
        try:
            await _read(request, sent, boundary, most, fields)
        except (MultipartError, UnicodeError):
            raise Invalid(fields={FILE: N_("The form is damaged or cut off.")}) from None
        file.seek(0)
        yield sent


async def _read(request: Request[Any, Any, Any], sent: Sent, boundary: str, most: int, fields: int) -> None:
    total, texts, part = 0, dict[str, bytearray](), MultipartSegment([])
    with PushMultipartParser(boundary, max_segment_count=fields, strict=True) as parser:
        async for piece in request.stream():
            total += len(piece)
            if total > most + AROUND_MAX:
                raise _too_large(most)
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    part = event
                    _begin(sent, texts, part)
                elif event is not None:
                    _go_on(sent, texts, part, event, most)
    sent.fields = {name: bytes(text).decode() for name, text in texts.items()}


def _begin(sent: Sent, texts: dict[str, bytearray], part: MultipartSegment) -> None:
    if part.name == FILE:
        if sent.name:
            raise Invalid(fields={FILE: N_("One file at a time.")})
        sent.name = part.filename or "file"
    elif part.name in texts:
        raise Invalid(fields={part.name[:60]: "Once only."})
    else:
        texts[part.name or ""] = bytearray()


def _go_on(
    sent: Sent, texts: dict[str, bytearray], part: MultipartSegment, piece: bytes | bytearray, most: int
) -> None:
    if part.name == FILE:
        sent.size += len(piece)
        if sent.size > most:
            raise _too_large(most)
        sent.file.write(piece)
        return
    text = texts[part.name or ""]
    text += piece
    if len(text) > FIELD_MAX:
        raise Invalid(fields={(part.name or "")[:60]: N_("This is too long.")})


def _too_large(most: int) -> TooLarge:
    return TooLarge(fields={FILE: N_("The file is too large.")}, megabytes_max=most // (1024 * 1024))

"""Taking in a form with a file as it comes: never more of it in memory than a piece, and no byte beyond the limit.

The file goes to a temporary one beside the service and is gone with the call; what is announced or turns out to be larger
than the limit is refused at once, and the rest is not read.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import parse_qs

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
    part: str = ""  # of the form that it came in, where there can be several
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


# Of a form with lines and photos, which is read to its end so that nothing of what was typed is lost.
NAMES_MAX = 500
PLAIN_MAX = 1024 * 1024  # of a form without files
TYPED_MAX = 16_000  # bytes of a field
READ_MAX = 160 * 1024 * 1024  # of the whole form, thirty photos of 5 MB; what is beyond a limit is read and thrown away


@dataclass
class Form:
    """A form as it came: its fields by name and the files that were chosen, less those too large or too many to be kept.

    `large` are the parts whose files were too large.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Sent] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    too_many: bool = False


@asynccontextmanager
async def form_received(
    request: Request[Any, Any, Any], file: str, most: int, files_max: int, *, names: int = NAMES_MAX
) -> AsyncIterator[Form]:
    """The form of a request whose files are named `file`, or `file_` and more: `files_max` of them, with `most` bytes each.

    Invalid when it is damaged or cut off. A form without files may come in the plain way too.
    """
    kind, options = request.content_type
    form = Form()
    if kind != MULTIPART:
        form.fields = await _plain(request)
        yield form
        return
    with ExitStack() as open_files:
        try:
            await _Reading(form, open_files, file, most, files_max).read(request, options.get("boundary", ""), names)
        except MultipartError:
            raise Invalid(fields={file: N_("The form is damaged or cut off.")}) from None
        for sent in form.files:
            sent.file.seek(0)
        yield form


async def _plain(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > PLAIN_MAX:
            raise _too_large(PLAIN_MAX)
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=NAMES_MAX)
    except ValueError:
        raise Invalid(N_("What was sent cannot be read.")) from None


class _Reading:
    """Fills a Form, piece by piece."""

    def __init__(self, form: Form, open_files: ExitStack, file: str, most: int, files_max: int) -> None:
        self.form, self.open_files, self.file, self.most, self.files_max = form, open_files, file, most, files_max
        self.part, self.text, self.sent = MultipartSegment([]), bytearray(), None

    sent: Sent | None

    async def read(self, request: Request[Any, Any, Any], boundary: str, names: int) -> None:
        if not 0 < len(boundary) <= 200:
            raise MultipartError("no boundary")
        with PushMultipartParser(boundary, max_segment_count=names, strict=True) as parser:
            async for piece in request.stream():
                for event in parser.parse(piece):
                    if isinstance(event, MultipartSegment):
                        self._begin(event)
                    elif event is None:
                        self._end()
                    else:
                        self._go_on(event)

    def _begin(self, part: MultipartSegment) -> None:
        self.part, self.text, self.sent = part, bytearray(), None
        if self._is_file() and part.filename:
            spooled: IO[bytes] = self.open_files.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
            self.sent = Sent(spooled, part.filename, part=part.name or "")

    def _is_file(self) -> bool:
        return self.part.name == self.file or (self.part.name or "").startswith(f"{self.file}_")

    def _go_on(self, piece: bytes | bytearray) -> None:
        if self.sent is not None:
            self.sent.size += len(piece)
            if self.sent.size <= self.most:
                self.sent.file.write(piece)
        elif not self._is_file() and len(self.text) <= TYPED_MAX:
            self.text += piece

    def _end(self) -> None:
        if self.sent is None:
            if not self._is_file():
                self.form.fields.setdefault(self.part.name or "", []).append(
                    self.text[:TYPED_MAX].decode(errors="ignore")
                )
        elif self.sent.size > self.most:
            self.form.large.append(self.sent.part)
        elif self.sent.size and len(self.form.files) == self.files_max:
            self.form.too_many = True
        elif self.sent.size:
            self.form.files.append(self.sent)

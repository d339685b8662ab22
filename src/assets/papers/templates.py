"""Own .docx templates of papers: a look at the file, and filling it in a process of its own."""

import base64
import io
import json
import re
import zipfile
import zlib
from dataclasses import asdict
from datetime import date
from tempfile import TemporaryFile
from typing import Any

import anyio
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from assets import apart
from assets.papers.document import plain
from assets.papers.kinds import FIELDS, Form
from assets.phrases import Phrase
from assets.web.language import N_

TEMPLATE_MAX = 2 << 20  # bytes; a page with the arms of a province on it is a tenth of that
UNPACKED_MAX = 20 << 20
PARTS_MAX = 300
SECONDS_MAX = 30.0
AT_ONCE = anyio.CapacityLimiter(1)
MAIN = "word/document.xml"
_NO_FILE = N_("it is no .docx file, or it is damaged")
_TOO_MUCH = N_("it needs too much time or memory")
_UNKNOWN_NAME = re.compile(r"'(\w+)' is undefined")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, ElementTree.ParseError)


class Unusable(Exception):
    """The template cannot be used; `why` says it, for the one who made it."""

    def __init__(self, text: str, **params: str | int) -> None:
        self.why = Phrase(text, params)
        super().__init__(self.why.english())


def look_at(content: bytes) -> None:
    """Unusable when it is no Word document, unpacks to too much, has macros or would fetch something from elsewhere."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            _admit(file)
            for part in file.infolist():
                if part.filename.endswith(".rels"):
                    _refuse_elsewhere(file.read(part))
                elif part.filename.endswith(".xml"):
                    ElementTree.fromstring(file.read(part), forbid_dtd=True)
    except DefusedXmlException:
        raise Unusable(N_("it declares entities")) from None
    except _DAMAGED:
        raise Unusable(_NO_FILE) from None


def _admit(file: zipfile.ZipFile) -> None:
    parts = file.infolist()
    names = [part.filename for part in parts]
    if MAIN not in names or len(set(names)) < len(names):
        raise Unusable(_NO_FILE)
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX:
        raise Unusable(N_("it unpacks to too much"))
    if any("vbaproject" in name.lower() for name in names) or b"macroEnabled" in file.read("[Content_Types].xml"):
        raise Unusable(N_("it has macros; save it as .docx"))


def _refuse_elsewhere(relations: bytes) -> None:
    for relation in ElementTree.fromstring(relations, forbid_dtd=True):
        kind, target = relation.get("Type", "").rpartition("/")[2], relation.get("Target", "").lower()
        # Links are followed by people only; the template that a file was made from is one of its author's machine.
        harmless = kind == "hyperlink" or (kind == "attachedTemplate" and target.startswith("file:///"))
        if relation.get("TargetMode", "").lower() == "external" and not harmless:
            raise Unusable(N_("it takes something from another place: %(kind)s"), kind=kind)


def values_of(content: Any, form: Form) -> dict[str, Any]:
    """What a template can name: the fields of the paper's values, and its form's below `form`; days as YYYY-MM-DD."""
    found: dict[str, Any] = _given(asdict(content))
    return found | {"form": _given({name: getattr(form, name) for name in FIELDS})}


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _given(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_given(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return plain(value) if isinstance(value, str) else value


async def filled(template: bytes, content: Any, form: Form) -> bytes:
    """The template with the values of a paper in it; Unusable says why it cannot be filled."""
    asking = {"template": base64.b64encode(template).decode(), "values": values_of(content, form)}
    with TemporaryFile() as asked, TemporaryFile() as answered:
        asked.write(json.dumps(asking).encode())
        try:
            async with AT_ONCE:
                await apart.run("assets.papers.filled", asked=asked, answer=answered, seconds=SECONDS_MAX)
        except apart.Late:
            raise Unusable(N_("it takes too long")) from None
        except apart.Ended:
            raise Unusable(_TOO_MUCH) from None
        answer = json.load(answered)
    if "file" not in answer:
        raise _said(answer["why"], answer.get("line"))
    return base64.b64decode(answer["file"])


def _said(why: str, line: int | None) -> Unusable:
    """What the process that fills says; what is not ours to word is told as it came."""
    if found := _UNKNOWN_NAME.fullmatch(why):
        name = found[1]
        if line:
            return Unusable(N_("'%(name)s' is undefined (line %(line)s)"), name=name, line=line)
        return Unusable(N_("'%(name)s' is undefined"), name=name)
    if why == "memory":
        return Unusable(_TOO_MUCH)
    return Unusable(N_("%(why)s (line %(line)s)"), why=why, line=line) if line else Unusable("%(why)s", why=why)

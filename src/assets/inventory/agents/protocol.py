"""What agents send and what they want to hear, in both of their languages.

FusionInventory speaks XML: a PROLOG, which is answered SEND, then an INVENTORY. GLPI Agent speaks XML too, and JSON once
a PROLOG with its id is answered in JSON: a contact, then an inventory. Bodies are mostly packed, which their type says.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from assets.errors import Invalid
from assets.inventory.agents.computer import KEPT
from assets.text import clean
from assets.web.bodies import refuse_odd_json

PACKED_MAX = 4 * 1024 * 1024  # an inventory of a busy computer is 100 kB packed
UNPACKED_MAX = 16 * 1024 * 1024
DEPTH_MAX, ROWS_MAX, TEXT_MAX, FIELDS_MAX = 16, 1_000, 4_096, 200
DEVICE_ID_MAX = 120
HOURS = 24  # until an agent shall come again
ZLIB, GZIP = (
    frozenset({"application/x-compress-zlib", "application/x-zlib"}),
    frozenset({"application/x-compress-gzip"}),
)
KINDS = frozenset({"application/xml", "text/xml", "application/json", "application/x-compress"}) | ZLIB | GZIP
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"^\ufeff?\s*<\?xml[^>]*\?>")
Kind = Literal["prolog", "contact", "inventory"]


@dataclass(frozen=True)
class Message:
    """What an agent sent: `sections` of an inventory as rows of plain texts, names in small letters."""

    kind: Kind
    device_id: str
    form: Literal["xml", "json"]
    tag: str = ""
    software: str = ""
    partial: bool = False
    sections: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)


def read(body: bytes, kind: str) -> Message:
    """The message in a body of that content type; Invalid names what is wrong with it."""
    text = decoded(unpacked(body, kind))
    if "\0" in text:
        raise Invalid(fields={"body": "it has a NUL"})
    begin = text.lstrip("\ufeff \t\r\n")[:1]
    if begin == "<":
        return _of_xml(text)
    if begin == "{":
        return _of_json(text)
    raise Invalid(fields={"body": "it is neither XML nor JSON of an agent"})


def unpacked(body: bytes, kind: str) -> bytes:
    """The plain bytes; Invalid when it is not what its type says, is cut off, or unpacks to more than UNPACKED_MAX."""
    if kind not in ZLIB | GZIP and not body.startswith(
        (b"\x1f\x8b\x08", b"\x78\x9c", b"\x78\x01", b"\x78\xda", b"\x78\x5e")
    ):
        return body
    unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip, whichever it is: some agents name the wrong one
    try:
        plain = unpacker.decompress(body, UNPACKED_MAX)
    except zlib.error:
        raise Invalid(fields={"body": "it is neither zlib nor gzip"}) from None
    if not unpacker.eof or unpacker.unused_data:
        raise Invalid(fields={"body": f"it is cut off, or unpacks to more than {UNPACKED_MAX} bytes"})
    return plain


def decoded(body: bytes) -> str:
    """The text, whatever the agent says of it: UTF-8 if it can be, else what is declared, else Windows' own."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Invalid(fields={"body": "UTF-16 is not read; send UTF-8"})
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        said = _DECLARED.match(body)
        name = said[1].decode().lower() if said else ""
        return body.decode("latin-1" if name in ("iso-8859-1", "latin1", "iso-8859-15") else "cp1252", "replace")


def answer(message: Message, agent_id: str) -> tuple[str, str]:
    """(content type, text) that the agent wants to hear once its message was taken."""
    if message.form == "json" or (message.kind == "prolog" and agent_id):
        said: dict[str, Any] = {"status": "ok", "expiration": HOURS}
        if message.kind == "contact":
            said |= {"tasks": {"inventory": {"server": "glpi", "version": "1.0"}}}
        return "application/json", json.dumps(said)
    inner = f"<RESPONSE>SEND</RESPONSE><PROLOG_FREQ>{HOURS}</PROLOG_FREQ>" if message.kind == "prolog" else ""
    return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<REPLY>{inner}</REPLY>\n'


# --- XML ----------------------------------------------------------------------------------------------------------


def _of_xml(text: str) -> Message:
    taken = _Taken()
    parser = XMLParser(target=taken, forbid_dtd=True)  # type: ignore[no-untyped-call]
    try:
        parser.feed(_CONTROL.sub(" ", _DECLARATION.sub("", text)))
        parser.close()
    except DefusedXmlException:
        raise Invalid(fields={"body": "a document type or an entity is not read"}) from None
    except ParseError as error:
        line, column = error.position
        raise Invalid(fields={"body": f"it is not XML: line {line}, column {column}"}) from None
    query = taken.texts.get("query", "").upper()
    if query not in ("PROLOG", "INVENTORY"):
        raise Invalid(fields={"QUERY": "only PROLOG and INVENTORY"})
    return Message(
        "prolog" if query == "PROLOG" else "inventory", _device_id(taken.texts.get("deviceid", ""), "DEVICEID"), "xml",
        tag=_tag(taken.sections.pop("accountinfo", [])), software=clean(taken.texts.get("versionclient", ""), 120),
        sections=taken.sections,
    )  # fmt: skip


class _Taken:
    """Takes from the parser what is kept, as it comes: REQUEST / CONTENT / section / field."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.texts: dict[str, str] = {}
        self.sections: dict[str, list[dict[str, str]]] = {}
        self.said: list[str] = []
        self.length = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self.path) >= DEPTH_MAX:
            raise Invalid(fields={"body": f"at most {DEPTH_MAX} levels"})
        self.path.append(tag.lower()[:60])
        self.said, self.length = [], 0
        if len(self.path) == 3 and self._kept(self.path[2]):
            _add_row(self.sections.setdefault(self.path[2], []), self.path[2], {})

    def data(self, text: str) -> None:
        if self.length <= TEXT_MAX:
            self.said.append(text)
            self.length += len(text)

    def end(self, tag: str) -> None:
        text = "".join(self.said).strip()
        self.said = []
        path, depth = self.path, len(self.path)
        if depth == 2 or (depth == 3 and path[2] == "versionclient"):
            self.texts.setdefault(path[-1], _short(text, path[-1]))
        elif depth == 4 and self._kept(path[2]):
            _add_field(self.sections[path[2]][-1], path[2], path[3], text)
        self.path.pop()

    def close(self) -> None:
        """Nothing is left to do at the end."""

    def _kept(self, section: str) -> bool:
        return self.path[1] == "content" and (section in KEPT or section == "accountinfo")


# --- JSON ---------------------------------------------------------------------------------------------------------


def _of_json(text: str) -> Message:
    whole = text.lstrip("\ufeff")
    refuse_odd_json(whole.encode("utf-8", "replace"))
    said = {str(name).lower(): value for name, value in json.loads(whole).items()}
    action = said.get("action") or said.get("query") or "inventory"
    if not isinstance(action, str) or action.lower() not in ("contact", "inventory"):
        raise Invalid(fields={"action": "only contact and inventory"})
    device = said.get("deviceid")
    if not isinstance(device, str):
        raise Invalid(fields={"deviceid": "a text"})
    if said.get("itemtype", "Computer") not in ("Computer", ""):
        raise Invalid(fields={"itemtype": "only Computer"})
    content = said.get("content", {} if action.lower() == "contact" else None)
    if not isinstance(content, dict):
        raise Invalid(fields={"content": "an object"})
    content = {str(name).lower(): value for name, value in content.items()}
    software = content.get("versionclient") or " ".join(str(said[n]) for n in ("name", "version") if said.get(n))
    return Message(
        "contact" if action.lower() == "contact" else "inventory", _device_id(device, "deviceid"), "json",
        tag=clean(str(said.get("tag") or ""), 80), software=clean(str(software), 120), partial=bool(said.get("partial")),
        sections=dict(_sections(content)),
    )  # fmt: skip


def _sections(content: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for name in sorted(KEPT & content.keys()):
        value = content[name]
        found: list[dict[str, str]] = []
        for row in value if isinstance(value, list) else [value]:
            if not isinstance(row, dict):
                raise Invalid(fields={f"content.{name}": "an object, or a list of them"})
            _add_row(found, name, {})
            for column, cell in row.items():
                if isinstance(cell, str | int | float):
                    _add_field(
                        found[-1], name, str(column).lower(), str(cell).lower() if isinstance(cell, bool) else str(cell)
                    )
        yield name, found


# --- what both share ----------------------------------------------------------------------------------------------


def _add_row(rows: list[dict[str, str]], section: str, row: dict[str, str]) -> None:
    if len(rows) >= ROWS_MAX:
        raise Invalid(fields={section: f"at most {ROWS_MAX} rows"})
    rows.append(row)


def _add_field(row: dict[str, str], section: str, name: str, text: str) -> None:
    if len(row) >= FIELDS_MAX:
        raise Invalid(fields={section: f"at most {FIELDS_MAX} fields"})
    row.setdefault(name, _short(text, f"{section}.{name}"))


def _short(text: str, place: str) -> str:
    if len(text) > TEXT_MAX:
        raise Invalid(fields={place: f"at most {TEXT_MAX} characters"})
    return text


def _device_id(text: str, place: str) -> str:
    found = clean(text, DEVICE_ID_MAX + 1)
    if not 1 <= len(found) <= DEVICE_ID_MAX:
        raise Invalid(fields={place: f"1 to {DEVICE_ID_MAX} characters"})
    return found


def _tag(rows: list[dict[str, str]]) -> str:
    return next((clean(row.get("keyvalue", ""), 80) for row in rows if row.get("keyname", "").upper() == "TAG"), "")

"""Inventories as agents send them, of computers that do not exist."""

import gzip
import json
import zlib
from typing import Any
from xml.sax.saxutils import escape

UUID = "4c4c4544-0051-4b10-8052-b4c04f4e5a33"
PC: dict[str, Any] = {
    "accountinfo": [{"keyname": "TAG", "keyvalue": "21025"}],
    "bios": {"smanufacturer": "Dell Inc.", "smodel": "OptiPlex 3080", "ssn": "7QKRNZ3", "mmanufacturer": "Dell Inc.",
             "msn": "/7QKRNZ3/CNFCW0012300AB/", "assettag": "To be filled by O.E.M."},
    "hardware": {"name": "QN-QUAY-01", "uuid": UUID, "memory": "7900", "lastloggeduser": "nguoi.dung",
                 "datelastloggeduser": "2026-11-25", "winowner": "nguoi.dung"},
    "operatingsystem": {"full_name": "Microsoft Windows 11 Pro", "version": "10.0.22631"},
    "cpus": [{"name": "Intel(R) Core(TM) i5-10505", "core": "6"}],
    "memories": [{"capacity": "4096"}, {"capacity": "4096"}, {"caption": "empty slot"}],
    "networks": [
        {"description": "Intel(R) Ethernet", "mac": "a4:bb:6d:10:20:30", "ipaddress": "10.66.1.21", "virtualdev": "0"},
        {"description": "Hyper-V Virtual Ethernet", "mac": "00:15:5d:00:00:01", "ipaddress": "172.20.0.1", "virtualdev": "1"},
        {"description": "lo", "ipaddress": "127.0.0.1"},
    ],
    "storages": [
        {"name": r"\\.\PHYSICALDRIVE0", "model": "KINGSTON SA400", "serialnumber": "50026B7784A1", "disksize": "240057",
         "type": "SSD"},
        {"name": "DVD-RW", "description": "CD-ROM"},
    ],
    "monitors": [{"manufacturer": "Dell", "caption": "DELL P2219H", "serial": "CN0ABC123X"}],
    "usbdevices": [
        {"name": "Canon LBP2900", "class": "7", "serial": "0000A1B2C3D4", "manufacturer": "Canon"},
        {"name": "fi-7160 scanner", "class": "255", "manufacturer": "Fujitsu", "serial": "AB12CD34"},
        {"name": "USB Keyboard", "class": "3"},
    ],
    "printers": [{"name": "Canon LBP2900", "port": "USB001"}],
    "softwares": [{"name": "Trò chơi", "version": "1"}],
    "users": [{"login": "nguoi.dung"}],
    "processes": [{"cmd": "chrome --profile=bi-mat"}],
    "versionprovider": {"perl_args": "--password mat-khau-bi-mat"},
    "versionclient": "GLPI-Agent_v1.11",
}  # fmt: skip
DEVICE = "QN-QUAY-01-2026-11-25-08-00-00"


def pc(**changes: Any) -> dict[str, Any]:
    """The computer with some sections changed; a mapping changes fields of its section."""
    return PC | {
        k: {**PC[k], **v} if isinstance(v, dict) and isinstance(PC.get(k), dict) else v for k, v in changes.items()
    }


def as_json(content: dict[str, Any], device: str = DEVICE, **more: Any) -> bytes:
    """The message of GLPI Agent."""
    inner = {name: value for name, value in content.items() if name != "accountinfo"}
    tag = content.get("accountinfo", [{}])[0].get("keyvalue", "")
    said = {"action": "inventory", "deviceid": device, "itemtype": "Computer", "content": inner, "tag": tag, **more}
    return json.dumps(said, ensure_ascii=False).encode()


def as_xml(content: dict[str, Any], device: str = DEVICE, query: str = "INVENTORY", encoding: str = "UTF-8") -> bytes:
    """The message of FusionInventory."""

    def element(name: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(element(name, one) for one in value)
        inner = "".join(element(k, v) for k, v in value.items()) if isinstance(value, dict) else escape(str(value))
        return f"<{name.upper()}>{inner}</{name.upper()}>"

    whole = element("request", {"content": content, "deviceid": device, "query": query})
    return f'<?xml version="1.0" encoding="{encoding}" ?>\n{whole}'.encode(encoding, "xmlcharrefreplace")


def zipped(body: bytes) -> tuple[bytes, str]:
    """As most agents send it."""
    return zlib.compress(body), "application/x-compress-zlib"


def gzipped(body: bytes) -> tuple[bytes, str]:
    """As agents without a library send it."""
    return gzip.compress(body), "application/x-compress-gzip"

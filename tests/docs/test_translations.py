"""Every sentence that people read has its Vietnamese, with the same places to fill, and nothing stands twice."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from assets.paths import data_dir
from assets.probing.decoders import DECODERS
from assets.web import words

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = data_dir("dashboards") / "locale" / "vi" / "LC_MESSAGES" / "assets.po"
PLACES = re.compile(r"%\((\w+)\)[sd]")
# "bạn" is no way to address an officer; an emoji is no icon.
UNWANTED = re.compile(r"\b[Bb]ạn\b|[\U0001F300-\U0001FAFF]")
SAME_IN_BOTH = frozenset()  # source strings that are their own translation


def key(message_id: object) -> str:
    return str(message_id[0] if isinstance(message_id, (list, tuple)) else message_id)


def text(string: object) -> str:
    return str(string[0] if isinstance(string, (list, tuple)) else string or "")


@pytest.fixture(scope="module")
def vietnamese() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {key(m.id): text(m.string) for m in read_po(file) if m.id}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All source strings: marked ones in Python and templates, and phrases."""
    out = tmp_path_factory.mktemp("pot") / "assets.pot"
    command = [
        sys.executable,
        "-m",
        "babel.messages.frontend",
        "-q",
        "extract",
        "-F",
        "babel.cfg",
        "-k",
        "N_",
        "-k",
        "Phrase",
    ]
    subprocess.run([*command, "-o", str(out), "."], cwd=ROOT, check=True)
    with out.open("rb") as file:
        return read_po(file)


def test_every_source_string_is_translated(sources: Catalog, vietnamese: dict[str, str]) -> None:
    missing = {
        key(m.id): sorted({place for place, _ in m.locations})
        for m in sources
        if m.id and not vietnamese.get(key(m.id))
    }
    assert not missing, "\n".join(f"{source!r} of {', '.join(places)}" for source, places in missing.items())


def test_what_is_pressed_or_opened_has_one_word_and_addresses_of_machines_and_people_another(
    vietnamese: dict[str, str],
) -> None:
    pressed = re.compile(
        r"(web|signed|secret) address|address is (shown|no longer|withdrawn)|by an address", re.IGNORECASE
    )
    said = {source: text for source, text in vietnamese.items() if pressed.search(source)}
    assert len(said) > 10
    assert not {source: text for source, text in said.items() if "địa chỉ" in text.casefold()}


def test_every_message_of_a_probe_profile_is_translated(vietnamese: dict[str, str]) -> None:
    missing = {
        limit["message"]
        for path in data_dir("probes").glob("*.toml")
        for limit in tomllib.loads(path.read_text(encoding="utf-8")).get("limits", [])
    } - set(vietnamese)
    assert not missing


def test_every_reading_and_state_of_a_probe_profile_has_a_word() -> None:
    names, states = set(), set()
    for path in data_dir("probes").glob("*.toml"):
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in [
            *profile.get("scalars", []),
            *(r for t in profile.get("tables", []) for r in t.get("readings", [])),
        ]:
            names.add(entry["name"])
            for words_of in ("states", "special", "texts"):
                states |= set(entry.get(words_of, {}).values())
            if entry.get("decoder"):
                states |= set(DECODERS[entry["decoder"]].states)
    assert not {name for name in names if "." in name} - set(words.READING)
    assert not states - set(words.READING_STATE)


def test_translations_have_the_same_places_and_fit_official_style(vietnamese: dict[str, str]) -> None:
    for source, translation in vietnamese.items():
        assert set(PLACES.findall(source)) >= set(PLACES.findall(translation)), source
        assert set(PLACES.findall(source)) - set(PLACES.findall(translation)) <= {"num", "count"}, source
        assert not UNWANTED.search(translation), translation
        assert translation == translation.strip(), source
        assert "%%" not in translation, source


def test_no_source_string_stands_twice_and_none_is_fuzzy_or_forgotten() -> None:
    lines = CATALOGUE.read_text(encoding="utf-8")
    found = re.findall(r'^msgid ((?:".*"\n)+)', lines, re.MULTILINE)
    twice = [source for source, times in Counter(found).items() if times > 1]
    assert not twice
    assert "fuzzy" not in lines
    assert "#~" not in lines


def test_every_code_has_a_word_and_every_look_a_shape() -> None:
    shapes = {"up", "degraded", "down", "unreachable", "off_expected", "unknown"}
    assert set(words.LOOKS.values()) <= shapes
    for table in (
        "condition",
        "readiness",
        "severity",
        "incident_state",
        "notification_state",
        "capability_status",
        "declaration",
    ):
        for code in words.TABLES[table]:
            assert code in words.LOOKS or code in ("info", "paper_mode"), code


# Units, names of things and of the languages themselves.
UNTRANSLATED = {"English", "Tiếng", "Việt", "ms", "s", "MB", "Mbit", "PostgreSQL", "EN", "VI"}


def test_templates_have_no_sentence_outside_gettext() -> None:
    for path in sorted((data_dir("dashboards") / "templates").rglob("*.html")):
        template = path.read_text(encoding="utf-8")
        template = re.sub(
            r"\{#.*?#\}|\{%-?\s*trans\b.*?endtrans\s*-?%\}|\{% block kind %\}\w+", " ", template, flags=re.DOTALL
        )
        template = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", template, flags=re.DOTALL)
        shown = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', template)
        # Tags, and attributes that a part adds to the tag of another template.
        spoken = re.sub(r'<[^>]*>|\b[\w:-]+="[^"]*"', " ", template) + " ".join(shown)
        left = set(re.findall(r"[^\W\d_]+", re.sub(r"&\w+;", " ", spoken))) - UNTRANSLATED
        assert not left, f"{path.name}: {sorted(left)}"

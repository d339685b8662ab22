"""Every page, as the people who open it: it speaks one language, and with an empty cache it weighs at most 60 kB."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx2
import pytest
from litestar.routes import HTTPRoute

from assets import clock
from assets.access.actor import SYSTEM
from assets.inventory import service as inventory
from assets.inventory.lifecycle import Stage
from assets.papers.defaults import TITLES
from assets.web import language
from assets.web.formats import PIECES
from tests.conftest import LONG, House, open_house
from tests.permission_world import GRANTED, World, addressed, build, principals

BYTES_MAX = 60_000
ROLES = ("administrator", "clerk@unit", "director@unit", "approver", "storekeeper")
ASSETS_MORE = 60  # a list is full
# What is no page to read: files, documents for programs, and where signing in goes on only half-way.
NO_PAGE = re.compile(r"/(api|static|health)/|/schema|/metrics$|/sign-in|.*\.\w+$|/[hr]/")
WORD = re.compile(r"[^\W\d_]{3,}")
SENTENCE = re.compile(r"\w+ \w+ \w+")
# English words that Vietnamese pages have: the language's own name, a channel, the accounts of the system and of tests.
ALLOWED = {"english", "mail", "system", "ups", "old", "both", "ended"}
# What people wrote into the world of the tests, names of accounts, digests, tags of templates.
DATA = re.compile(
    "|".join((
        *(re.escape(name.replace("@", "-")) for name in sorted(GRANTED, key=len, reverse=True)),
        r"[\w<>]+[ -]2102[58]\b", r"\b[0-9a-f]{12}\b", r"\w+(?:\[\]|_|\.)[\w.]+", r"\{\{.*\}\}", r"\w+ Ward",
        r"Trung tâm Phục vụ hành chính công \w+ \w+ \w+", r"(?:Phường|Xã) \w+(?: \w+)?", *map(re.escape, TITLES.values()),
    ))
)  # fmt: skip


class Texts(HTMLParser):
    """What a page says: its texts, and what is read out or shown instead of a picture. What names its language is left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style", "code", "pre") or (
            tag != "html" and "lang" in given and tag not in ("input", "img")
        ):
            self._silent.append(tag)
        self.found += [given[name] or "" for name in ("title", "alt", "placeholder", "aria-label") if name in given]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.found.append(" ".join(data.split()))


@dataclass
class Site:
    """The running service with its world, and everybody who calls."""

    house: House
    world: World
    callers: dict[str, httpx2.AsyncClient]

    def pages(self) -> Iterator[str]:
        """The addresses of pages about one's own centre."""
        for route in self.house.app.routes:
            if isinstance(route, HTTPRoute) and "GET" in route.methods and not NO_PAGE.match(route.path):
                yield addressed(route.path_format, self.world, self.world.own)

    async def shown(self, who: str, chosen: str) -> AsyncIterator[tuple[str, httpx2.Response]]:
        """The pages that somebody may open, in a language; in the short run each fifth of what most can open."""
        caller = self.callers[who]
        caller.cookies.set("language", chosen)
        for turn, path in enumerate(self.pages()):
            if not LONG and who != "administrator" and turn % len(ROLES) != ROLES.index(who):
                continue
            answer = await caller.get(path)
            if answer.status_code in (200, 400) and "text/html" in answer.headers["content-type"]:
                yield path, answer


@pytest.fixture(scope="module")
async def site(migrated: str) -> AsyncIterator[Site]:
    async with open_house(migrated) as house:
        world = await build(house)
        for number in range(ASSETS_MORE):
            new = inventory.NewAsset(f"MORE-{number:03}", world.model, world.own.site, stage=Stage.IN_USE)
            await inventory.register(SYSTEM, new, now=clock.now())
        yield Site(house, world, await principals(house))


@pytest.fixture(scope="module")
def vocabulary() -> tuple[set[str], dict[str, str]]:
    """Words of source strings that no translation has, and the translations that differ from their source."""
    sources, translations = list[str](), dict[str, str]()
    for message in language.read("vi"):
        ids = message.id if isinstance(message.id, list | tuple) else [message.id]
        texts = message.string if isinstance(message.string, list | tuple) else [message.string]
        sources += [str(one) for one in ids]
        translations |= {str(text): str(ids[0]) for text in texts if ids[0] and text and text != ids[0]}
    places = re.compile(r"%\(\w+\)[sd]")
    english = {word.lower() for text in sources for word in WORD.findall(places.sub(" ", text)) if word.isascii()}
    return english - {word.lower() for text in translations for word in WORD.findall(text)}, translations


@pytest.mark.parametrize("who", ROLES)
async def test_a_vietnamese_page_has_no_english_word(
    site: Site, vocabulary: tuple[set[str], dict[str, str]], who: str
) -> None:
    english, _ = vocabulary
    left = [
        f"{path}: {', '.join(found)} in {text[:120]!r}"
        async for path, answer in site.shown(who, "vi")
        for text in Texts(answer.text).found
        if (found := [w for w in WORD.findall(DATA.sub(" ", text)) if w.lower() in english - ALLOWED])
    ]
    assert not left, "\n".join(left)


@pytest.mark.parametrize("who", ROLES)
async def test_an_english_page_has_no_sentence_of_the_other_catalogue(
    site: Site, vocabulary: tuple[set[str], dict[str, str]], who: str
) -> None:
    _, translations = vocabulary
    mixed = {*PIECES, "đồng"}  # which the province's things are counted in
    left = [
        f"{path}: {text[:120]!r}"
        async for path, answer in site.shown(who, "en")
        for text in Texts(answer.text).found
        if (text in translations and not text.isascii() and SENTENCE.search(DATA.sub("", text)))
        or {word for word in WORD.findall(DATA.sub(" ", text)) if not word.isascii()} & mixed
    ]
    assert not left, "\n".join(left)


@pytest.mark.parametrize("who", ROLES)
async def test_a_page_weighs_at_most_60_kb_with_an_empty_cache(site: Site, who: str) -> None:
    weights: dict[str, int] = {}

    async def weight(address: str) -> int:
        if address not in weights:
            weights[address] = weighed(await site.callers[who].get(address))
        return weights[address]

    heavy = {}
    async for path, answer in site.shown(who, "vi"):
        parts = set(re.findall(r'<(?:link|script)\b[^>]*(?:href|src)="(/[^"]+)"', answer.text))
        parts |= {src for tag in re.findall(r"<img\b[^>]*>", answer.text) for src in fetched_at_once(tag)}
        total = weighed(answer) + sum([await weight(part) for part in parts])
        assert any(".css" in part for part in parts), path
        if total > BYTES_MAX:
            heavy[path] = total
    assert not heavy


def fetched_at_once(image: str) -> list[str]:
    """The address of a picture, unless the browser waits until it is looked at."""
    return [] if 'loading="lazy"' in image else re.findall(r'src="([^"]+)"', image)


def weighed(answer: httpx2.Response) -> int:
    """What comes over the line: the body as it was compressed, and the headers."""
    assert answer.status_code in (200, 400), answer.url
    return answer.num_bytes_downloaded + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())

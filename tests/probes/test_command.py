"""`assets probe` and `assets check-probes` as a person at a terminal meets them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assets.probing.command import check_probes, probe
from tests.probes.agents import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER, free_udp_port, snmpd

KEYS = {"ASSETS_V3_AUTH_KEY": AUTH_KEY, "ASSETS_V3_PRIVACY_KEY": PRIVACY_KEY}
V3 = ("--v3-user", USER, "--v3-auth", "sha256", "--v3-privacy", "aes128")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


def run(*arguments: str, env: dict[str, str] | None = None, typed: str = "") -> Result:
    return CliRunner().invoke(probe, ["--tries", "1", "--timeout", "3", *arguments], env=env or {}, input=typed)


def test_when_a_device_answers_then_its_facts_are_printed_in_plain_words(port: int) -> None:
    result = run(f"127.0.0.1:{port}", "--community", COMMUNITY)
    assert result.exit_code == 0, result.output
    assert "snmpd-under-test" in result.output
    assert "memory.used_percent" in result.output


def test_when_json_is_wanted_then_one_document_is_printed_and_nothing_else(port: int) -> None:
    result = run(f"127.0.0.1:{port}", "--community", COMMUNITY, "--json")
    document = json.loads(result.stdout)
    assert (document["category"], document["os"], document["sys_contact"]) == ("host", "Linux", "nobody")
    assert document["interfaces"]["count"] >= 1
    assert "printer" not in document


@pytest.mark.parametrize("way", ["environment", "prompt", "file"])
def test_when_a_v3_user_is_given_then_keys_come_by_environment_prompt_or_file(
    port: int, way: str, tmp_path: Path
) -> None:
    (tmp_path / "auth").write_text(AUTH_KEY + "\n")
    (tmp_path / "privacy").write_text(PRIVACY_KEY)
    files = ("--v3-auth-key-file", str(tmp_path / "auth"), "--v3-privacy-key-file", str(tmp_path / "privacy"))
    result = run(
        f"127.0.0.1:{port}",
        *V3,
        *(files if way == "file" else ()),
        env=KEYS if way == "environment" else {},
        typed=f"{AUTH_KEY}\n{PRIVACY_KEY}\n" if way == "prompt" else "",
    )
    assert result.exit_code == 0, result.output
    assert AUTH_KEY not in result.output
    assert PRIVACY_KEY not in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--community", "wrong"), "check that SNMP is switched on, the community"),
        ((*V3[:-1], "des"), "speaks SNMPv3, but not with this user and privacy key"),
        (("--v3-user", "stranger", *V3[2:]), "does not know this user"),
    ],
)
def test_when_a_device_does_not_answer_then_a_sentence_says_what_to_try(
    port: int, arguments: tuple[str, ...], says: str
) -> None:
    result = run(f"127.0.0.1:{port}", *arguments, env=KEYS)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in " ".join(result.stderr.split()) or "does not answer a ping" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("127.0.0.1:0",), "HOST[:PORT]"),
        (("127.0.0.1:x",), "is no port"),
        (("127.0.0.1", "--v3-auth", "md5"), "--v3-user"),
        (("127.0.0.1", "--v3-user", "u", "--v3-privacy", "des"), "--v3-auth"),
        (("127.0.0.1", "--profile", "nosuch"), "printer-mib"),
    ],
)
def test_when_the_command_is_used_wrongly_then_it_says_how_and_asks_nobody(
    arguments: tuple[str, ...], says: str
) -> None:
    result = run(*arguments, env=KEYS)
    assert result.exit_code == 2
    assert says in result.output


def test_when_json_is_wanted_of_a_silent_device_then_the_document_says_so() -> None:
    result = run(f"127.0.0.1:{free_udp_port()}", "--json", "--timeout", "0.1")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["outcome"] == "silent"


def test_when_profiles_are_checked_then_each_is_named_or_the_bad_one_with_its_line(tmp_path: Path) -> None:
    good = CliRunner().invoke(check_probes, [])
    assert (good.exit_code, "printer-mib" in good.output) == (0, True)
    (tmp_path / "generic.toml").write_text('title = "Any"\n')
    (tmp_path / "router.toml").write_text('title = "R"\ncolour = 1\n')
    (tmp_path / "switch.toml").write_text('title = "S"\n[[scalars]]\nname = "a.b"\noid = "ifDescr"\n')
    bad = CliRunner().invoke(check_probes, [str(tmp_path)])
    assert bad.exit_code == 1
    assert "router.toml:2: colour: unknown key" in bad.output
    assert "switch.toml:4: scalars.0.oid: not a numeric OID" in " ".join(bad.output.split())
    assert "generic: Any" in bad.output

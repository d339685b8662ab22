"""Secrets at rest: they open where they belong and nowhere else, and no error quotes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.vault import KeyFileWrong, KeyMissing, SealBroken, Vault, VaultError, key_of, new_key_line

KEY = bytes(range(32))
OTHER = bytes(reversed(range(32)))
PLACE = "channels.url:7"


@pytest.fixture
def vault() -> Vault:
    return Vault({"k1": KEY})


@given(secret=st.binary(max_size=300), place=st.text(st.characters(max_codepoint=127), max_size=40))
def test_what_was_sealed_opens_at_its_place(secret: bytes, place: str) -> None:
    vault = Vault({"k1": KEY})
    assert vault.unseal(vault.seal(secret, bound_to=place), bound_to=place) == secret


@given(position=st.integers(0, 10_000), letter=st.sampled_from("AQgw09-_.x"))
def test_no_changed_letter_goes_unseen(position: int, letter: str) -> None:
    vault = Vault({"k1": KEY})
    sealed = vault.seal("community", bound_to=PLACE)
    at = position % len(sealed)
    changed = sealed[:at] + letter + sealed[at + 1 :]
    # The last letter of base64 has bits that carry nothing; whatever opens must be the same secret.
    try:
        assert vault.unseal(changed, bound_to=PLACE) == b"community"
        assert changed == sealed or at == len(sealed) - 1
    except VaultError:
        assert changed != sealed


def test_when_a_secret_is_moved_to_another_row_then_it_does_not_open(vault: Vault) -> None:
    with pytest.raises(SealBroken, match=r"channels\.url:8"):
        vault.unseal(vault.seal("x", bound_to=PLACE), bound_to="channels.url:8")


def test_when_the_same_secret_is_sealed_twice_then_the_texts_differ(vault: Vault) -> None:
    assert vault.seal("x", bound_to=PLACE) != vault.seal("x", bound_to=PLACE)


def test_when_keys_change_then_old_texts_open_and_new_ones_take_the_first_key(vault: Vault) -> None:
    old = vault.seal("x", bound_to=PLACE)
    both = Vault({"k2": OTHER, "k1": KEY})
    assert both.unseal(old, bound_to=PLACE) == b"x"
    assert key_of(both.seal("x", bound_to=PLACE)) == both.current == "k2"
    assert key_of(old) == "k1"


def test_when_the_key_is_not_here_then_the_error_names_both(vault: Vault) -> None:
    with pytest.raises(KeyMissing, match=r"key k1; this vault has k2"):
        Vault({"k2": OTHER}).unseal(vault.seal("x", bound_to=PLACE), bound_to=PLACE)


def test_when_another_key_has_the_same_name_then_nothing_opens(vault: Vault) -> None:
    with pytest.raises(SealBroken):
        Vault({"k1": OTHER}).unseal(vault.seal("x", bound_to=PLACE), bound_to=PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1",
        "v1.k1",
        "v1.k1.",
        "v1.k1.AAAA",
        "v2.k1.AAAA",
        "v1.K1.AAAA",
        "v1.k1.=é",
        "v1.k1.\ud800",
        "x" * 99,
    ],
)
def test_when_the_text_is_no_sealed_text_then_it_is_refused(vault: Vault, text: str) -> None:
    with pytest.raises(SealBroken, match=r"channels\.url:7"):
        vault.unseal(text, bound_to=PLACE)


@pytest.mark.parametrize("keys", [{}, {"k1": b"short"}, {"K 1": KEY}, {"": KEY}])
def test_when_keys_are_wrong_then_there_is_no_vault(keys: dict[str, bytes]) -> None:
    with pytest.raises(KeyFileWrong):
        Vault(keys)


def test_when_a_vault_or_its_errors_are_printed_then_no_key_and_no_secret_is_in_them(vault: Vault) -> None:
    sealed = vault.seal("canary-secret", bound_to=PLACE)
    with pytest.raises(VaultError) as caught:
        vault.unseal(sealed, bound_to="elsewhere")
    said = f"{vault!r} {vault} {caught.value!r} {caught.value.__cause__!r}"
    assert "canary" not in said
    assert KEY.hex() not in said


def test_when_there_is_no_key_file_then_one_is_made_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    sealed = Vault.open(home).seal("x", bound_to=PLACE)
    assert (home / "assets-key").stat().st_mode & 0o777 == 0o600
    assert Vault.open(home).unseal(sealed, bound_to=PLACE) == b"x"
    assert [p.name for p in home.iterdir()] == ["assets-key"]


def test_when_systemd_hands_over_a_key_then_that_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "assets-key").write_text(new_key_line())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    sealed = Vault.open(tmp_path / "home").seal("x", bound_to=PLACE)
    assert not (tmp_path / "home").exists()
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(KeyMissing):
        Vault.open(tmp_path / "home").unseal(sealed, bound_to=PLACE)


def test_when_the_key_file_is_open_to_others_then_it_is_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path)
    (tmp_path / "assets-key").chmod(0o644)
    with pytest.raises(KeyFileWrong, match="mode 644"):
        Vault.open(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "\n", "k1:AAAA", "k1", "k1:" + "!" * 44, "k1:c2VjcmV0LWNhbmFyeQ==", "x" * 9_000]
)
def test_when_the_key_file_is_no_key_file_then_it_is_refused_without_quoting_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "assets-key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileWrong) as caught:
        Vault.open(tmp_path)
    assert "c2Vj" not in str(caught.value)


def test_when_processes_start_at_once_then_all_hold_the_same_key(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from assets.vault import Vault; print(Vault.open(Path(sys.argv[1])))"
    environment = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(4)
    ]
    said = {process.communicate(timeout=60)[0] for process in started}
    assert len(said) == 1
    assert said.pop().startswith("Vault(")

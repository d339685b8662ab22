"""A wrong setting stops the start with its name and its reason; a right one is taken as it is."""

from pathlib import Path

import pytest

from assets.collector import settings as collector
from assets.settings import KNOWN, WrongSettings, default_home, load

WRONG = [
    ("ASSETS_PORT", "eighty", "ASSETS_PORT"),
    ("ASSETS_PORT", "70000", "ASSETS_PORT"),
    ("ASSETS_DATABASE_URL", "sqlite:///x", "ASSETS_DATABASE_URL: it must begin with postgresql://"),
    ("ASSETS_LOG_LEVEL", "loud", "ASSETS_LOG_LEVEL"),
    ("ASSETS_PUBLIC_URL", "assets.example.vn", "public_url must look like"),
    ("ASSETS_PUBLIC_URL", "http://assets.example.vn", "ASSETS_ALLOW_PLAIN_HTTP"),
    ("ASSETS_HOST", "0.0.0.0", "public_url is needed"),
    ("ASSETS_ALLOWED_NETWORKS", "10.0.0.0/33", "ASSETS_ALLOWED_NETWORKS"),
    ("ASSETS_PROT", "8000", "ASSETS_PROT: there is no such setting"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_when_a_setting_is_wrong_then_the_start_says_which_and_why(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as error:
        load()
    assert said in error.value.detail


def test_when_settings_are_set_to_nothing_then_they_have_their_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty ASSETS_HOME once meant the present folder, an empty ASSETS_PORT ended the start."""
    monkeypatch.chdir(tmp_path)
    for name in KNOWN:
        monkeypatch.delenv(f"ASSETS_{name.upper()}", raising=False)
    usual = load()
    for name in KNOWN:
        monkeypatch.setenv(f"ASSETS_{name.upper()}", "")
    with pytest.raises(WrongSettings, match="ASSETS_DATABASE_URL: it is set to nothing"):
        load()  # and not with a database that is new and empty
    monkeypatch.delenv("ASSETS_DATABASE_URL")
    assert load() == usual
    assert usual.home == default_home()
    with pytest.raises(collector.CollectorSettingsWrong, match="ASSETS_COLLECTOR_URL: it is missing"):
        collector.load()
    token = tmp_path / "token"
    token.write_text("a.b")
    token.chmod(0o600)
    given = collector.load(collector_url="http://127.0.0.1:8000", collector_token_file=token)
    assert given.folder == default_home() / "collector"


def test_when_a_database_address_is_shown_then_its_password_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETS_DATABASE_URL", "postgresql://u:canary@db/assets")
    assert "canary" not in repr(load())


@pytest.mark.parametrize(
    ("url", "cookie", "secure"),
    [("https://assets.example.vn", "__Host-session", True), ("http://localhost:8000", "assets_session", False)],
)
def test_when_the_address_is_https_then_the_cookie_is_bound_to_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, cookie: str, secure: bool
) -> None:
    monkeypatch.setenv("ASSETS_PUBLIC_URL", url)
    settings = load(home=tmp_path)
    assert (settings.cookie, settings.secure) == (cookie, secure)

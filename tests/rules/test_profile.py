"""Probe profiles: strict reading, inheritance, matching, and what the product's own files promise."""

from pathlib import Path

import pytest

from assets.paths import data_dir
from assets.probing.profile import ProfileError, Profiles
from assets.probing.readings import NAME_MAX

GENERIC = 'title = "Anything"\n'


def parse(**files: str) -> Profiles:
    """Profiles from files by name; an underscore in front stands for itself, "__" for a dash."""
    return Profiles.parse({"generic": GENERIC} | {name.replace("__", "-"): toml for name, toml in files.items()})


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("title = ", "bad.toml: not TOML"),
        ("", "title"),
        ('title = "X"\ncolour = "red"', "bad.toml:2: colour: unknown key"),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\nunitt = "percent"', "bad.toml:5"),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\nunit = "furlongs"', "bad.toml:5"),
        ('title = "X"\n[[scalars]]\nname = "A B"\noid = "1.3.6"', "bad.toml:3"),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "ifInOctets"', "not a numeric OID"),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\ndecoder = "magic"', "there is no decoder 'magic'"),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\nstates = { up = "up" }', "states"),
        ('title = "X"\n[[match]]\nweak = true', "bad.toml:3: match.0: a match needs"),
        (
            'title = "X"\n[identity]\nmodel = [{ oid = "1.3" }]\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\n'
            '[[scalars]]\nname = "c.d"\noid = "x"',
            "bad.toml:9: scalars.1.oid: not a numeric OID",
        ),
        (
            'title = "X"\n[[tables]]\nname = "t"\n[[tables]]\nname = "u"\nreadings = [\n'
            '  { name = "a.b", oid = "1.3" },\n  { name = "c.d", oid = "1.3", unit = "miles" },\n]',
            "bad.toml:8: tables.1.readings.1.unit",
        ),
        ('title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3"\n[[scalars]]\noid = "1.3"', "bad.toml:6: scalars.1.name"),
        ('title = "X"\n[[match]]\nsys_descr = "("', "not a regular expression"),
        ('title = "X"\n[identity]\nmodel = [{ oid = "1.3", text = "sys_descr" }]', "exactly one of"),
        ('title = "X"\n[identity]\nmodle = []', "bad.toml:3: identity.modle: unknown key"),
        ('title = "X"\nextends = ["nobody"]', "there is no profile 'nobody'"),
        ('title = "X"\nextends = ["bad"]', "goes round"),
        ('title = "X"\n[[tables]]\nname = "t"\nlabel = "name"', "there is no fact 'name'"),
        ('title = "X"\n[[limits]]\nreading = "a.b"\nwarning_above = 1\nmessage = "m"', "no reading is called 'a.b'"),
        ('title = "X"\n[[limits]]\nreading = "a.b"\nmessage = "m"', "neither a bound nor a state"),
        (
            'title = "X"\n[[scalars]]\nname = "a.b"\noid = "1.3.6"\nstates = { 1 = "on" }\n'
            '[[limits]]\nreading = "a.b"\ncritical_states = ["off"]\nmessage = "m"',
            "a.b is never 'off'",
        ),
    ],
)
def test_when_a_profile_is_wrong_then_the_error_names_file_and_key(toml: str, says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse(bad=toml)
    assert "bad.toml" in caught.value.detail
    assert says in caught.value.detail


def test_when_there_is_no_generic_profile_then_nothing_loads() -> None:
    with pytest.raises(ProfileError, match=r"generic\.toml"):
        Profiles.parse({"switch": 'title = "S"'})


@pytest.mark.parametrize("name", ["Switch", "../etc", "a b", "", "_"])
def test_when_a_name_could_be_a_path_then_it_is_refused(name: str) -> None:
    with pytest.raises(ProfileError, match="name is"):
        Profiles.parse({"generic": GENERIC, name: 'title = "S"'})


def test_when_profiles_extend_one_another_then_own_entries_come_first_and_limits_replace() -> None:
    profiles = parse(
        _base='title = "B"\n[[scalars]]\nname = "x"\noid = "1.3.1"\n[[limits]]\nreading = "x"\nwarning_above = 1\n'
        'message = "high"\n[[tables]]\nname = "t"\nlabel = "a"\n[tables.facts]\na = { oid = "1.3.5" }\n'
        '[[tables.readings]]\nname = "y"\noid = "1.3.6"\n',
        child='title = "C"\nextends = ["_base"]\n[[scalars]]\nname = "x"\noid = "1.3.2"\n[[limits]]\nreading = "x"\n'
        'warning_above = 5\nmessage = "high"\n[[tables]]\nname = "t"\n[tables.facts]\nb = { oid = "1.3.7" }\n'
        '[[tables.readings]]\nname = "y"\noid = "1.3.8"\n',
    )
    child = profiles.get("child")
    assert child is not None
    assert [r.oid for r in child.scalars] == ["1.3.2", "1.3.1"]
    assert [limit.warning_above for limit in child.limits] == [5.0]
    (table,) = child.tables
    assert ([r.oid for r in table.readings], set(table.facts), table.label) == (["1.3.8", "1.3.6"], {"a", "b"}, ("a",))
    assert profiles.get("_base") is None
    assert profiles.limits("nobody") == ()


MATCHING = {
    "maker": 'title = "M"\n[[match]]\nsys_object_id = "1.3.6.1.4.1.9"',
    "family": 'title = "F"\n[[match]]\nsys_object_id = "1.3.6.1.4.1.9.1.5"',
    "named": 'title = "N"\n[[match]]\nsys_object_id = "1.3.6.1.4.1.9"\nsys_descr = "router"\nvendor = "V"',
    "words": 'title = "W"\n[[match]]\nsys_descr = "camera"\nweak = true',
}


@pytest.mark.parametrize(
    ("sys_object_id", "sys_descr", "expected", "why"),
    [
        ("1.3.6.1.4.1.9.2", "a box", "maker", "the prefix fits"),
        ("1.3.6.1.4.1.9.1.5.7", "a router", "family", "the longest prefix wins, also over words"),
        ("1.3.6.1.4.1.9.2", "A Router", "named", "with prefixes alike, words decide, in any case"),
        ("1.3.6.1.4.1.99", "a box", "generic", "9 is no prefix of 99"),
        ("1.3.6.1.4.1.99", "network camera", "words", "words alone are better than nothing"),
        ("1.3.6.1.4.1.9.2", "network camera", "maker", "a number is better than words"),
        ("", "", "generic", "a device that says nothing still gets a profile"),
    ],
)
def test_when_a_device_is_matched_then_the_most_telling_sign_wins(
    sys_object_id: str, sys_descr: str, expected: str, why: str
) -> None:
    assert parse(**MATCHING).match(sys_object_id, sys_descr).name == expected, why


def test_when_one_character_changes_then_the_hash_does_and_sources_bring_it_back() -> None:
    profiles = parse(**MATCHING)
    assert Profiles.parse(profiles.sources()).hash == profiles.hash
    assert parse(**(MATCHING | {"maker": MATCHING["maker"] + "\n# "})).hash != profiles.hash


BROKEN = {
    "generic": GENERIC,
    "_mixin": 'title = "M"\ncolour = 1\n',
    "switch": 'title = "S"\nextends = ["_mixin"]\n',
    "router": 'title = "R"\ncategory = "router"\n[[match]]\nsys_object_id = "1.3.6.1.4.1.5"\n',
    "acme": 'title = "A"\njoins = { vendor = "Acme" }\n[[limits]]\nreading = "x.y"\nwarning_above = 1\nmessage = "high"\n',
}


def test_when_a_profile_is_broken_then_it_stops_only_itself_and_what_extends_it() -> None:
    profiles = Profiles.sound(BROKEN)
    assert profiles.names() == ["generic", "router"]
    assert {name: error.detail for name, error in profiles.broken.items()} == {
        "_mixin": "_mixin.toml:2: colour: unknown key",
        "switch": "switch.toml:2: extends: _mixin.toml:2: colour: unknown key",
        "acme": "acme.toml:4: limits.0.reading: no reading is called 'x.y'",
    }
    assert profiles.match("1.3.6.1.4.1.5.1", "").name == "router"


JOINING = {
    "generic": GENERIC,
    "kind": 'title = "K"\ncategory = "switch"\nscalars = [{ name = "a.b", oid = "1.3.1" }]\n[[match]]\n'
    'sys_object_id = "1.3.6.1.4.1.7"\n',
    "maker": 'title = "M"\nscalars = [{ name = "a.b", oid = "1.3.2" }, { name = "c.d", oid = "1.3.3", first = true }]\n'
    'joins = { sys_object_id = "1.3.6.1.4.1.7", category = "switch" }\n[[limits]]\nreading = "c.d"\n'
    'warning_above = 1\nmessage = "high"\n',
    "other": 'title = "O"\njoins = { vendor = "Other" }\n',
    "printers": 'title = "P"\njoins = { sys_object_id = "1.3.6.1.4.1.7", category = "printer" }\n',
}


def test_when_a_maker_adds_to_a_kind_then_its_readings_come_behind_unless_they_are_better() -> None:
    profiles = Profiles.parse(JOINING)
    kind = profiles.match("1.3.6.1.4.1.7.9", "")
    both = profiles.joined(kind, category="switch", sys_object_id="1.3.6.1.4.1.7.9", vendor="")
    assert [reads.oid for reads in both.scalars] == ["1.3.3", "1.3.1", "1.3.2"]
    assert (both.name, both.kind, both.category) == ("kind+maker", "kind", "switch")
    assert [limit.message for limit in profiles.limits("kind+maker")] == ["high"]
    assert profiles.joined(both, category="switch", sys_object_id="1.3.6.1.4.1.7.9", vendor="Other").name == (
        "kind+maker+other"
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [("kind+deleted", "kind"), ("maker", None), ("generic+maker", "generic+maker"), ("no+maker", None)],
)
def test_when_a_name_was_remembered_then_it_means_what_is_left_of_it(name: str, found: str | None) -> None:
    profile = Profiles.parse(JOINING).get(name)
    assert (profile and profile.name) == found


def test_when_the_products_profiles_load_then_each_kind_of_device_is_there_with_its_limits() -> None:
    profiles = Profiles.load()
    assert not profiles.broken
    categories = {p.category for name in profiles.names() if (p := profiles.get(name))}
    assert categories >= {"printer", "scanner", "ups", "router", "switch", "ap", "nas", "host", "camera"}
    messages = {limit.message for name in profiles.names() for limit in profiles.limits(name)}
    assert messages >= {"toner low", "paper jam", "out of paper", "door open", "on battery", "battery low"}
    assert all((m == m.strip() and m[0] in "U") or m[0].islower() for m in messages)


def test_when_every_profile_of_a_maker_is_deleted_then_the_standard_ones_still_load() -> None:
    sources = {n: t for n, t in Profiles.load().sources().items() if n not in ("ups-powernet", "_makers")}
    assert Profiles.parse(sources).get("ups-mib") is not None


def test_when_the_product_names_readings_then_they_are_dotted_and_short() -> None:
    for name in Profiles.load().names():
        profile = Profiles.load().get(name)
        assert profile is not None
        for reads in (*profile.scalars, *(r for t in profile.tables for r in t.readings)):
            assert "." in reads.name
            assert len(reads.name) <= NAME_MAX


def test_when_a_folder_is_named_by_the_environment_then_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "generic.toml").write_text(GENERIC, encoding="utf-8")
    monkeypatch.setenv("ASSETS_PROBES_DIR", str(tmp_path))
    assert Profiles.load().names() == ["generic"]
    monkeypatch.setenv("ASSETS_PROBES_DIR", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError, match="ASSETS_PROBES_DIR"):
        data_dir("probes")


@pytest.mark.parametrize(
    ("number", "descr", "kind"),
    [
        ("9.1.620", "Cisco IOS Software, 1841 Software (C1841-ADVSECURITYK9-M), Version 12.4(15)T", "router"),
        ("9.1.1045", "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.1(4)M", "router"),
        ("9.1.697", "Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE10", "switch"),
        ("9.1.2494", "Cisco IOS Software [Amsterdam], Catalyst L3 Switch Software (CAT9K_IOSXE)", "switch"),
        ("9.1.2530", "Cisco IOS Software [Gibraltar], C9800 Software (C9800_IOSXE-K9)", "access-point"),
        ("9.1.1902", "Cisco Adaptive Security Appliance Version 9.2(2)4", "router"),
        ("9.12.3.1.3.1812", "Cisco NX-OS(tm) n9000", "switch"),
        ("890.1.15", "USG FLEX 200", "router"),
        ("890.1.15", "NWA1123-AC PRO", "access-point"),
        ("890.1.15", "XGS4600-32", "switch"),
        ("2011.2.240.20", "AirEngine5760-51", "access-point"),
        ("2011.2.23.339", "S5720-28X-LI-AC Huawei Versatile Routing Platform Software", "switch"),
        ("41112", "U6-Pro 6.6.77.15402", "access-point"),
        ("41112", "USW-24-PoE, 6.5.59.14777", "switch"),
        ("8072.3.2.10", "Linux UDM-Pro 4.19.152-ui-alpine aarch64", "router"),
        ("25506.1.1234", "H3C Comware Software MSR3600", "router"),
        ("2636.1.1.1.2.131", "Juniper Networks, Inc. ex2300-c-12t Ethernet Switch, kernel JUNOS", "switch"),
        ("14988.1", "RouterOS CRS328-24P-4S+", "switch"),
        ("11863.3.2.10", "Omada EAP225 access point", "access-point"),
        ("4881.1.2", "RG-AP720 wireless", "access-point"),
    ],
)
def test_when_a_makers_number_holds_many_products_then_words_tell_the_kind(number: str, descr: str, kind: str) -> None:
    assert Profiles.load().match(f"1.3.6.1.4.1.{number}", descr).name == kind

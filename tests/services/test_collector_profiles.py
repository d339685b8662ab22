"""A collector that is sent profiles which its version cannot read."""

import pytest

from assets.collector.devices import Devices
from assets.probing.profile import ProfileError, Profiles


async def test_when_one_profile_is_of_a_newer_version_then_its_old_one_goes_on_beside_the_new_others() -> None:
    devices, sources = Devices(), Profiles.load().sources()
    newer = sources | {"switch": sources["switch"] + "\n[future]\nkey = 1\n", "router": sources["router"] + "\n# new\n"}
    devices.use(newer)
    assert devices.profiles.sources() == sources | {"router": newer["router"]}
    assert not devices.profiles.broken


async def test_when_an_unknown_profile_cannot_be_read_then_only_that_one_is_missing() -> None:
    devices, sources = Devices(), Profiles.load().sources()
    devices.use(sources | {"drone": "title = 3"})
    assert set(devices.profiles.broken) == {"drone"}
    assert devices.profiles.names() == Profiles.load().names()


async def test_when_not_even_the_generic_profile_is_sent_then_all_old_ones_stay() -> None:
    devices = Devices()
    with pytest.raises(ProfileError, match=r"generic\.toml"):
        devices.use({"switch": 'title = "S"'})
    assert devices.profiles.names() == Profiles.load().names()

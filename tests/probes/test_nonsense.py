"""Devices that answer nonsense of every type: a look ends in a valid result, with no number that means nothing."""

import asyncio
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.ids import new_id
from assets.probing.ber import Value
from assets.probing.contract import Community, TargetSpec
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome, Result
from assets.probing.report import Extra, document
from tests.probes import synthetic
from tests.probes.fake_door import FakeDoor

PROFILES = Profiles.load()
PUBLIC = Community(id=new_id(), community="public")
DEVICES = (
    synthetic.printer(("Black Toner", 3, 3, 100, 80), ("Waste", 4, 4, 100, 2)),
    synthetic.ups(loads=(10, 20)),
    synthetic.switch(3),
    synthetic.host(),
)
VALUES = st.one_of(
    st.integers(-(1 << 31), (1 << 64) - 1),
    st.sampled_from([0, -1, -2, -3, (1 << 31) - 1, (1 << 32) - 1, (1 << 64) - 1]),
    st.binary(max_size=40),
    st.text(max_size=20).map(str.encode),
    st.sampled_from(["0.0", "1.3.6.1.4.1.9.1.5", "1.3.6.1.4.1.8072.3.2.10", "2.999"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_when_a_device_answers_nonsense_then_a_look_is_still_a_valid_result(data: st.DataObject) -> None:
    device: dict[str, Value] = dict(data.draw(st.sampled_from(DEVICES)))
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(device)), st.none() | VALUES, max_size=12))
    later = data.draw(st.dictionaries(st.sampled_from(sorted(device)), VALUES, max_size=6))

    async def looks() -> list[Result]:
        now = [0.0]
        door = FakeDoor({o: v for o, v in (device | changed).items() if v is not None})
        prober = Prober(PROFILES, v2c=door, monotonic=lambda: now[0])
        target = TargetSpec(id=new_id(), name="X", address="192.0.2.9", port=161, method=Method.SNMP)
        seen = [await prober.look(target, PUBLIC)]
        now[0] += 10.0
        door.values |= later
        seen.append(await prober.look(target, PUBLIC))
        for one in seen:
            assert document(one, Extra())["outcome"] == "answered"
        await prober.close()
        return [one.result for one in seen]

    for result in asyncio.run(looks()):
        assert result.outcome is Outcome.ANSWERED
        assert Result.model_validate_json(result.model_dump_json()) == result
        for reading in result.readings:
            assert reading.value is None or math.isfinite(reading.value)
            if reading.name.endswith("percent"):
                assert reading.value is None or 0 <= reading.value <= 200, reading
            if reading.name.endswith("bps"):
                assert reading.value is None or reading.value >= 0, reading

"""Which target speaks for an asset or a line that is asked in several ways: the worst, and its reasons are the thing's."""

# An outage in any of them is one of the thing; what one of them does not know is not known of the thing.
FIRST_TO_SPEAK = (
    "array_position(array['down', 'unreachable', 'degraded', 'unknown', 'off_expected', 'up'], "
    "coalesce(d.condition, 'unknown')), t.created_at, t.id"
)
_SPEAKS = (
    "left join lateral (select t.* from targets t left join device_states d on d.target = t.id "
    "where t.{thing} and t.enabled order by {order} limit 1) t on true left join device_states d on d.target = t.id"
)
# Joins that follow an asset `a` or a line `l`: `t` is the target that speaks for it and `d` its state, null for none.
OF_ASSET = _SPEAKS.format(thing="asset = a.id", order=FIRST_TO_SPEAK)
OF_LINK = _SPEAKS.format(thing="link = l.id", order=FIRST_TO_SPEAK)

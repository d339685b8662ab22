"""What the pages of targets, lines and traffic show, and what their JSON twins answer."""

from datetime import datetime

from assets.dashboards.views import Monitoring, View, WayRow
from assets.incidents.queries import IncidentRow
from assets.inventory.things_api import LinkOut
from assets.monitoring.api import TargetOut
from assets.monitoring.credentials_api import CredentialOut
from assets.monitoring.traffic_queries import Cost, LineCost, SiteCost
from assets.probing.readings import Limit


class TargetPage(View):
    """One target: how it is asked, how it is, from which values on that is worth a warning, and what asking it costs."""

    at: datetime
    site_name: str
    target: TargetOut
    monitoring: Monitoring
    limits: list[Limit]
    cost: Cost
    incidents: list[IncidentRow]
    credentials: list[CredentialOut]
    heartbeat_drawn: bool


class Use(View):
    """How much of a line is in use, as the interface that it ends at says: bits a second and percent of its bandwidth."""

    router: str
    interface: str
    observed_at: datetime | None
    in_bps: float | None
    out_bps: float | None
    in_percent: float | None
    out_percent: float | None


class LinkPage(View):
    """One network line: how it is, loss and delay, how much of it is in use, and what watching costs it."""

    at: datetime
    link: LinkOut
    site_name: str
    target: TargetOut | None
    monitoring: Monitoring | None
    targets: list[WayRow]
    use: Use | None
    cost: LineCost
    incidents: list[IncidentRow]


class Traffic(View):
    """What watching costs: all together, each line beside its budget, and each site."""

    at: datetime
    total: Cost
    lines: list[LineCost]
    sites: list[SiteCost]

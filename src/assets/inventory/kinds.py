"""What the register holds, described once: for the API's changes, for imports, for edits of many at once. Pure.

A kind is a resource with its fields and with what identifies a row of it. Names are those of the API and of exports.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.values import Field, Type
from assets.web.language import N_

CUSTOM = "custom."  # what a field of the province's own begins with


@dataclass(frozen=True)
class Kind:
    """A resource that can be changed by rows; `key` names the fields that identify one, `subject` its audit events.

    What belongs to no site (`site` is empty) is for those alone who edit the whole province. `spans` are two days each, of
    which the second cannot come before the first.
    """

    resource: str
    subject: str
    table: str
    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    searched: tuple[str, ...] = ()
    site: str = "site"
    spans: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> frozenset[str]:
        """The names of its fields."""
        return frozenset(field.name for field in self.fields)

    def key_of(self, values: Mapping[str, Any]) -> str:
        """What people call a row."""
        return " · ".join(str(values.get(name) or "") for name in self.key)


LINK_KINDS = ("dedicated", "fibre", "mobile", "satellite")
CAPABILITY_KINDS = ("account", "authority", "token", "seal", "training", "manual")
STATUSES = ("not_issued", "waiting", "issued", "expired", "revoked")
CUSTODIANS = ("", "person", "post")

ASSETS = Kind(
    "assets", "asset", "assets", N_("Assets"), ("tag",),
    (
        Field("tag", limit=40, required=True, once=True, upper=True),
        Field("name", limit=200),
        Field("category", limit=40), Field("manufacturer", limit=80, required=True), Field("model", limit=120, required=True),
        Field("serial", limit=120),
        Field("site", limit=200, required=True), Field("room", limit=120),
        Field("stage", Type.CHOICE, choices=tuple(Stage), words="stage", default="in_use"),
        Field("physical_state", Type.CHOICE, choices=tuple(PhysicalState), words="physical_state", default="good"),
        Field("custodian", limit=120),
        Field("custodian_kind", Type.CHOICE, choices=CUSTODIANS, words="custodian_kind"),
        Field("macs", Type.MACS), Field("addresses", Type.ADDRESSES),
        Field("supplier", limit=160), Field("funding_source", limit=160), Field("purchased_on", Type.DATE, begins=True),
        Field("original_cost", Type.MONEY), Field("put_into_use", Type.DATE, begins=True),
        Field("warranty_until", Type.DATE),
        Field("national_code", limit=60), Field("note"),
    ),
    searched=("tag", "serial", "name", "manufacturer", "model", "custodian", "macs", "addresses", "national_code"),
    spans=(("purchased_on", "warranty_until"),),
)  # fmt: skip
MODELS = Kind(
    "asset-models", "asset_model", "asset_models", N_("Models"), ("manufacturer", "name"),
    (
        Field("category", limit=40, required=True),
        Field("manufacturer", limit=80, required=True), Field("name", limit=120, required=True),
        Field("profile", limit=60), Field("expected_months", Type.INTEGER, least=1, most=1200), Field("note"),
    ),
    searched=("manufacturer", "name"), site="",
)  # fmt: skip
LINKS = Kind(
    "links", "link", "links", N_("Network lines"), ("tag",),
    (
        Field("tag", limit=40, required=True, once=True, upper=True), Field("site", limit=200, required=True),
        Field("kind", Type.CHOICE, choices=LINK_KINDS, words="link_kind", required=True),
        Field("carrier", limit=60, required=True), Field("circuit_number", limit=60),
        Field("bandwidth_mbps", Type.INTEGER, most=1_000_000), Field("is_primary", Type.BOOLEAN, default=True),
        Field("hotline", limit=40), Field("near_end", limit=160), Field("far_end", limit=160),
        Field("contract_number", limit=60), Field("contract_until", Type.DATE), Field("monthly_cost", Type.MONEY),
        Field("wan_router", limit=40, upper=True), Field("wan_interface", limit=80),
        Field("budget_mb_per_day", Type.INTEGER, least=1, most=100_000),
        Field("note"),
    ),
    searched=("tag", "carrier", "circuit_number", "contract_number"),
)  # fmt: skip
APPLICATIONS = Kind(
    "applications", "application", "applications", N_("Applications"), ("code",),
    (
        Field("code", limit=40, required=True, once=True), Field("name", limit=160, required=True),
        Field("name_en", limit=160), Field("owner_office", limit=160), Field("web_address"),
        Field("needs_account", Type.BOOLEAN, default=True),
    ),
    site="",
)  # fmt: skip
CAPABILITIES = Kind(
    "capabilities", "capability", "capabilities", N_("Accounts and tokens"), ("site", "kind", "title", "holder_post"),
    (
        Field("site", limit=200, required=True), Field("application", limit=40),
        Field("kind", Type.CHOICE, choices=CAPABILITY_KINDS, words="capability_kind", required=True),
        Field("title", limit=160, required=True), Field("holder_post", limit=120),
        Field("status", Type.CHOICE, choices=STATUSES, words="capability_status", required=True),
        Field("since", Type.DATE, begins=True), Field("expires_on", Type.DATE), Field("note"),
    ),
    spans=(("since", "expires_on"),),
)  # fmt: skip
KINDS = {kind.resource: kind for kind in (ASSETS, MODELS, LINKS, APPLICATIONS, CAPABILITIES)}


@dataclass(frozen=True)
class Definition:
    """A field of the province's own, of one category or, without one, of all assets."""

    code: str
    category: str
    name: str
    name_en: str
    kind: Type
    choices: tuple[str, ...] = ()
    required: bool = False
    deprecated: bool = False

    def called(self, language: str) -> str:
        """Its name in a language; the Vietnamese one when it has no English one."""
        return self.name if language == "vi" else self.name_en or self.name

    @property
    def field(self) -> Field:
        """The field as one of an asset."""
        return Field(
            CUSTOM + self.code, self.kind, choices=self.choices,
            most=10**15, least=-(10**15) if self.kind is Type.INTEGER else 0,
        )  # fmt: skip


def with_definitions(kind: Kind, definitions: Iterable[Definition]) -> Kind:
    """The kind with the province's own fields; only assets have some."""
    if kind is not ASSETS:
        return kind
    return replace(kind, fields=(*kind.fields, *(one.field for one in definitions)))

"""Which drawing stands for a thing that is asked for; the drawings are in templates/equipment_requests/_parts.html. Pure."""

from assets.equipment_requests.asking import LineKind

# Drawings of the clerk's form by what a category's code has in it; the first that fits.
PICTURES = (
    ("laptop", "laptop"), ("printer", "printer"), ("copier", "printer"), ("mfp", "printer"), ("scan", "scanner"),
    ("display", "screen"), ("monitor", "screen"), ("screen", "screen"), ("conference", "screen"),
    ("pc", "computer"), ("desktop", "computer"), ("computer", "computer"), ("numbering", "ticket"),
    ("queue", "ticket"), ("kiosk", "kiosk"), ("satisfaction", "smile"), ("reader", "reader"), ("pos-", "reader"),
    ("token", "token"), ("ups", "ups"), ("battery", "ups"), ("generator", "ups"), ("access-point", "wifi"),
    ("wifi", "wifi"), ("router", "network"), ("switch", "network"), ("firewall", "network"), ("modem", "network"),
    ("camera", "camera"), ("recorder", "camera"),
)  # fmt: skip
SUPPLY_PICTURES = {
    "toner": "toner", "ink": "toner", "drum": "toner", "ribbon": "toner", "maintenance": "tool", "paper": "paper",
    "label": "paper", "token": "token", "battery": "ups", "cable": "network",
}  # fmt: skip
CAPABILITY_PICTURES = {
    "account": "key",
    "authority": "key",
    "token": "token",
    "seal": "seal",
    "training": "people",
    "manual": "book",
}


def picture(code: str) -> str:
    """Which drawing stands for a kind of equipment, by what its code has in it."""
    return next((drawn for part, drawn in PICTURES if part in code.lower().replace("_", "-")), "box")


def picture_of(kind: LineKind, code: str) -> str:
    """Which drawing stands for a thing of a kind of line: by the kind of the consumable or of the capability."""
    if kind is LineKind.CONSUMABLE:
        return SUPPLY_PICTURES.get(code, "box")
    return CAPABILITY_PICTURES.get(code, "box") if kind is LineKind.CAPABILITY else picture(code)

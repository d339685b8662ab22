"""QR codes inside pages."""

import segno
from markupsafe import Markup


def inline(address: str) -> Markup:
    """A web address as a QR code, an SVG to stand in a page."""
    return Markup(segno.make_qr(address, error="m").svg_inline(scale=4, border=4, omitsize=True))  # noqa: S704 - of our own making

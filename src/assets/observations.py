"""Where a collector's batches come in: unpack, read, hand to the main job."""

import zlib
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.errors import Invalid
from assets.ingest import Ingest
from assets.probing.contract import Answer, Batch, Envelope, Rejected
from assets.web.bodies import OWN

UNPACKED_MAX = 32 * 1024 * 1024  # a batch of 500 large switches is about 10 MB
ENCODINGS = "gzip"  # RFC 9110 §12.5.3: in an answer, what may be sent


@post("/api/v1/observations", operation_id="postObservations", status_code=200, tags=["collectors"],
      guards=[requires(Action.REPORT_OBSERVATIONS)], request_max_body_size=UNPACKED_MAX, opt={OWN: True})  # fmt: skip
async def observations(
    request: Request[Any, Any, Any], actor: NamedDependency[Actor], ingest: NamedDependency[Ingest]
) -> Response[Answer]:
    """The main job: take in a Batch, plain or with gzip. The same batch again changes nothing."""
    assert actor.id is not None
    batch, unreadable = read(await request.body(), request.headers.get("content-encoding", "identity"))
    answer = await ingest.take(actor.id, batch, clock.now(), unreadable)
    return Response(answer, headers={"Accept-Encoding": ENCODINGS})


def read(body: bytes, encoding: str) -> tuple[Batch, tuple[Rejected, ...]]:
    """The batch in a body and what in it cannot be read; Invalid names what is wrong with the whole."""
    try:
        return Envelope.model_validate_json(unpack(body, encoding)).read()
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[:20]
        fields = {".".join(str(part) for part in e["loc"]) or "body": e["msg"] for e in wrong}
        raise Invalid("The batch cannot be read.", fields=fields) from None


def unpack(body: bytes, encoding: str) -> bytes:
    """The body itself; Invalid for an unknown encoding, a broken one, or one that unpacks to more than UNPACKED_MAX."""
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise Invalid(fields={"Content-Encoding": f"only {ENCODINGS}"})
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, UNPACKED_MAX)
    except zlib.error:
        raise Invalid(fields={"body": "it is not gzip"}) from None
    if not unpacker.eof:
        raise Invalid(fields={"body": f"it is cut off, or unpacks to more than {UNPACKED_MAX} bytes"})
    return plain


routes: Sequence[ControllerRouterHandler] = [observations]

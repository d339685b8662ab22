"""What can go wrong for a caller, as a tree; `web.problems` turns each leaf into one problem document.

AssetsError
├── NotFound        404  it does not exist, or not for this caller (the two must look alike)
├── Gone            410  it was there for a time, and that is over
├── NotSignedIn     401  nobody is known behind this call
├── NotAllowed      403  this person's roles do not permit the act
├── Conflict        409  the rules or the present state forbid it
│   └── Stale       412  somebody changed the thing since the caller read it
├── Invalid         400  the input is wrong; `fields` names each wrong place
├── TooMany         429  it was tried too often; wait `retry_after_seconds`
└── Unavailable     503  the database or a part we need is away; try again
"""

from collections.abc import Mapping


class AssetsError(Exception):
    """Something went wrong."""

    status = 500
    title = "Internal Server Error"

    def __init__(self, detail: str | None = None, **facts: object) -> None:
        self.detail = detail or (type(self).__doc__ or "").splitlines()[0]
        self.facts = facts
        super().__init__(self.detail)


class NotFound(AssetsError):
    """There is no such thing here."""

    status = 404
    title = "Not Found"


class Gone(AssetsError):
    """This is no longer here."""

    status = 410
    title = "Gone"


class NotSignedIn(AssetsError):
    """Sign in first."""

    status = 401
    title = "Unauthorized"


class NotAllowed(AssetsError):
    """Your role does not permit this."""

    status = 403
    title = "Forbidden"


class Conflict(AssetsError):
    """The present state does not allow this."""

    status = 409
    title = "Conflict"


class Stale(Conflict):
    """Somebody else changed this in the meantime; read it again."""

    status = 412
    title = "Precondition Failed"


class Invalid(AssetsError):
    """The input is not valid."""

    status = 400
    title = "Bad Request"

    def __init__(self, detail: str | None = None, *, fields: Mapping[str, str] | None = None, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.fields = dict(fields or {})


class TooMany(AssetsError):
    """There were too many attempts in a short time."""

    status = 429
    title = "Too Many Requests"

    def __init__(self, detail: str | None = None, *, seconds: int = 60, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.retry_after_seconds = seconds


class Unavailable(AssetsError):
    """A part that is needed does not answer; nothing was changed, try again."""

    status = 503
    title = "Service Unavailable"
    retry_after_seconds = 2

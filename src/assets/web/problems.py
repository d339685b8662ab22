"""What a caller is told when something fails: RFC 9457 documents for programs, a page for people.

A page says what failed, what was kept and what to do. What we did not expect is logged with its cause and told
without details.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import asyncpg
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.middleware import ASGIMiddleware
from litestar.params import ParameterKwarg
from litestar.response import Redirect
from litestar.types import ASGIApp, ExceptionHandlersMap, Message, Receive, Scope, Send

from assets.errors import AssetsError, Conflict, Invalid, NotFound, NotSignedIn, TooMany, Unavailable
from assets.phrases import Phrase
from assets.web import templates
from assets.web.bodies import BASIC, NAME_SHOWN_MAX
from assets.web.description import MEDIA_TYPE, document_problems
from assets.web.forms import MESSAGES
from assets.web.language import N_, accepted, choose, translate
from assets.web.paths import page_above

__all__ = ["ProblemMiddleware", "document_problems", "for_programs", "handlers", "problem"]
FIELDS_MAX = 100  # wrong fields named in one answer
log = structlog.get_logger(__name__)
_MISSING = re.compile(r"Missing required \w+ parameter '([\w-]+)' for")
AnyRequest = Request[Any, Any, Any]

# (what failed, what was kept, what to do) for people
PAGES: dict[int, tuple[str, str, str]] = {
    400: (
        N_("The address or the form has something in it that cannot be read."),
        N_("Nothing was changed."),
        N_("Go back, look over what was entered and send it again."),
    ),
    401: (N_("You are not signed in."), N_("Nothing was changed."), N_("Sign in and try again.")),
    403: (
        N_("Your account may not do this."),
        N_("Nothing was changed."),
        N_("If it belongs to your work, ask the provincial IT office for the permission."),
    ),
    404: (
        N_("There is no such page, or it does not belong to your unit."),
        N_("Nothing was changed."),
        N_("Check the address, or start from the first page."),
    ),
    409: (
        N_("The present state does not allow this."),
        N_("Nothing was changed."),
        N_("Open it again to see how it stands now."),
    ),
    410: (
        N_("This address is no longer valid."),
        N_("Nothing was changed."),
        N_("Please ask whoever gave it to you for a new one."),
    ),
    412: (
        N_("Somebody else changed this in the meantime."),
        N_("Their change was kept, yours was not saved."),
        N_("Open it again and repeat your change."),
    ),
    413: (N_("What was sent is too large."), N_("Nothing was changed."), N_("Send a smaller file or less text.")),
    429: (
        N_("There were too many attempts in a short time."),
        N_("Nothing was changed."),
        N_("Wait a minute and try again."),
    ),
    500: (
        N_("Something went wrong on our side."),
        N_("What was saved before is kept; this step may not have been."),
        N_("Try again. If it happens once more, tell the provincial IT office the time shown below."),
    ),
    503: (
        N_("The service cannot reach its database at this moment."),
        N_("What was saved before is kept; this step was not saved."),
        N_("Wait a few seconds and try again."),
    ),
}


# What is said of each answer of a kind, and of an error of which nothing more is known (see errors.py).
TITLES = (
    N_("Bad Request"), N_("Unauthorized"), N_("Forbidden"), N_("Not Found"), N_("Method Not Allowed"), N_("Conflict"), N_("Gone"),
    N_("Precondition Failed"), N_("Request Entity Too Large"), N_("Content Too Large"), N_("Unsupported Media Type"),
    N_("Precondition Required"), N_("Too Many Requests"), N_("Internal Server Error"), N_("Service Unavailable"),
)  # fmt: skip
DETAILS = (
    N_("There is no such thing here."), N_("This is no longer here."), N_("Sign in first."),
    N_("Your role does not permit this."), N_("The present state does not allow this."),
    N_("Somebody else changed this in the meantime; read it again."), N_("The input is not valid."),
    N_("There were too many attempts in a short time."), N_("Something went wrong on our side."),
    N_("A part that is needed does not answer; nothing was changed, try again."),
)  # fmt: skip
# Pydantic's words that most callers see, and what forms say instead.
_PYDANTIC = {
    re.compile(pattern): said
    for pattern, said in {
        "Field required": MESSAGES["missing"],
        "String should have at least 1 character": MESSAGES["string_too_short"],
        r"String should have at most (?P<max_length>\d+) characters?": MESSAGES["string_too_long"],
        "Input should be a valid integer.*": MESSAGES["int_parsing"],
        "Input should be a valid number.*": MESSAGES["float_parsing"],
        r"Input should be greater than or equal to (?P<ge>\S+)": MESSAGES["greater_than_equal"],
        r"Input should be greater than (?P<gt>\S+)": MESSAGES["greater_than"],
        r"Input should be less than or equal to (?P<le>\S+)": MESSAGES["less_than_equal"],
        r"Input should be less than (?P<lt>\S+)": MESSAGES["less_than"],
        "Input should be (?P<known>'.+')": N_("One of: %(known)s."),
    }.items()
}


def for_programs(request: AnyRequest) -> bool:
    """Whether the caller is a program: the API, a page's JSON twin, or a probe of the service itself."""
    path = request.scope["path"]
    return path.startswith(("/api/", "/health/", "/schema")) or path.endswith(".json") or path in ("/api", "/metrics")


def problem(
    request: AnyRequest,
    status: int,
    detail: str,
    *,
    title: str | None = None,
    errors: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Response[dict[str, Any]]:
    """One problem document; `title` is the same for every occurrence, `detail` is this one's.

    Its texts are in the language that the caller accepts, English when it names none of ours; all else stays as it is.
    """
    language = accepted(request.headers.get("accept-language", ""), "en")
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": translate(language, title or _phrase(status)),
        "status": status,
        "detail": translate(language, detail, **(facts or {})),
    }
    if errors:
        # An answer must not be larger than what was sent.
        told = list(errors.items())[:FIELDS_MAX]
        body["errors"] = [{"field": field[:NAME_SHOWN_MAX], "detail": _told(language, text)} for field, text in told]
    body |= {
        name: value.english() if isinstance(value, Phrase) else value
        for name, value in (facts or {}).items()
        if name not in body
    }
    headers = {**(headers or {}), "Content-Language": language, "Vary": "Accept-Language"}
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _told(language: str, text: str) -> str:
    """What is wrong with a field; English stays as whoever refused it has put it."""
    if language != "en":
        for pattern, said in _PYDANTIC.items():
            if found := pattern.fullmatch(text):
                return translate(
                    language, said, **{n: v.replace("' or '", "', '") for n, v in found.groupdict().items()}
                )
    return translate(language, text)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def on_ours(request: AnyRequest, error: AssetsError) -> Response[Any]:
    """An error that a service raised on purpose."""
    if isinstance(error, NotSignedIn) and not for_programs(request):
        return _to_sign_in(request)
    headers = {}
    if isinstance(error, Unavailable | TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, NotSignedIn):
        handler = request.scope.get("route_handler")
        # Agents take up a challenge that begins with Basic, and no other.
        headers["WWW-Authenticate"] = 'Basic realm="assets"' if handler and BASIC in handler.opt else "Bearer"
    fields = error.fields if isinstance(error, Invalid) else {}
    if for_programs(request):
        return problem(
            request, error.status, error.detail, title=error.title, errors=fields, headers=headers, facts=error.facts
        )
    chosen = choose(request)
    detail = translate(chosen, error.detail, **error.facts)
    said = detail if error.detail != (type(error).__doc__ or "").splitlines()[0] else ""
    return _page(request, error.status, detail=said, fields=fields, headers=headers)


def on_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """An error of the framework: no such route, wrong method, input that does not fit its schema."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    if for_programs(request):
        fields = _fields(request, error.extra) or _missing(error.detail)
        # Litestar's own words repeat the whole address.
        detail = "The input is not valid." if isinstance(error, ValidationException) else error.detail
        return problem(request, error.status_code, detail, errors=fields, headers=error.headers)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return _to_sign_in(request)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.scope["method"] == "GET":
        return Redirect(
            page_above(request.app, request.scope["path"]), status_code=303, headers=dict(error.headers or {})
        )
    return _page(request, error.status_code, headers=error.headers)


def on_database(request: AnyRequest, error: asyncpg.PostgresError) -> Response[Any]:
    """What a constraint or PostgreSQL's own types refuse: the caller's doing, told without the server's words."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        # Row-level security stopped what a service let through: something would have come under a foreign site.
        log.error("the second wall was needed", path=request.scope["path"], refused=str(error))
        return on_ours(request, NotFound())
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.ExclusionViolationError):
        return on_ours(request, Conflict(N_("Something with the same name or number is there already.")))
    if isinstance(error, asyncpg.ForeignKeyViolationError | asyncpg.RestrictViolationError):
        return on_ours(request, Conflict(N_("Other things depend on this, or it is gone.")))
    if isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError):
        return on_ours(request, Invalid(N_("A value is out of its range or has characters that cannot be stored.")))
    return on_unexpected(request, error)


def on_unreadable(request: AnyRequest, _error: Exception) -> Response[Any]:
    """Bytes that are no UTF-8, or JSON nested too deeply to read."""
    return on_ours(request, Invalid(N_("What was sent cannot be read.")))


def on_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """A defect of ours: the log has it all, the caller learns that it happened."""
    log.error("unexpected error", method=request.scope["method"], path=request.scope["path"], exc_info=error)
    if for_programs(request):
        return problem(request, 500, "Something went wrong on our side.")
    return _page(request, 500)


def _to_sign_in(request: AnyRequest) -> Response[Any]:
    wanted = request.scope["path"] if request.scope["method"] == "GET" else "/"
    if request.scope["method"] == "GET" and request.scope["query_string"]:
        wanted += "?" + request.scope["query_string"].decode("ascii", "ignore")
    address = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"
    if templates.wants_fragment(request):
        return Response("", status_code=401, media_type="text/html", headers={"HX-Redirect": "/sign-in"})
    return Redirect(address, status_code=303)


def _page(
    request: AnyRequest,
    status: int,
    *,
    detail: str = "",
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    failed, kept, remedy = PAGES.get(status) or PAGES[500 if status >= 500 else 400]
    try:
        response: Response[str] = templates.page(
            request, "error.html", status=status, code=status, failed=failed, kept=kept, remedy=remedy, detail=detail,
            fields=fields or {},
        )  # fmt: skip
    except Exception as error:  # the last page: whatever is broken, the visitor gets a sentence
        log.error("the error page failed", exc_info=error)
        response = Response(translate("vi", failed), status_code=status, media_type="text/plain")
    response.headers.update(headers or {})
    return response


def _fields(request: AnyRequest, extra: object) -> dict[str, str]:
    """Litestar's list of {key, message} as field → message; a parameter has the name that callers know it by."""
    items = [item for item in extra if isinstance(item, dict)] if isinstance(extra, list) else []
    known = getattr(request.scope.get("route_handler"), "parsed_fn_signature", None)
    names = {
        name: definition.kwarg_definition.name
        for name, definition in (known.parameters if known else {}).items()
        if isinstance(definition.kwarg_definition, ParameterKwarg) and definition.kwarg_definition.name
    }
    return {names.get(key := str(i.get("key") or "body"), key): str(i.get("message", "")) for i in items}


def _missing(detail: str) -> dict[str, str]:
    found = _MISSING.match(detail)
    return {found[1]: N_("It is missing.")} if found else {}


handlers: ExceptionHandlersMap = {
    AssetsError: on_ours,
    HTTPException: on_http,
    asyncpg.PostgresError: on_database,
    UnicodeError: on_unreadable,
    RecursionError: on_unreadable,
    Exception: on_unexpected,
}


class ProblemMiddleware(ASGIMiddleware):
    """Tells what the middleware inside it refuses: Litestar's own handlers stand around routes and around everything.

    So what is outside (headers, figures, a transaction) sees an answer and no exception.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Go on, and answer for what went wrong before an answer began."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await next_app(scope, receive, noted)
        except Exception as error:
            if begun:
                raise
            request: AnyRequest = Request(scope, receive, send)
            handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
            await handler(request, error).to_asgi_response(app=None, request=request)(scope, receive, send)

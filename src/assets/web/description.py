"""What the OpenAPI document says beyond Litestar's own: problem answers, list parameters, JSON twins of pages."""

from collections.abc import Collection, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Schema,
)
from litestar.routes import HTTPRoute
from pydantic import BaseModel

from assets.web import paging
from assets.web.bodies import TAKES

MEDIA_TYPE = "application/problem+json"
VERBS = ("get", "post", "put", "patch", "delete")
DOCUMENTED = ("400", "401", "403", "404", "409", "412", "413", "415", "421", "428", "429", "500", "503")
REF = "#/components/schemas/"
# A batch has numbers of its own, a file its digest or the version that it follows.
UNKEYED = ("/api/v1/observations", "/api/v1/attachments", "/api/v1/paper-forms/{paper}/template")
TEXTS = {"/metrics": "application/openmetrics-text"}  # what a plugin answers that is no JSON


def document_problems(app: Litestar) -> None:
    """Complete `app.openapi_schema`; call once, at start-up."""
    if app.openapi_config is None:
        return
    document = app.openapi_schema
    if document.components is None:
        return
    document.components.schemas["Problem"] = PROBLEM
    for path, handler in _handlers(app):
        if twin := handler.opt.get("twin"):
            model, name = twin
            _add_twin(document, path, model, name, handler.opt.get("query", ()))
        if listing := handler.opt.get("listing"):
            _add_parameters(document, path, handler, listing)
        if form := handler.opt.get("form"):
            _add_form(document, path, form)
        elif (kinds := handler.opt.get(TAKES)) and path in (document.paths or {}):
            _add_file(document, path, kinds)
        if media_types := handler.opt.get("file"):
            kinds = (media_types,) if isinstance(media_types, str) else media_types
            _answer(document, path, "post" if "POST" in handler.http_methods else "get").content = {
                kind: OpenAPIMediaType(schema=_TEXT) for kind in kinds
            }
    for path, item in (document.paths or {}).items():
        for verb in VERBS:
            if (operation := getattr(item, verb)) is not None:
                _add_problems(operation)
        if path.startswith("/api/v1/") and item.post is not None and path not in UNKEYED:
            item.post.parameters = [*(item.post.parameters or []), KEY]
    for schema in document.components.schemas.values():
        _mend_mappings(schema)
        _mend_tuples(schema)
    for path, media_type in TEXTS.items():
        if (document.paths or {}).get(path) is not None:
            _answer(document, path).content = {media_type: OpenAPIMediaType(schema=_TEXT)}


def _handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            yield route.path_format, handler


def _add_twin(document: OpenAPI, path: str, model: type[BaseModel], name: str, query: Sequence[str]) -> None:
    """The page's address with .json and the schema of its answer; a path that ends so already is not a page."""
    if path.endswith(".json"):
        return
    assert document.components is not None
    prefix = f"Page{name[:1].upper()}{name[1:]}"
    schema = model.model_json_schema(ref_template=f"{REF}{prefix}{{model}}", mode="serialization")
    # Litestar writes plain mappings into its document as they stand.
    schemas: dict[str, Any] = document.components.schemas
    schemas |= {f"{prefix}{part}": definition for part, definition in schema.pop("$defs", {}).items()}
    schemas[prefix] = schema
    answer = OpenAPIResponse(
        description="The page's content",
        content={"application/json": OpenAPIMediaType(schema=Reference(ref=REF + prefix))},
    )
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    operation = Operation(
        operation_id=f"get{name[:1].upper()}{name[1:]}Page", tags=["pages"], summary=f"JSON twin of {path}",
        responses={"200": answer},
        parameters=[
            *(Parameter(n, "path", Schema(type=OpenAPIType.STRING), required=True) for n in names),
            *(Parameter(n, "query", Schema(type=OpenAPIType.STRING)) for n in query),
        ],
    )  # fmt: skip
    document.paths = (document.paths or {}) | {(path.rstrip("/") or "/index") + ".json": PathItem(get=operation)}


def _add_form(document: OpenAPI, path: str, form: type[BaseModel]) -> None:
    """The form of a route that reads its own body."""
    operation = (document.paths or {})[path].post
    assert operation is not None
    assert document.components is not None
    schemas: dict[str, Any] = document.components.schemas
    schemas[form.__name__] = form.model_json_schema(ref_template=f"{REF}{{model}}")
    content = {"multipart/form-data": OpenAPIMediaType(schema=Reference(ref=REF + form.__name__))}
    operation.request_body = RequestBody(content=content, required=True)


def _add_file(document: OpenAPI, path: str, kinds: Collection[str]) -> None:
    """The file that a route takes as it stands."""
    operation = (document.paths or {})[path].post
    assert operation is not None
    anything = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
    operation.request_body = RequestBody(content=dict.fromkeys(sorted(kinds), anything), required=True)


def _add_parameters(document: OpenAPI, path: str, handler: BaseRouteHandler, listing: paging.Listing) -> None:
    if path.endswith(".json"):
        return  # they are put there for the page whose twin it is
    for verb in getattr(handler, "http_methods", ()):
        item = (document.paths or {}).get(path) or (document.paths or {}).get(f"{path}.json")
        operation: Operation | None = getattr(item, str(verb).lower(), None)
        if operation is not None:
            whole = "file" in handler.opt
            operation.parameters = [*(operation.parameters or []), *paging.parameters(listing, pages=not whole)]
            of, names = handler.opt.get("also", ("", ()))  # parameters that are described at another route
            others = (document.paths or {})[of].get if names else None
            operation.parameters += [p for p in (others and others.parameters) or [] if getattr(p, "name", "") in names]


def _add_problems(operation: Operation) -> None:
    operation.responses = operation.responses or {}
    content = {MEDIA_TYPE: OpenAPIMediaType(schema=Reference(ref=REF + "Problem"))}
    for status in DOCUMENTED:
        operation.responses[status] = OpenAPIResponse(description=HTTPStatus(int(status)).phrase, content=content)


def _answer(document: OpenAPI, path: str, verb: str = "get") -> OpenAPIResponse:
    operation: Operation | None = getattr((document.paths or {})[path], verb)
    assert operation is not None
    answer = (operation.responses or {})["200"]
    assert isinstance(answer, OpenAPIResponse)
    return answer


def _mend_mappings(schema: Schema) -> None:
    """Litestar writes a mapping with limits as an array of its keys and values; of arrays it says items, not lengths."""
    properties = schema.properties or {} if isinstance(schema, Schema) else {}
    for name, part in properties.items():
        if not isinstance(part, Schema) or part.type != OpenAPIType.ARRAY or part.min_length is part.max_length is None:
            continue
        assert isinstance(part.items, Schema)
        key, value = part.items.one_of or ()
        assert isinstance(key, Schema)
        properties[name] = Schema(
            type=OpenAPIType.OBJECT, description=part.description, default=part.default, additional_properties=value,
            property_names=DIGITS if key.type == OpenAPIType.INTEGER else None, min_properties=part.min_length,
            max_properties=part.max_length,
        )  # fmt: skip


def _mend_tuples(schema: Schema) -> None:
    """Litestar writes the dots of `tuple[X, ...]` as a second kind of item, which may be anything."""
    for part in (schema.properties or {}).values() if isinstance(schema, Schema) else ():
        items = part.items if isinstance(part, Schema) else None
        if isinstance(items, Schema) and items.one_of and Schema() in items.one_of:
            assert isinstance(part, Schema)
            [part.items] = [kind for kind in items.one_of if kind != Schema()]


_TEXT = Schema(type=OpenAPIType.STRING)
DIGITS = Schema(type=OpenAPIType.STRING, pattern="^[0-9]{1,9}$")
KEY = Parameter(
    "Idempotency-Key", "header", Schema(type=OpenAPIType.STRING, min_length=1, max_length=200, pattern="^[ -~]+$"),
    description="Any text of the caller: sent again within 24 hours it has one effect and the same answer",
)  # fmt: skip
PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    required=["type", "title", "status", "detail"],
    properties={
        "type": _TEXT, "title": _TEXT, "status": Schema(type=OpenAPIType.INTEGER), "detail": _TEXT,
        "errors": Schema(
            type=OpenAPIType.ARRAY,
            items=Schema(
                type=OpenAPIType.OBJECT, required=["field", "detail"], properties={"field": _TEXT, "detail": _TEXT}
            ),
        ),
    },
)  # fmt: skip

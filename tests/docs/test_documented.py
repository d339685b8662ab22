"""Every operation, parameter and field of the OpenAPI document says what it is, and fields.toml has no line too many."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.openapi.spec import Components, Info, OpenAPI, OpenAPIType, Reference, Schema, Server

from assets.app import Parts, routed
from assets.settings import load
from assets.web.description import VERBS
from assets.web.documented import OF_A_TYPE, Glossary, describe

TABLES = ("fields", "parameters", "schemas")
SHORTEST = 10
Document = dict[str, Any]


@pytest.fixture(scope="module")
def glossary() -> Glossary:
    """What the service below has looked into."""
    return Glossary.load()


@pytest.fixture(scope="module")
async def document(tmp_path_factory: pytest.TempPathFactory, glossary: Glossary) -> Document:
    """What the service answers at /schema/openapi.json once it has started."""
    settings = load(home=tmp_path_factory.mktemp("home"))
    app = routed(settings, Parts.make(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Glossary, "load", lambda: glossary)
        async with app.lifespan():
            return app.openapi_schema.to_schema()


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        yield from ((f"{verb} {path}", item[verb]) for verb in VERBS if verb in item)


def described(document: Document) -> Iterator[tuple[str, str, str]]:
    """All that has a description: where it stands, its name, and what it says."""
    for place, operation in operations(document):
        for one in operation.get("parameters", ()):
            words = one.get("description") or one.get("schema", {}).get("description") or ""
            yield f"{place}?{one['name']}", one["name"], words
    for key, schema in document["components"]["schemas"].items():
        yield key, key, schema.get("description", "")
        for name, part in schema.get("properties", {}).items():
            yield f"{key}.{name}", name, part.get("description", "")


def undocumented(document: Document) -> list[str]:
    """Where something does not say what it is."""
    silent = [place for place, operation in operations(document) if not operation.get("summary")]
    return silent + [place for place, _, words in described(document) if not words]


def says_nothing(document: Document) -> list[str]:
    """Where what is said is no more than the name, or Litestar's words for a type."""
    return [
        f"{place}: {words}"
        for place, name, words in described(document)
        if words and (len(words) < SHORTEST or words in (name, OF_A_TYPE))
    ]


def test_when_something_is_in_the_document_then_it_says_what_it_is(document: Document) -> None:
    assert undocumented(document) == [], "Say it in src/assets/web/fields.toml, or in the docstring of the model."
    assert says_nothing(document) == []


def test_when_a_route_takes_a_file_then_the_document_says_of_which_kinds(document: Document) -> None:
    taken = {
        path: set(document["paths"][path]["post"]["requestBody"]["content"])
        for path in ("/api/v1/imports", "/api/v1/agent-inventories", "/api/v1/attachments")
    }
    assert {"text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} < taken["/api/v1/imports"]
    assert {"application/xml", "application/json"} < taken["/api/v1/agent-inventories"]
    assert taken["/api/v1/attachments"] == {"multipart/form-data"}


def test_when_a_line_is_in_the_glossary_then_the_document_needs_it(document: Document, glossary: Glossary) -> None:
    lines = {(table, name) for table in TABLES for name in getattr(glossary, table)}
    assert sorted(lines - glossary.used) == []


def test_when_a_field_is_a_mapping_with_limits_then_the_document_says_so(document: Document) -> None:
    schemas = document["components"]["schemas"]
    said = schemas["ApproveIn"]["properties"]["approved"]
    assert (said["type"], said["additionalProperties"], said["maxProperties"]) == ("object", {"type": "integer"}, 20)
    lists = [part for schema in schemas.values() for part in schema.get("properties", {}).values()]
    assert not [part for part in lists if part.get("type") == "array" and part.keys() & {"minLength", "maxLength"}]


def test_when_something_new_says_nothing_then_it_is_found() -> None:
    fields: Document = {"old": {"description": "How old it is, in years"}}
    listing: Document = {"summary": "List", "parameters": [{"name": "q", "description": "Words to search for"}]}
    schemas: Document = {"Thing": {"description": "A thing of some kind", "properties": fields}}
    whole: Document = {"paths": {"/things": {"get": listing}}, "components": {"schemas": schemas}}
    assert undocumented(whole) == says_nothing(whole) == []

    fields |= {"new": {"type": "string"}, "linked": {"$ref": "#/components/schemas/Other"}}
    listing["parameters"].append({"name": "new", "schema": {"type": "string"}})
    schemas |= {"Other": {"type": "string"}, "some_schema": {"description": "some_schema"}}
    whole["paths"]["/things"]["post"] = {}
    assert undocumented(whole) == ["post /things", "get /things?new", "Thing.new", "Thing.linked", "Other"]
    assert says_nothing(whole) == ["some_schema: some_schema"]


def test_when_one_part_stands_in_two_models_then_each_says_its_own_and_nothing_else_changes() -> None:
    shared, own = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.STRING, description="Words of its own")
    schemas = {
        "One": Schema(properties={"kind": shared, "note": own}),
        "Two": Schema(properties={"kind": shared, "other": Reference("#/components/schemas/One")}),
    }
    whole = OpenAPI(info=Info("title", "1"), servers=[Server("/")], components=Components(schemas=schemas))
    glossary = Glossary({"kind": "Of all", "Two.kind": "Of two", "other": "Another one", "note": "Never needed"})
    describe(whole, glossary, {})
    assert whole.components is not None
    assert {key: schema.to_schema()["properties"] for key, schema in whole.components.schemas.items()} == {
        "One": {
            "kind": {"type": "string", "description": "Of all"},
            "note": {"type": "string", "description": "Words of its own"},
        },
        "Two": {
            "kind": {"type": "string", "description": "Of two"},
            "other": {"$ref": "#/components/schemas/One", "description": "Another one"},
        },
    }
    assert shared.description is None
    assert glossary.used == {("fields", "kind"), ("fields", "Two.kind"), ("fields", "other")}


def test_when_an_operation_has_parameters_then_each_stands_once(document: Document) -> None:
    for place, operation in operations(document):
        names = [(one["in"], one["name"]) for one in operation.get("parameters", ())]
        assert len(names) == len(set(names)), place

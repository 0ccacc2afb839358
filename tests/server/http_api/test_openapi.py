import json
import re

from scribe_server.http_api.openapi import document
from scribe_server.http_api.routes import TABLE


def test_every_route_is_described() -> None:
    described = document(TABLE)
    for route in TABLE:
        operation = described["paths"][route.path][route.method.lower()]
        assert operation["summary"] == route.summary
        assert ("security" in operation) == route.token
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert set(re.findall(r"\{(\w+)\}", route.path)) <= named


def test_every_reference_leads_to_a_schema() -> None:
    described = document(TABLE)
    schemas = described["components"]["schemas"]
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described))
    assert references
    assert set(references) <= set(schemas)


def test_schemas_use_the_names_of_the_wire() -> None:
    summary = document(TABLE)["components"]["schemas"]["SessionSummary"]
    assert "sessionId" in summary["properties"]

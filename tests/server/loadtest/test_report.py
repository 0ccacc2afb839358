import json
import re

import msgspec
import pytest

from scribe_server.loadtest import report
from tests.parts.loadtest import example_report
from tests.parts.processes import REPOSITORY


def test_a_report_survives_its_json() -> None:
    made = example_report()
    assert report.decode(report.encode(made)) == made


def test_the_documented_names_are_there() -> None:
    plain = json.loads(report.encode(example_report()))
    assert {"throughput", "success_rate", "latency", "memory", "disk", "lost"} <= set(plain)
    assert {"average", "p50", "p95", "p99", "p999"} <= set(plain["latency"])


def test_a_field_that_the_schema_does_not_know_or_lacks_is_refused() -> None:
    plain = json.loads(report.encode(example_report()))
    with pytest.raises(msgspec.ValidationError, match="extra"):
        report.decode(json.dumps({**plain, "extra": 1}).encode())
    del plain["lost"]
    with pytest.raises(msgspec.ValidationError, match="lost"):
        report.decode(json.dumps(plain).encode())


def fields(kind: type) -> set[str]:
    return {
        name
        for part in vars(report).values()
        if isinstance(part, type) and issubclass(part, kind)
        for name in part.__struct_fields__
    }


def test_the_document_names_every_field_of_the_schema() -> None:
    text = (REPOSITORY / "docs" / "SIMULATOR.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z0-9_.]+)`", text))
    named = {piece for word in words for piece in word.split(".")}
    assert fields(report.Part) - named == set()

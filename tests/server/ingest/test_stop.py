import pytest

from scribe_server.ingest.stop import is_well_formed, sealed
from scribe_server.protocol import Manifest, ManifestChunk, manifest_digest
from tests.parts.store import SESSION, manifest_of


@pytest.mark.parametrize(
    ("sequences", "well"),
    [([], True), ([0], True), ([0, 2, 9], True), ([0, 0], False), ([1, 0], False)],
)
def test_a_manifest_names_its_chunks_in_ascending_order_each_once(
    sequences: list[int], well: bool
) -> None:
    chunks = [ManifestChunk(number, "0" * 64, 0, 0) for number in sequences]
    assert is_well_formed(Manifest(SESSION, chunks, [], 0)) is well


def test_the_seal_is_the_canonical_text_with_the_wires_digest() -> None:
    manifest = manifest_of(3)
    body, digest = sealed(manifest)
    assert digest == manifest_digest(manifest)
    assert body.startswith(b'{"chunks":[{"firstSample":0,"samples":1440000,"sequence":0,"sha256":')

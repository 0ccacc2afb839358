from collections.abc import Callable

import pytest

from scribe_desktop.capture.held import NoSpool
from scribe_desktop.model import Gap, Marker
from scribe_desktop.spool import FailureKind, SpoolFailureError
from tests.parts.filled_spool import new_chunk, new_session, session_id_of

ONE = session_id_of(1)


@pytest.mark.parametrize(
    "call",
    [
        lambda spool: spool.create_session(new_session(ONE)),
        lambda spool: spool.add_chunk(new_chunk(ONE, 0)),
        lambda spool: spool.add_gap(ONE, Gap(0, 0, "pause", 0)),
        lambda spool: spool.add_marker(ONE, Marker(0, "", 0)),
        lambda spool: spool.set_paused(ONE, True),
        lambda spool: spool.end_session(ONE, ended_at=0),
    ],
    ids=["session", "chunk", "gap", "marker", "pause", "end"],
)
def test_without_a_spool_nothing_counts_as_kept(call: Callable[[NoSpool], None]) -> None:
    with pytest.raises(SpoolFailureError) as caught:
        call(NoSpool())
    assert caught.value.kind is FailureKind.IO

from pathlib import Path

from scribe_desktop.spool import Spool
from tests.bench import spool_rows
from tests.bench.rounds import Bench


def test_the_filled_spool_is_one_that_the_program_could_have_made(tmp_path: Path) -> None:
    spool_rows.fill(tmp_path, 250)
    spool = Spool.open(tmp_path)

    assert spool.pending() == 250
    assert [session.chunks for session in spool.sessions()] == [10, 120, 120]
    first = spool.next_unsent(1)[0]
    assert first.sequence == 0
    assert len(spool.chunk_data(first.session_id, 0)) == spool_rows.SIZE


def test_every_operation_is_measured(tmp_path: Path) -> None:
    result = spool_rows.run(Bench("tiny", tmp_path, lambda _: None))

    assert len(result.rows) == 7
    assert result.figures[0].measured.median == result.rows[0].values["ms"].median
    whole, imports = (row.values["ms"].median for row in result.rows[-2:])
    assert 0 < imports < whole

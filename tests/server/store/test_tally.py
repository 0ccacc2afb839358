from pathlib import Path

import pytest
from sqlalchemy import insert, select

from scribe_server.store.database import Database
from scribe_server.store.schema import segments, usage, users
from scribe_server.store.tally import add_to_segment, add_usage, month_of

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("now", "month"),
    [(0, "1970-01"), (1_704_067_199_999, "2023-12"), (1_704_067_200_000, "2024-01")],
)
def test_months_are_those_of_utc(now: int, month: str) -> None:
    assert month_of(now) == month


def test_a_segments_end_only_grows_and_its_live_records_are_summed(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db")
    with database.transaction() as connection:
        for end, live in ((100, 2), (0, -1), (300, 3)):
            add_to_segment(connection, 1, end, live, NOW)
        row = connection.execute(select(segments)).one()
        assert (row.end, row.live) == (300, 4)
    database.close()


def test_usage_is_summed_per_owner_and_month(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db")
    with database.transaction() as connection:
        connection.execute(insert(users), [{"name": n, "created_at": 0} for n in ("anna", "ben")])
        add_usage(connection, [(1, 10), (2, 5), (1, 20)], NOW)
        add_usage(connection, [(1, 1)], NOW)
        add_usage(connection, [(1, 7)], NOW + 30 * 86_400_000)
        add_usage(connection, [], NOW)
        rows = connection.execute(select(usage).order_by(usage.c.owner, usage.c.month)).all()
        assert [tuple(row) for row in rows] == [
            (1, "2023-11", 31, 3),
            (1, "2023-12", 7, 1),
            (2, "2023-11", 5, 1),
        ]
    database.close()

from scribe_server.store.schema import HEAD, REVISIONS, metadata


def test_every_table_belongs_to_a_user_a_session_or_the_store_itself() -> None:
    own = {"users", "segments", "jobs", "retention_runs"}
    for table in metadata.sorted_tables:
        assert table.name in own or {"owner", "session"} & set(table.c.keys()), table.name


def test_the_last_revision_is_the_head_and_none_is_there_twice() -> None:
    assert REVISIONS[-1] == HEAD
    assert len(set(REVISIONS)) == len(REVISIONS)

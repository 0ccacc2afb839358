from scribe_desktop.model import SyncState, SyncStatus
from scribe_desktop.sync.events import Facts, Link
from scribe_desktop.sync.report import Report
from scribe_desktop.sync.target import ServerTarget


def test_each_status_is_published_once() -> None:
    published: list[SyncStatus] = []
    report = Report(published.append)
    report.publish(Facts(pending=2))
    report.publish(Facts(pending=2))
    report.publish(Facts(pending=1))
    assert [status.pending for status in published] == [2, 1]


def test_the_status_names_the_server_and_the_next_attempt() -> None:
    published: list[SyncStatus] = []
    report = Report(published.append)
    report.target = ServerTarget("https://scribe.example", "t")
    report.retry_at = 500
    report.publish(Facts(enabled=True))
    report.publish(Facts(enabled=True, link=Link.UP))
    assert [(s.server, s.local, s.retry_at) for s in published] == [
        ("https://scribe.example", False, 500),
        ("https://scribe.example", False, None),
    ]


def test_a_block_always_has_words() -> None:
    report = Report(lambda _: None)
    report.publish(Facts(blocked="unauthorized"))
    assert report.status.state is SyncState.ERROR
    assert report.status.error_code == "unauthorized"
    assert report.status.error.startswith("Sign in")
    report.no_error()
    report.publish(Facts())
    assert (report.status.error_code, report.status.error) == ("", "")


def test_only_an_error_that_was_a_hold_ends_with_the_hold() -> None:
    report = Report(lambda _: None)
    report.error("storage_full")
    report.no_hold()
    report.publish(Facts())
    assert report.status.error_code == ""

    report.error("hash_mismatch")
    report.no_hold()
    report.publish(Facts(pending=1))
    assert report.status.error_code == "hash_mismatch"

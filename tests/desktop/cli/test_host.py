import contextlib
from collections.abc import Iterator

import pytest

from scribe_desktop.app import App
from scribe_desktop.cli import host as host_module
from scribe_desktop.cli.host import OwnHost, RunningHost, Work, is_owned, running_host, working
from scribe_desktop.cli.shell import Shell, open_shell
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.errors import SpoolError, UsageError
from scribe_desktop.spool import SpoolLock
from tests.parts.fake_app_parts import Made


@pytest.fixture
def shell(environ: dict[str, str], made: Made) -> Shell:
    opened = open_shell(environ)
    opened.paths.ensure()
    return opened


@pytest.fixture
def owner(environ: dict[str, str], shell: Shell) -> Iterator[App]:
    app = App(shell.settings, shell.paths, MemoryCredentials(), environ={}, parts=Made().parts())
    app.start()
    yield app
    app.stop()


def test_without_an_owner_this_process_does_the_work(shell: Shell, made: Made) -> None:
    assert running_host(shell) is None
    with Work(shell) as work:
        assert work.is_own
        assert isinstance(work.host, OwnHost)
        assert work.host.ask("status")["running"]
        assert is_owned(shell)
    assert not is_owned(shell)
    assert made.sync.calls[-1] == "stop"


def test_with_an_owner_it_does_the_work(shell: Shell, owner: App) -> None:
    with Work(shell) as work:
        assert not work.is_own
        assert isinstance(work.host, RunningHost)
        session_id = work.host.ask("record")["sessionId"]
    assert owner.capture.session_id == session_id


def test_when_the_owner_has_ended_this_process_takes_over(shell: Shell, owner: App) -> None:
    with Work(shell) as work:
        owner.stop()
        work.take_over()
        assert work.is_own


def test_another_server_than_the_owners_is_refused(
    environ: dict[str, str], shell: Shell, owner: App
) -> None:
    with pytest.raises(UsageError, match="delivers to local"):
        Work(open_shell(environ, server="https://scribe.example"))
    assert running_host(open_shell(environ, server="local")) is not None


def test_an_owner_that_never_answers_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "OWNER_STARTS_S", 0.0)
    with (
        SpoolLock.acquire(shell.paths.owner_lock),
        pytest.raises(SpoolError, match="already open"),
    ):
        Work(shell)


def test_this_process_stays_while_something_is_recorded(shell: Shell, made: Made) -> None:
    with working(shell) as (work, interrupts):
        work.host.ask("record")
        interrupts._came.set()
        work.wait_until_idle(interrupts)
    assert made.recorder.calls.count("stop") == 1


def test_work_keeps_a_log(shell: Shell) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(working(shell))
    assert "started" in shell.paths.log_file.read_text()

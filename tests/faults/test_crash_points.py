"""A process ends at each named point and is started again: nothing is lost, all comes to an end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crash_points.drills import drill
from tests.faults.crash_points.judging import judge_live
from tests.faults.crash_points.nursery import Nursery
from tests.faults.crash_points.points import CRASHED, FIRED, Life, Point, resolve
from tests.faults.crash_points.table import POINTS
from tests.faults.model.machine import memory_folder

pytestmark = [pytest.mark.logs_errors, pytest.mark.timeout(120)]
LIVE = [point for point in POINTS.values() if point.life in {Life.LIVE_CLIENT, Life.LIVE_SERVER}]
ALONE = [point for point in POINTS.values() if point not in LIVE]


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery") / "log") as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    made = memory_folder()
    yield made
    shutil.rmtree(made)


def test_every_point_names_a_function_that_is_there() -> None:
    for point in POINTS.values():
        for target in filter(None, (point.target, point.within)):
            owner, name = resolve(target)
            assert callable(getattr(owner, name)), target


@pytest.mark.parametrize("point", ALONE, ids=lambda point: point.name)
def test_a_process_that_ends_there_loses_nothing(
    point: Point, nursery: Nursery, folder: Path
) -> None:
    crashes = drill(nursery, folder, point)
    assert (folder / FIRED).read_text().splitlines() == crashes
    assert crashes[-1] == point.name


@pytest.mark.real
@pytest.mark.parametrize("point", LIVE, ids=lambda point: point.name)
def test_who_ends_there_is_started_again_while_the_other_one_lives_on(
    point: Point, nursery: Nursery, folder: Path
) -> None:
    assert nursery.live_on(folder, point.name) == [CRASHED, 0]
    assert (folder / FIRED).read_text() == point.name + "\n"
    judge_live(folder)


@pytest.mark.parametrize(
    ("bug", "point", "finding"),
    [
        ("ack_before_commit", "ack heard, not noted", "acked, not stored"),
        ("journal_trimmed_before_commit", "chunk encoded, not in the spool", "promised are there"),
        ("journal_removed_before_recovery", "recovery: before the chunk", "promised are there"),
        ("audio_deleted_before_it_is_marked", "audio about to be marked", "nothing says so"),
        ("bytes_wiped_before_the_tombstone", "deletion asked for, not recorded", "damaged"),
    ],
)
def test_a_bug_that_is_put_in_is_found_there(
    bug: str, point: str, finding: str, nursery: Nursery, folder: Path
) -> None:
    with pytest.raises(AssertionError, match=finding):
        drill(nursery, folder, POINTS[point], bug)
    assert (folder / FIRED).exists()


def test_a_process_that_does_not_reach_its_point_is_not_counted_as_crashed(
    nursery: Nursery, folder: Path
) -> None:
    assert nursery.live(folder, Life.RECOVER, "recovery: chunk committed") == 0
    assert not (folder / FIRED).exists()

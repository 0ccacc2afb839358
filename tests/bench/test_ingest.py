from tests.bench.figures import Runs
from tests.bench.ingest import DISK, NODE, OURS, POSTGRES, SERVERS, SOCKETIO, THIN, TUS, result


def made_up(chunks_s: dict[str, float], cpu_us: dict[str, float]) -> Runs:
    """Two rounds; in the second the machine is half as fast for everybody."""
    names = [*SERVERS, DISK]
    rest = {"p50": 1.0, "p99": 2.0, "peak_mb": 90.0, "errors": 0.0}
    fast, dear = 500.0, 900.0
    return {
        name: [
            {"chunks_s": chunks_s.get(name, fast) / slow, "cpu_us": cpu_us.get(name, dear), **rest}
            for slow in (1, 2)
        ]
        for name in names
    }


RUNS = made_up(
    {OURS: 4000, POSTGRES: 1000, TUS: 800, NODE: 5000, DISK: 25_000},
    {OURS: 250, POSTGRES: 1500, SOCKETIO: 150, THIN: 25},
)


def test_each_figure_compares_ours_with_what_its_goal_names() -> None:
    measured = {figure.goal.figure: figure.measured.median for figure in result(RUNS).figures}
    assert measured == {"1a": 4.0, "1b": 5.0, "1c": 0.8, "1d": 250 / 1500, "1e": 16.0}


def test_a_slow_round_changes_no_ratio() -> None:
    assert all(figure.measured.low == figure.measured.high for figure in result(RUNS).figures)


def test_the_notes_say_what_the_transport_costs_and_what_a_thinner_one_would_save() -> None:
    cost, saving = result(RUNS).notes
    assert "150 µs per chunk, 60 % of Scribe's 250 µs" in cost
    assert "up to 125 µs per chunk, and leave 125 µs" in saving


def test_the_picture_has_every_server_and_not_the_disk() -> None:
    (speed, _) = result(RUNS).plots
    assert [series.name for series in speed.series] == list(SERVERS)


def test_the_throughput_stands_beside_the_claim() -> None:
    (claim,) = result(RUNS).claims
    assert (claim.original, claim.ours.split(",")[0]) == ("500 KB/s", "300 000 KB/s")

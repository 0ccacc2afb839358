"""Which limits a run is held against (pure): stated ones, and those that a scenario implies."""

from scribe_server.loadtest.job import Counts
from scribe_server.loadtest.options import MB, OVERLOAD_GROWTH_MB, Options
from scribe_server.loadtest.report import Herd, Latency, Limit, Memory, Receipts
from scribe_server.loadtest.verify import Proof


def at_most(name: str, value: float | None, limit: float) -> Limit:
    """A value that may not be higher; one that is not known does not hold."""
    return Limit(f"{name}_at_most", limit, value, held=value is not None and value <= limit)


def at_least(name: str, value: float | None, limit: float) -> Limit:
    """A value that may not be lower; one that is not known does not hold."""
    return Limit(f"{name}_at_least", limit, value, held=value is not None and value >= limit)


def limits(
    options: Options,
    counts: Counts,
    *,
    proof: Proof,
    latency: Latency,
    memory: Memory | None,
    receipts: Receipts,
    herd: Herd | None,
) -> list[Limit]:
    """All limits of a run and whether they held."""
    found = [
        at_most("lost", len(proof.lost), 0),
        at_most("unexpected_rows", proof.unexpected, 0),
        at_most("stored_twice", counts.stored_twice, 0),
        at_least("receipts_valid", receipts.valid, receipts.asked),
        at_least("acked", counts.acked, counts.recorded),
    ]
    if options.max_p99_ms is not None:
        found.append(at_most("latency_p99_ms", latency.p99, options.max_p99_ms))
    if options.max_rss_mb is not None:
        peak = None if memory is None else memory.peak_bytes / MB
        found.append(at_most("rss_peak_mb", peak, options.max_rss_mb))
    return found + _of_scenario(options, counts, memory, herd)


def _of_scenario(
    options: Options, counts: Counts, memory: Memory | None, herd: Herd | None
) -> list[Limit]:
    """The trouble must really have happened, and must have done no harm."""
    scenario = options.scenario
    found = []
    if scenario.overload:
        grown = None if memory is None else (memory.peak_bytes - memory.start_bytes) / MB
        found.append(at_least("told_to_hold", counts.told_to_hold, 1))
        found.append(at_most("rss_growth_mb", grown, OVERLOAD_GROWTH_MB))
    if scenario.drop_network:
        found.append(at_least("connections_cut", counts.cut, min(2, counts.recorded)))
    if scenario.replay:
        found.append(at_least("acked_as_duplicates", counts.acked_as_duplicates, 1))
    if scenario.herd:
        back, sending, to_send = (
            (0, 0, 1) if herd is None else (herd.back, herd.sending, herd.to_send)
        )
        found.append(at_least("herd_back", back, scenario.herd))
        found.append(at_least("herd_sending", sending, to_send))
    return found

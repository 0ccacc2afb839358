"""The last lines of a run, for people (pure)."""

from collections.abc import Iterator

from scribe_server.loadtest.report import Report

_MB = 1_000_000


def closing_words(report: Report) -> Iterator[str]:
    """What matters of a report, a line each; the verdict comes last."""
    through, latency = report.throughput, report.latency
    yield (
        f"{through.chunks} of {report.total_chunks} chunks acknowledged in "
        f"{through.seconds:.1f} s: {through.chunks_per_s:g} chunks/s, {through.kb_per_s:g} KB/s"
    )
    yield (
        f"Latency, ms: average {_number(latency.average)}, p50 {_number(latency.p50)}, "
        f"p95 {_number(latency.p95)}, p99 {_number(latency.p99)}, p99.9 {_number(latency.p999)}"
    )
    yield from _server(report)
    yield from _trouble(report)
    yield f"{report.lost} of {report.total_chunks} lost"
    receipts = report.receipts
    yield f"{receipts.valid} of {receipts.asked} receipts valid"
    for limit in report.limits:
        if not limit.held:
            yield f"NOT HELD: {limit.name} {limit.limit:g} (it was {_number(limit.value)})"
    yield "passed" if report.passed else "FAILED"


def _server(report: Report) -> Iterator[str]:
    memory, disk, server = report.memory, report.disk, report.server
    if memory is not None:
        yield (
            f"Server memory, MB: {memory.start_bytes / _MB:.1f} at the start, "
            f"{memory.peak_bytes / _MB:.1f} at the most"
        )
    if disk is not None:
        yield (
            f"Server disk, MB: segments {disk.segments_bytes / _MB:.1f}, database "
            f"{disk.database_bytes / _MB:.1f}, other {disk.other_bytes / _MB:.1f}"
        )
    generator = report.generator
    if server.cpu_us_per_chunk is not None:
        yield (
            f"CPU a chunk, µs: server {server.cpu_us_per_chunk:g}, generator "
            f"{_number(generator.cpu_us_per_chunk)}; schedule slip p99 "
            f"{_number(generator.schedule_slip_p99_ms)} ms"
        )


def _trouble(report: Report) -> Iterator[str]:
    pressure, twice, links = report.backpressure, report.duplicates, report.connections
    if pressure.told:
        yield (
            f"Backpressure: {pressure.told} times told to hold, "
            f"{pressure.seconds:g} session seconds"
        )
    if twice.sent_again:
        yield (
            f"Sent again: {twice.sent_again}, acknowledged as duplicates: "
            f"{twice.acked_as_duplicates}, stored twice: {twice.stored_twice}"
        )
    if links.cut or links.lost:
        yield f"Connections: {links.made} made, {links.cut} cut on purpose, {links.lost} lost"
    if (herd := report.herd) is not None:
        yield (
            f"Herd: {herd.back} of {herd.size} connected again after "
            f"{_number(herd.seconds_until_all_connected)} s (peak {herd.connects_per_s_peak} "
            f"connects/s), {herd.sending} of {herd.to_send} sending after "
            f"{_number(herd.seconds_until_all_sending)} s"
        )
    if report.errors:
        listed = ", ".join(f"{code} {times}" for code, times in report.errors.items())
        yield f"Errors: {listed}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"

"""From what was counted and seen to the report (pure)."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from scribe_server import __version__
from scribe_server.loadtest import report
from scribe_server.loadtest.crew import total
from scribe_server.loadtest.herd import peak_per_second
from scribe_server.loadtest.job import Counts, HerdTimes, Result
from scribe_server.loadtest.latency import percentile, summary
from scribe_server.loadtest.limits import limits
from scribe_server.loadtest.observe import slope_per_hour
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.verify import Proof

SHORTEST_FOR_A_SLOPE_S = 60.0


@dataclass(frozen=True)
class Seen:
    """What was seen of the server: all samples, and those that the report keeps."""

    samples: Sequence[report.Snapshot] = ()
    kept: Sequence[report.Snapshot] = ()


@dataclass(frozen=True)
class Outcome:
    """All that a run has brought. `chunk_bytes` is the average of the variants."""

    options: Options
    started_at: str
    machine: report.Machine
    results: Sequence[Result]
    seen: Seen
    proof: Proof
    chunk_bytes: int
    counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        """Add up what the workers counted."""
        object.__setattr__(self, "counts", total([result.counts for result in self.results]))

    def to_report(self) -> report.Report:
        """The report, with the limits and whether they held."""
        counts = self.counts
        latency = summary(self._times("latencies"))
        memory = memory_of(self.seen.samples)
        receipts = report.Receipts(
            asked=sum(one.asked_for_receipt for result in self.results for one in result.sessions),
            valid=self.proof.receipts_valid,
        )
        herd = herd_of([result.herd for result in self.results])
        held = limits(
            self.options,
            counts,
            proof=self.proof,
            latency=latency,
            memory=memory,
            receipts=receipts,
            herd=herd,
        )
        return report.Report(
            schema=report.SCHEMA,
            version=__version__,
            started_at=self.started_at,
            load=self._load(),
            machine=self.machine,
            total_chunks=counts.recorded,
            acked=counts.acked,
            lost=len(self.proof.lost),
            success_rate=round(counts.acked / counts.recorded, 6) if counts.recorded else None,
            throughput=self._throughput(),
            latency=latency,
            memory=memory,
            disk=disk_of(self.seen.samples),
            snapshots=list(self.seen.kept),
            backpressure=report.BackpressureSeen(counts.told_to_hold, round(counts.held_s, 3)),
            duplicates=report.Duplicates(
                counts.sent_again, counts.acked_as_duplicates, counts.stored_twice
            ),
            connections=report.Connections(
                made=counts.connections,
                cut=counts.cut,
                lost=max(0, counts.lost_connections - counts.cut),
                failed_attempts=counts.failed_attempts,
            ),
            herd=herd,
            errors=dict(sorted(counts.errors.items())),
            receipts=receipts,
            verification=self._verification(),
            server=self._server(),
            generator=self._generator(),
            limits=held,
            passed=all(limit.held for limit in held),
        )

    def _load(self) -> report.Load:
        options = self.options
        plan = options.plan
        return report.Load(
            sessions=plan.sessions,
            pace=plan.pace.value,
            interval_s=round(plan.interval_s, 6),
            chunks_per_session=plan.chunks,
            seconds=plan.seconds,
            rate=plan.rate,
            chunk_bytes=self.chunk_bytes,
            chunk_kind="opus" if options.chunk_bytes is None else "synthetic",
            processes=options.processes,
            seed=plan.seed,
            scenarios=options.scenario.names(),
            user_id=options.user_id,
            own_server=options.url is None,
        )

    def _throughput(self) -> report.Throughput:
        firsts = [result.first_due for result in self.results if result.first_due is not None]
        lasts = [result.last_ack for result in self.results if result.last_ack is not None]
        seconds = max(lasts) - min(firsts) if firsts and lasts else 0.0
        counts = self.counts
        return report.Throughput(
            seconds=round(seconds, 3),
            chunks=counts.acked,
            bytes=counts.acked_bytes,
            chunks_per_s=round(counts.acked / seconds, 1) if seconds else 0.0,
            kb_per_s=round(counts.acked_bytes / 1000 / seconds, 1) if seconds else 0.0,
        )

    def _verification(self) -> report.Verification:
        proof = self.proof
        sessions = sum(bool(one.recorded) for result in self.results for one in result.sessions)
        return report.Verification(sessions, proof.rows, proof.bodies, proof.unexpected)

    def _server(self) -> report.Server:
        own, server_id = self.options.url is None, self.proof.server_id
        samples, acked = self.seen.samples, self.counts.acked
        if len(samples) < 2:
            return report.Server(own, server_id, None, None, None)
        cpu_s = samples[-1].cpu_s - samples[0].cpu_s
        seconds = samples[-1].at_s - samples[0].at_s
        return report.Server(
            own=own,
            server_id=server_id,
            cpu_s=round(cpu_s, 3),
            cpu_us_per_chunk=round(cpu_s * 1e6 / acked, 1) if acked else None,
            cores=round(cpu_s / seconds, 3) if seconds else None,
        )

    def _generator(self) -> report.Generator:
        cpu_s = sum(result.cpu_s for result in self.results)
        slips = sorted(self._times("slips"))
        late, latest = percentile(slips, 0.99), percentile(slips, 1.0)
        return report.Generator(
            processes=len(self.results),
            cpu_s=round(cpu_s, 3),
            cpu_us_per_chunk=round(cpu_s * 1e6 / self.counts.acked, 1)
            if self.counts.acked
            else None,
            schedule_slip_p99_ms=None if late is None else round(late, 3),
            schedule_slip_max_ms=None if latest is None else round(latest, 3),
        )

    def _times(self, name: str) -> "array[float]":
        values = array("d")
        for result in self.results:
            values.frombytes(getattr(result, name))
        return values


def memory_of(samples: Sequence[report.Snapshot]) -> report.Memory | None:
    """Memory at the start, at its peak, at the end; the slope over the later half of a long run."""
    if not samples:
        return None
    later = [sample for sample in samples if sample.at_s >= samples[-1].at_s / 2]
    is_long = samples[-1].at_s >= SHORTEST_FOR_A_SLOPE_S
    slope = slope_per_hour([(one.at_s, one.rss_bytes) for one in later]) if is_long else None
    return report.Memory(
        start_bytes=samples[0].rss_bytes,
        peak_bytes=max(sample.rss_bytes for sample in samples),
        end_bytes=samples[-1].rss_bytes,
        slope_bytes_per_hour=None if slope is None else round(slope),
    )


def disk_of(samples: Sequence[report.Snapshot]) -> report.Disk | None:
    """Disk by kind at the end, and the most of all together."""
    uses = [
        (one.segments_bytes, one.database_bytes, one.other_bytes)
        for one in samples
        if one.segments_bytes is not None
        and one.database_bytes is not None
        and one.other_bytes is not None
    ]
    return report.Disk(*uses[-1], peak_bytes=max(sum(use) for use in uses)) if uses else None


def herd_of(herds: Sequence[HerdTimes]) -> report.Herd | None:
    """What became of the herd; None when nothing was cut."""
    cuts = [herd.cut_at for herd in herds if herd.cut_at is not None]
    if not cuts:
        return None
    cut_at = min(cuts)
    size = sum(herd.size for herd in herds)
    connected = [moment for herd in herds for moment in herd.connected_at]
    sending = [moment for herd in herds for moment in herd.sending_at]
    to_send = sum(herd.to_send for herd in herds)
    return report.Herd(
        size=size,
        back=len(connected),
        to_send=to_send,
        sending=len(sending),
        connects_per_s_peak=peak_per_second(connected),
        seconds_until_all_connected=_last(connected, size, cut_at),
        seconds_until_all_sending=_last(sending, to_send, cut_at),
    )


def _last(moments: Sequence[float], expected: int, since: float) -> float | None:
    """Seconds until the last one; None when one is missing."""
    return round(max(moments) - since, 3) if moments and len(moments) == expected else None

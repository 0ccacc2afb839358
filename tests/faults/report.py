"""docs/RELIABILITY.md out of the results. Pure: the same results give the same page."""

from collections.abc import Iterable, Sequence

from tests.faults.drill import Drill
from tests.faults.results import Result, Results
from tests.faults.soak.run import Soaked

HEAD = """\
# Reliability

*This page is written by `make drills`: please change `tests/faults/`, not this page.*

Every fault below is made to happen to the real programs: a real server, and a real spool with the
engine that delivers it. A drill counts only when its fault is proved to have fired, and then all of
this must hold:

1. What the spool promised to keep is in the spool or on the server.
2. What was acknowledged is on the server with the same SHA-256. This is looked at before the client
   can heal anything.
3. Every chunk equals its source byte by byte; none is there twice; no session has a hole.
4. Everything is delivered once the fault is over, and every session has a valid signed receipt.
5. `integrity_check` and `foreign_key_check` are clean on both databases, and the server's doctor,
   which hashes every stored chunk again, finds nothing.
6. No descriptor, temporary file or process is left behind, and no log holds a traceback.

"Recovery" is the time from the end of the fault to the next acknowledged chunk: median, and worst.
"""


SOAK_HEAD = """\
## An hour under a random nemesis

`make soak` records a (virtual) microphone and a sound file in real time while many more clients
send a chunk of 120 KB every 30 s, all to one server, and faults happen at random. The processes
whose memory is watched are not killed in the second half. In the end everything is compared.
"""


def render(drills: Sequence[Drill], results: Results, soaked: Soaked | None) -> str:
    """The page."""
    found = {result.name: result for result in results.results}
    parts = [HEAD, _summary(results), f"Machine: {results.machine}.\n"]
    for group in dict.fromkeys(drill.group for drill in drills):
        members = [drill for drill in drills if drill.group == group]
        parts += [f"## {group}\n", _table(members, found)]
        parts += _notes(members, found)
    parts += soak_section(soaked)
    return "\n".join(parts)


def _summary(results: Results) -> str:
    run = [result for result in results.results if result.state != "not run here"]
    if not run:
        return "No drill has been run yet.\n"
    lost = sum(result.state == "violated" for result in run)
    last = max(result.at for result in run)
    verdict = "all invariants held" if not lost else f"**{lost} of them broke an invariant**"
    return (
        f"Last run: {last}. {len(run)} drills, {number(sum(r.injected for r in run))} faults,"
        f" {number(sum(r.chunks for r in run))} chunks compared: {verdict}.\n"
    )


def _table(drills: Iterable[Drill], found: dict[str, Result]) -> str:
    lines = [
        "| Fault | Times | Chunks | Outcome | Recovery | Day | Command |",
        "|---|---|---|---|---|---|---|",
    ]
    for drill in drills:
        cells = _cells(found.get(drill.name))
        command = f"`make drills ONLY={drill.name}`"
        lines.append("| " + " | ".join((drill.fault, *cells, command)) + " |")
    return "\n".join(lines) + "\n"


def _cells(result: Result | None) -> tuple[str, ...]:
    if result is None:
        return ("", "", "not run yet", "", "")
    if result.state != "held":
        return ("", "", result.state, "", result.at)
    recovery = ""
    if result.recovery_ms is not None:
        typical, worst = result.recovery_ms
        recovery = f"{seconds(typical)}, {seconds(worst)}"
    return (number(result.injected), number(result.chunks), "held", recovery, result.at)


def _notes(drills: Iterable[Drill], found: dict[str, Result]) -> list[str]:
    notes = []
    for drill in drills:
        result = found.get(drill.name)
        if result is not None and result.note:
            first = result.note.strip().splitlines()[-1]
            notes.append(f"- {drill.fault}: {first}")
    return ["\n".join(notes) + "\n"] if notes else []


def soak_section(soaked: Soaked | None) -> list[str]:
    """The long run."""
    parts = [SOAK_HEAD]
    if soaked is None:
        return [*parts, "Not run yet.\n"]
    rows = [f"| {fault} | {times} |" for fault, times in soaked.faults.items()]
    parts.append("\n".join(["| Fault | Times |", "|---|---|", *rows]) + "\n")
    worst = max(soaked.lost_ms)
    facts = [
        f"{soaked.at}: {soaked.minutes:g} minutes, {soaked.clients} clients, seed {soaked.seed}.",
        f"{number(soaked.chunks)} chunks compared with their source, 0 lost.",
        _sound(soaked),
        f"{len(soaked.lost_ms)} lives of the killed recorder: at most {worst} ms of sound lost.",
    ]
    facts += [
        f"{growth.name.capitalize()}: {growth.memory_mb:.0f} MB, {growth.memory_percent:+.2f} %/h;"
        f" {growth.descriptors} descriptors, {growth.descriptors_percent:+.2f} %/h"
        f" (second half of {growth.minutes:.0f} minutes)."
        for growth in soaked.growths
    ]
    parts.append("\n".join(f"- {fact}" for fact in facts) + "\n")
    return [*parts, f"{soaked.note}\n"] if soaked.note else parts


def _sound(soaked: Soaked) -> str:
    return (
        f"Microphone: {number(soaked.samples)} samples, {number(soaked.differing)} differ from"
        " what was played; no gap; the export decodes bit for bit as one continuous encode."
    )


def number(value: int) -> str:
    """A number with thousands set apart."""
    return f"{value:,}".replace(",", " ")


def seconds(ms: int) -> str:
    """Milliseconds, as seconds from one second on."""
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def line(result: Result) -> str:
    """What the command line says as a drill ends."""
    if result.state != "held":
        return f"{result.state}: {result.name} (seed {result.seed}): {result.note}"
    text = f"held: {result.name}: {result.injected} times, {result.chunks} chunks"
    if result.recovery_ms is not None:
        typical, worst = result.recovery_ms
        text += f", recovery {seconds(typical)}, at worst {seconds(worst)}"
    return f"{text} ({result.seconds} s, seed {result.seed})"

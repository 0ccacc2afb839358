"""The other side is paused, gone without a word, out of reach, or somebody else."""

from typing import Final

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.line import connections_of, limit_s, over_a_tunnel, ready
from tests.faults.packets import HOLE
from tests.faults.rig import Rig
from tests.parts.network import Network
from tests.parts.processes import wait_until
from tests.parts.proof import rest
from tests.parts.server import ServerProcess

GROUP: Final = "Network"
REAP_S: Final = 60
"""The server pings every 25 s and waits 20 s for the answer."""
RESUME_S: Final = 3.0
"""Attempts that are refused at once begin 1.2 to 1.6 s apart."""
STRANGER_S: Final = 8.0
"""A stranger is asked for its name every 5 s."""
RESETS: Final = 5


def behind_a_proxy(round_: Round) -> tuple[Rig, Network]:
    """A server, and a feeder that reaches it through a proxy that can be cut."""
    rig = Rig(round_, rate=20)
    network = round_.cleanup.enter_context(Network(rig.server.url))
    rig.url = network.url
    rig.start_feeder()
    return rig, network


def paused_server(round_: Round) -> Outcome:
    """SIGSTOP: its kernel goes on to accept connections, and nobody answers on them."""
    rig = Rig(round_, rate=20)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.2, 1.0)
        rig.server.pause()
        rig.sleep(1, 3 if round_.quick else 12)
        began = now_ms()
        rig.sleep(0.2, 0.3)
        must_hold(rig.acked_after(began) is None, "a stopped server acknowledged a chunk")
        rig.server.resume()
        rig.recovered(now_ms())
    return rig.ended(round_.times)


def vanished_server(round_: Round) -> Outcome:
    """Its computer loses its power: no FIN, no RST, nobody there; then it starts again."""
    rig, tunnel = over_a_tunnel(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.2, 1.0)
        swallowed = tunnel.down.counts.swallowed
        tunnel.set(HOLE)
        rig.server.kill()
        rig.sleep(0.5, 4 if round_.quick else 12)
        must_hold(tunnel.down.counts.swallowed > swallowed, "the client heard of the end")
        rig.server.start()
        rig.check_acked()
        tunnel.clear()
        rig.recovered(now_ms())
    return rig.ended(round_.times)


def vanished_client(round_: Round) -> Outcome:
    """Its computer loses its power; the server lets go of what is left of the connection.

    In a full run the client stays away until the server has noticed by itself.
    """
    rig, tunnel = over_a_tunnel(round_)
    tunnel.forget_soon()
    reaped_ms: list[int] = []
    for _ in range(round_.times):
        began = now_ms()
        rig.start_feeder()
        rig.recovery_ms.append(rig.wait_for_ack(began))
        rig.sleep(0.2, 1.0)
        tunnel.set(HOLE)
        rig.kill_feeder()
        wait_until(lambda: not tunnel.client_sockets(), timeout_s=30, what="no socket is left")
        must_hold(connections_of(rig.server) > 0, "the server has heard of the end")
        rig.check_acked()
        rig.check_promised()
        if not round_.quick:
            gone_at = now_ms()
            wait_until(lambda: not connections_of(rig.server), timeout_s=REAP_S, what="the reaper")
            reaped_ms.append(now_ms() - gone_at)
        tunnel.clear()
    note = f"; the server had let go after {max(reaped_ms) / 1000:.0f} s" if reaped_ms else ""
    return rig.ended(round_.times, f"recovery includes the start of the program{note}")


def reset_storm(round_: Round) -> Outcome:
    """Connections are reset, and new ones at once, five times within about two seconds."""
    rig, network = behind_a_proxy(round_)
    for _ in range(round_.times):
        rig.sleep(0.5, 1.0)
        made = network.connections
        for _ in range(RESETS):
            network.cut()
            rig.sleep(0.1, 0.4)
            network.heal()
            rig.sleep(0.0, 0.2)
        rig.recovered(now_ms(), limit_s=limit_s(RESUME_S, round_))
        must_hold(network.connections > made, "no connection was reset")
    return rig.ended(round_.times)


def hole_in_a_proxy(round_: Round) -> Outcome:
    """Everything stays open and nothing gets through; this needs no root."""
    rig, network = behind_a_proxy(round_)
    for _ in range(round_.times):
        rig.sleep(0.3, 1.0)
        made = network.connections
        network.black_hole()
        rig.sleep(3.5, 4.5 if round_.quick else 10)
        began = now_ms()
        rig.check_acked()
        must_hold(rig.acked_after(began) is None, "an ack came through the hole")
        network.heal()
        rig.recovered(now_ms())
        must_hold(network.connections > made, "no connection was given up")
    return rig.ended(round_.times)


def swapped_server(round_: Round) -> Outcome:
    """Behind the same address another server answers that lets everybody in."""
    rig, network = behind_a_proxy(round_)
    stranger = ServerProcess(round_.folder / "stranger", auth="none")
    round_.cleanup.enter_context(stranger)
    for _ in range(round_.times):
        rig.sleep(0.3, 1.0)
        noticed = rig.troubles("identity_changed")
        network.redirect(stranger.url)
        wait_until(
            lambda before=noticed: rig.troubles("identity_changed") > before,
            timeout_s=20,
            what="the client says that it is another server",
        )
        rig.sleep(0.5, 1.5 if round_.quick else 12)
        rig.check_acked()
        rig.check_promised()
        sessions = rest(stranger, "/api/sessions", token="none").body
        must_hold(b'"sessions":[]' in sessions, f"the stranger got a recording: {sessions!r}")
        must_hold(ready(stranger)["bytesStored"] == 0, "the stranger got audio")
        network.redirect(rig.server.url)
        rig.recovered(now_ms(), limit_s=limit_s(STRANGER_S, round_))
    met = int(str(ready(stranger)["socketsEnded"]))
    must_hold(met >= round_.times, f"the client met the stranger {met} times")
    return rig.ended(round_.times, "the stranger got no audio, and the client went on by itself")


DRILLS = [
    Drill("server-paused", GROUP, "SIGSTOP of the server for seconds", 20, paused_server,
          takes_s=10),
    Drill("server-vanishes", GROUP, "the server's computer loses its power without a FIN", 10,
          vanished_server, takes_s=12),
    Drill("client-vanishes", GROUP, "the client's computer loses its power without a FIN", 5,
          vanished_client, takes_s=12),
    Drill("reset-storm", GROUP, "five resets of all connections in two seconds", 20, reset_storm,
          takes_s=8),
    Drill("proxy-hole", GROUP, "black hole of 4 to 10 s in a proxy (runs without root)", 10,
          hole_in_a_proxy, takes_s=12),
    Drill("server-swapped", GROUP, "another server answers at the same address", 10,
          swapped_server, takes_s=15),
]  # fmt: skip

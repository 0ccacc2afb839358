from scribe_desktop.sync.watchdog import Look, Verdict, Watchdog

TICK = 0.25


class Peer:
    """A connection that is looked at every quarter of a second."""

    def __init__(self) -> None:
        self.watchdog = Watchdog()
        self.now = 100.0
        self.received = 0
        self.confirmed = 0
        self.answers = 0

    def wait(
        self,
        seconds: float,
        *,
        due: bool = True,
        held: bool = False,
        moving: bool = False,
        leaving: int = 0,
        answering: bool = False,
        tick: float = TICK,
    ) -> list[Verdict]:
        verdicts = []
        for _ in range(round(seconds / tick)):
            self.now += tick
            self.received += moving
            self.confirmed += leaving
            self.answers += answering
            look = Look(self.now, self.received, self.confirmed, self.answers, due, held)
            verdicts.append(self.watchdog.look(look))
        return verdicts


def test_three_seconds_of_silence_cut_the_connection() -> None:
    peer = Peer()
    assert Verdict.CUT not in peer.wait(3.0)
    assert peer.wait(0.5)[-1] is Verdict.CUT


def test_a_silent_peer_is_asked_before_it_is_cut() -> None:
    verdicts = Peer().wait(3.5)
    assert verdicts.count(Verdict.ASK) == 2
    assert verdicts.index(Verdict.ASK) < verdicts.index(Verdict.CUT)


def test_a_slow_peer_is_not_cut_before_a_minute() -> None:
    peer = Peer()
    assert set(peer.wait(59.5, moving=True)) == {Verdict.FINE}
    assert Verdict.CUT in peer.wait(1.0, moving=True)


def test_a_peer_that_answers_is_never_cut() -> None:
    assert set(Peer().wait(300, moving=True, answering=True)) == {Verdict.FINE}


def test_nothing_is_expected_while_nothing_is_due() -> None:
    assert set(Peer().wait(300, due=False)) == {Verdict.FINE}


def test_silence_is_allowed_while_the_server_holds_but_not_for_ever() -> None:
    peer = Peer()
    assert set(peer.wait(59.5, held=True)) == {Verdict.FINE}
    assert Verdict.CUT in peer.wait(1.0, held=True)


def test_silence_is_counted_from_the_moment_an_answer_is_due() -> None:
    peer = Peer()
    peer.wait(100, due=False)
    assert Verdict.CUT not in peer.wait(2.5)


def test_our_own_sleep_is_not_the_peers_silence() -> None:
    peer = Peer()
    peer.wait(1.0)
    peer.wait(3600, tick=3600)
    assert Verdict.CUT not in peer.wait(1.0)


def test_a_send_queue_that_empties_slowly_is_not_silence() -> None:
    assert set(Peer().wait(30, leaving=200)) <= {Verdict.FINE, Verdict.ASK}


def test_our_own_questions_do_not_pass_for_a_moving_queue() -> None:
    assert Verdict.CUT in Peer().wait(4, leaving=20)

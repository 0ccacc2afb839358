from scribe_server.loadtest.options import Options, Scenario
from tests.parts.loadtest import plan


def test_a_scenario_says_what_recorders_do() -> None:
    behaviour = Scenario(drop_network=True, replay=True, overload=True, herd=7).behaviour()
    assert (behaviour.cuts, behaviour.herd, behaviour.deaf) == (3, 7, True)
    assert behaviour.replay_every > 0


def test_without_a_scenario_recorders_only_send() -> None:
    behaviour = Scenario().behaviour()
    assert (behaviour.cuts, behaviour.herd, behaviour.deaf, behaviour.replay_every) == (
        0, 0, False, 0,
    )  # fmt: skip
    assert Scenario().names() == []


def test_the_token_is_not_shown_with_the_options() -> None:
    assert "secret" not in repr(Options(plan(), token="secret"))

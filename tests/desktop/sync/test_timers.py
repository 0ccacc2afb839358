import asyncio

from scribe_desktop.sync.timers import Timers
from tests.parts.jumping_loop import run_jumping


def test_a_timer_fires_once_and_is_forgotten() -> None:
    async def main() -> None:
        timers, fired = Timers(), []
        timers.arm("a", 0.5, lambda: fired.append("a"))
        timers.later(0.1, lambda: fired.append("unnamed"))
        await asyncio.sleep(2)
        assert fired == ["unnamed", "a"]
        assert len(timers) == 0

    run_jumping(main())


def test_arming_again_replaces_and_cancelling_forgets() -> None:
    async def main() -> None:
        timers, fired = Timers(), []
        timers.arm("a", 0.1, lambda: fired.append("early"))
        timers.arm("a", 0.2, lambda: fired.append("late"))
        timers.arm("b", 0.1, lambda: fired.append("b"))
        timers.disarm("b")
        timers.disarm("never armed")
        await asyncio.sleep(1)
        timers.later(0.1, lambda: fired.append("cancelled"))
        timers.cancel()
        await asyncio.sleep(1)
        assert fired == ["late"]

    run_jumping(main())

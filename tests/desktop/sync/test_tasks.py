import asyncio

from scribe_desktop.sync.tasks import Tasks


def test_a_task_that_fails_is_reported_to_its_owner() -> None:
    async def main() -> list[BaseException]:
        failures: list[BaseException] = []
        tasks = Tasks(failures.append)

        async def fail() -> None:
            await asyncio.sleep(0)
            raise ValueError("no luck")

        tasks.spawn(fail(), "failing")
        await asyncio.sleep(0.01)
        assert len(tasks) == 0
        return failures

    assert [str(error) for error in asyncio.run(main())] == ["no luck"]


def test_cancelling_ends_all_but_those_that_must_finish() -> None:
    async def main() -> list[str]:
        ended: list[str] = []
        tasks = Tasks(lambda error: ended.append(repr(error)))

        async def work(name: str, seconds: float) -> None:
            try:
                await asyncio.sleep(seconds)
                ended.append(f"{name} finished")
            except asyncio.CancelledError:
                ended.append(f"{name} cancelled")
                raise

        tasks.spawn(work("long", 3600), "long")
        tasks.spawn(work("goodbye", 0.01), "goodbye")
        await asyncio.sleep(0)
        await tasks.cancel(but="goodbye")
        assert len(tasks) == 0
        await tasks.cancel()
        return ended

    assert asyncio.run(main()) == ["long cancelled", "goodbye finished"]

from scribe_desktop.capture.clock import SoundClock


class Device:
    """Delivers blocks of 100 ms to a clock and keeps the length of the timeline."""

    def __init__(self, *, rate: float = 48_000) -> None:
        self.clock = SoundClock()
        self.rate = rate
        self.now = 1_000.0
        self.length = 0
        self.lost = 0

    def run(self, seconds: float, *, jitter: float = 0.0) -> None:
        for index in range(round(seconds * 10)):
            self.now += 4_800 / self.rate
            late = jitter if index % 3 == 0 else 0.0
            self.length += self.clock.arrived(4_800, self.now + late) + 4_800
            lost = self.clock.lost(self.now + late)
            self.lost += lost
            self.length += lost

    def fall_silent(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.now += 0.05
            self.length += self.clock.fill(self.now)


def test_nothing_is_filled_before_the_first_sound() -> None:
    device = Device()
    device.fall_silent(5)
    assert (device.length, device.clock.started) == (0, False)
    device.run(1)
    assert (device.length, device.clock.started) == (48_000, True)


def test_silence_takes_exactly_the_time_until_the_sound_returns() -> None:
    device = Device()
    device.run(2)
    device.fall_silent(7)
    assert abs(device.length - 8.7 * 48_000) <= 1
    device.run(1)
    assert device.length == 10 * 48_000


def test_sound_that_returns_at_once_after_a_short_silence_needs_nothing() -> None:
    device = Device()
    device.run(1)
    device.fall_silent(0.1)
    device.run(1)
    assert abs(device.length - 2.1 * 48_000) <= 1


def test_blocks_that_come_late_and_then_at_once_lose_nothing() -> None:
    device = Device()
    device.run(5)
    device.now += 1.5
    for _ in range(15):
        device.length += device.clock.arrived(4_800, device.now) + 4_800
        device.lost += device.clock.lost(device.now)
    device.run(10, jitter=0.09)
    assert device.lost == 0
    assert device.length == 16.5 * 48_000


def test_samples_that_vanish_without_a_sign_are_noticed_within_four_seconds() -> None:
    device = Device()
    device.run(5)
    device.now += 0.8
    device.run(4.5)
    assert abs(device.lost - 0.8 * 48_000) <= 1


def test_the_device_s_own_slow_clock_is_followed() -> None:
    device = Device(rate=47_990)
    device.run(600)
    assert device.lost == 0


def test_after_an_outage_the_watch_begins_anew() -> None:
    device = Device()
    device.run(3)
    device.fall_silent(5)
    device.run(10)
    assert device.lost == 0
    assert device.length == 18 * 48_000

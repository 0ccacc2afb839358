"""What strace's records say; the lines are as strace 6.1 wrote them."""

from tests.faults.strace import Call, calls, fired, killed_in

INJECTED = """\
30123 fdatasync(3)                      = -1 EIO (Input/output error) (INJECTED)
30122 pwrite64(3, "abc17", 5, 85)       = 5
30122 fdatasync(3 <unfinished ...>
30123 fdatasync(3)                      = 0 (DELAYED)
30122 <... fdatasync resumed>)          = -1 EIO (Input/output error) (INJECTED)
30122 +++ exited with 0 +++
"""
KILLED = """\
29382 pwrite64(3</tmp/file>, "a = 3", 5, 10) = 5
29382 fdatasync(3</tmp/file> <unfinished ...>
29381 pwrite64(3</tmp/file>, "abc3", 4, 15) = ?
29382 <... fdatasync resumed>)          = ?
29382 +++ killed by SIGKILL +++
29381 +++ killed by SIGKILL +++
"""


def test_failed_and_delayed_calls_have_fired() -> None:
    assert fired(INJECTED) == 3
    assert fired(KILLED) == 0


def test_a_call_that_another_interrupts_in_the_record_is_one_call() -> None:
    assert list(calls(INJECTED)) == [
        Call(30123, "fdatasync", "3)", -1, (0, 0)),
        Call(30122, "pwrite64", '3, "abc17", 5, 85)', 5, (1, 1)),
        Call(30123, "fdatasync", "3)", 0, (3, 3)),
        Call(30122, "fdatasync", "3)", -1, (2, 4)),
    ]


def test_calls_that_never_returned_come_last() -> None:
    found = list(calls(KILLED))
    assert [(call.name, call.result) for call in found] == [
        ("pwrite64", 5),
        ("fdatasync", None),
        ("pwrite64", None),
    ]
    assert found[-1].order == (2, 6)


def test_a_call_that_a_kill_cut_off_has_not_returned() -> None:
    record = "7 fdatasync(3 <unfinished ...>) = ?\n7 +++ killed by SIGKILL +++\n"
    assert [call.result for call in calls(record)] == [None]
    assert killed_in(record, ["fdatasync"]) == "fdatasync"


def test_it_was_killed_only_where_the_record_says_so() -> None:
    assert killed_in(KILLED, ["pwrite64"]) == "pwrite64"
    assert killed_in(KILLED, ["unlink"]) is None
    assert killed_in(KILLED.partition("29382 +++")[0], ["pwrite64"]) is None

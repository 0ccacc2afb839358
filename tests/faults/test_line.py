import os

from tests.faults.line import connections, is_busy, most_within, packets
from tests.faults.packets import Counts

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue
   0: 0002120C:1F90 00000000:0000 0A 00000000:00000000
   1: 0002120C:1F90 0102120C:C001 01 00000000:00000000
   2: 0002120C:1F90 0102120C:C002 08 00000000:00000000
   3: 0102120C:C001 0002120C:1F90 01 00000000:00000000
   4: 0002120C:1F91 0102120C:C003 01 00000000:00000000
"""


def test_only_established_connections_to_the_port_are_counted() -> None:
    assert connections(TCP, 8080) == 1
    assert connections(TCP, 80) == 0


def test_a_note_names_what_was_done_and_leaves_out_what_was_not() -> None:
    assert packets(Counts(passed=5, lost=2)) == "5 passed, 2 lost"


def test_a_peak_is_found_across_the_borders_of_whole_seconds() -> None:
    assert most_within([0.1, 0.9, 1.0, 1.05, 1.8, 5.0], 1.0) == 4


def test_what_is_a_whole_window_apart_does_not_count_together() -> None:
    assert most_within([0.0, 1.0, 2.0], 1.0) == 1
    assert most_within([], 1.0) == 0


def test_a_machine_is_busy_with_more_than_two_processes_per_core() -> None:
    cores = os.cpu_count() or 1
    assert not is_busy(2.0 * cores)
    assert is_busy(2.0 * cores + 0.1)

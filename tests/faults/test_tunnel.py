from pathlib import Path

import pytest

from tests.faults import tunnel
from tests.faults.drill import NotHereError
from tests.faults.tunnel import Tunnel, addresses, tcp_counter

SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RetransSegs InErrs InCsumErrors
Tcp: 1 17 4 3
Udp: InDatagrams
Udp: 5
"""


def test_each_number_has_a_pair_of_addresses_of_its_own_in_the_net_for_tests() -> None:
    assert addresses(0) == ("198.18.0.0", "198.18.0.1")
    assert addresses(200) == ("198.18.1.144", "198.18.1.145")
    assert addresses(65_535) == ("198.19.255.254", "198.19.255.255")


def test_a_counter_is_found_by_its_name() -> None:
    assert tcp_counter(SNMP, "RetransSegs") == 17
    assert tcp_counter(SNMP, "InCsumErrors") == 3


def test_a_machine_without_tun_devices_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "DEVICE", tmp_path / "tun")
    with pytest.raises(NotHereError, match="needs"):
        Tunnel(1).__enter__()

from tests.faults.tunnel import addresses, tcp_counter

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

"""The candidate FreeSWITCH takes: list by list, in SDP order, relayed ones last."""

import pytest

from postproc.model.acl import Choice, Offered, Sent, Taken, built, decide, take

HOST, SRFLX = Offered("192.168.178.34", 33246, "host"), Offered("198.51.100.77", 33246, "srflx")
RELAY = Offered("203.0.113.9", 50000, "relay")


@pytest.mark.parametrize(
    "offered, names, taken",
    [
        ([HOST, SRFLX], ["wan.auto"], Taken(1, "wan.auto", True)),
        ([HOST, SRFLX], ["any_v4.auto"], Taken(0, "any_v4.auto", True)),
        (
            [HOST, SRFLX],
            ["wan.auto", "rfc1918.auto"],
            Taken(1, "wan.auto", True),
        ),  # the lists' order goes first
        ([HOST, SRFLX], ["rfc1918.auto", "wan.auto"], Taken(0, "rfc1918.auto", True)),
        ([RELAY, HOST, SRFLX], ["any_v4.auto"], Taken(1, "any_v4.auto", True)),
        ([RELAY, HOST], ["wan.auto"], Taken(0, "wan.auto", True)),  # last resort
        ([HOST], ["wan.auto"], None),
        ([], ["wan.auto"], None),
        ([HOST], [], None),
        ([HOST, SRFLX], ["localnet.auto", "wan.auto"], Taken(1, "wan.auto", False)),
        ([Offered("a.local", 5, "host"), SRFLX], ["wan.auto"], Taken(1, "wan.auto", False)),
    ],
)
def test_lists_in_their_order_then_candidates_in_theirs(offered, names, taken):
    assert take(offered, names, {}) == taken


@pytest.mark.parametrize(
    "odd",
    [
        Offered("198.51.100.77", 9, "host", transport="tcp"),
        Offered("198.51.100.77", 9, "host", transport=None),
        Offered("198.51.100.77", 9, "host", component=2),
        Offered(None, None, None, None, None),
    ],
)
def test_only_udp_of_component_one_is_taken(odd):
    assert take([odd], ["wan.auto"], {}) is None
    assert take([odd, SRFLX], ["wan.auto"], {}).place == 1


def chosen(sent, names=("wan.auto",), offered=(HOST, SRFLX), **more):
    verdicts = tuple(decide(each.address, names, {}) for each in offered)
    taken = take(offered, names, {})
    return Choice(1, 1, "a.pcapng", 1, offered, verdicts, taken, sent, **more)


def sent(place, *, called=False, offered=(HOST, SRFLX)):
    to = offered[place] if place is not None else Offered("192.0.2.1", 9, None)
    return Sent("a.pcapng", 9, to.address, to.port, place, called)


@pytest.mark.parametrize(
    "found, agrees",
    [
        (chosen(sent(1)), True),
        (chosen(sent(1, called=True)), True),
        (chosen(sent(0)), False),
        (chosen(sent(None)), False),
        (chosen(sent(0, called=True)), None),  # the client called from there
        (chosen(None), None),
        (chosen(sent(0), names=["localnet.auto", "wan.auto"]), None),  # it may be of the local network
        (chosen(sent(0), names=["rfc6598.auto"]), False),  # none should have been taken
        (chosen(sent(0), names=["localnet.auto"]), None),
    ],
)
def test_where_the_first_request_went_agrees_or_not_or_cannot_tell(found, agrees):
    assert found.agrees is agrees


def test_two_lines_of_one_address_are_the_same_place():
    again = Offered(HOST.address, HOST.port, "srflx")
    assert chosen(sent(1, offered=(HOST, again)), names=["any_v4.auto"], offered=(HOST, again)).agrees is True


def test_the_first_allowed_in_sdp_order_may_be_another_than_the_one_taken():
    found = chosen(None, names=["wan.auto", "rfc1918.auto"])
    assert (found.first_allowed, found.taken.place) == (0, 1)
    assert chosen(None, names=["rfc6598.auto"]).first_allowed is None


def test_a_list_of_ones_own_lets_in():
    own = {"vpn": built("vpn", False, allow=["172.30.0.0/16"])}
    assert take([HOST, Offered("172.30.1.1", 5, "host")], ["vpn"], own) == Taken(1, "vpn", True)

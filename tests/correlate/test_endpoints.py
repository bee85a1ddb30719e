from postproc.correlate.endpoints import endpoints
from postproc.correlate.ice import Life
from postproc.correlate.parties import Description
from tests import builders as b

TOLD = {
    ("a.pcapng", n, "a"): Description(party, None, ("a", "f", 1, "INVITE"))
    for n, party in ((1, "uac"), (2, "uas"))
}
SIDES = {("a", "uac"): ("client", "role"), ("a", "uas"): ("server", "role")}
LEGS = {"a": (3, 2, Life(b.at(-5).value, b.at(65).value))}


def of(media=(), candidates=(), legs=LEGS):
    row = {"frame": 1, "call_id": "a"}
    tables = b.sdp_media(*(row | m for m in media)), b.candidates(*(row | c for c in candidates))
    return endpoints(*tables, TOLD, SIDES, legs)


def places(*args, **known):
    return list(of(*args, **known)[["side", "addr", "port"]].itertuples(index=False, name=None))


def test_an_endpoint_has_call_leg_side_and_life():
    (row,) = of([{"connection_addr": "10.0.0.1", "port": 30000}]).itertuples(index=False)
    assert tuple(row) == (3, 2, "client", "10.0.0.1", 30000, b.at(-5), b.at(65))


def test_candidates_stand_for_their_address_and_their_base():
    line = {"addr": "203.0.113.1", "port": 4000, "related_addr": "10.0.0.1", "related_port": 5000}
    assert places(candidates=[line]) == [("client", "203.0.113.1", 4000), ("client", "10.0.0.1", 5000)]


def test_an_alternative_address_is_one_more_place():
    media = {"connection_addr": "10.0.0.1", "port": 30000, "alternatives": "2001:db8::1 4000"}
    assert places([media]) == [("client", "10.0.0.1", 30000), ("client", "2001:db8::1", 4000)]


def test_each_place_stands_once_per_side():
    same = {"connection_addr": "10.0.0.1", "port": 30000}
    assert places([same, same, same | {"frame": 2}]) == [
        ("client", "10.0.0.1", 30000),
        ("server", "10.0.0.1", 30000),
    ]


def test_what_is_no_place_is_left_out():
    none = [
        {"connection_addr": "0.0.0.0", "port": 30000},
        {"connection_addr": "10.0.0.1", "port": 0},
        {"connection_addr": "10.0.0.1", "port": 9},
        {"connection_addr": None, "port": 30000},
    ]
    lines = [{"addr": "x", "port": 4, "frame": 9}, {"related_addr": "0.0.0.0", "related_port": 1}]
    assert places(none, lines) == []


def test_an_end_that_was_not_seen_is_open():
    found = of([{"connection_addr": "10.0.0.1", "port": 4}], legs={"a": (3, 2, Life(b.at(0).value, None))})
    assert found["end"].isna().all()


def test_legs_without_call_have_no_endpoints():
    assert len(of([{"connection_addr": "10.0.0.1", "port": 4}], legs={})) == 0


SIP_FROM = {("a", "uac"): "198.51.100.77", ("a", "uas"): "10.0.50.118"}


def behind_nat(**section):
    media = [{"connection_addr": "192.168.1.5", "port": 4000, **section}]
    found = endpoints(*tables_of(media), TOLD, SIDES, LEGS, signalling=SIP_FROM)
    return list(found[["side", "addr", "port"]].itertuples(index=False, name=None))


def tables_of(media):
    return b.sdp_media(*({"frame": 1, "call_id": "a"} | row for row in media)), b.candidates()


def test_media_comes_from_where_the_sip_comes_from_with_the_described_port():
    assert behind_nat() == [("client", "192.168.1.5", 4000), ("client", "198.51.100.77", 4000)]
    assert behind_nat(frame=2)[1] == ("server", "10.0.50.118", 4000)


def test_with_ice_checks_tell_where_media_comes_from():
    assert behind_nat(ufrag="aaaa") == [("client", "192.168.1.5", 4000)]


def test_a_refused_section_has_no_place_behind_nat():
    assert behind_nat(port=0) == []

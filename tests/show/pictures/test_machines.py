"""The machines of a call: which addresses are one, which are not, and their names."""

from postproc.model.calls import Call, Calls
from postproc.model.tables import CALLS, Tables
from postproc.show.pictures.machines import MOST_COLUMNS, Machines, name
from tests import builders as b
from tests.show.pictures.scenes import run_of, timeline

LEG = {"call": 1, "leg": 1, "call_id": "a"}


def rows(*legs: dict, **tables) -> Call:
    held = Tables(calls=CALLS.rows([{"call": 1}])).with_(
        legs=b.legs(*({"call": 1} | leg for leg in legs)), **tables
    )
    return Calls(held)[1]


def leg(number: int, uac: str, uas: str, **more) -> dict:
    (uac_addr, uac_port), (uas_addr, uas_port) = (end.rsplit(":", 1) for end in (uac, uas))
    return {
        "leg": number,
        "call_id": f"c{number}",
        "uac_addr": uac_addr,
        "uac_port": int(uac_port),
        "uas_addr": uas_addr,
        "uas_port": int(uas_port),
        **more,
    }


def hosts(tables: Call) -> list[tuple[str, ...]]:
    return [column.hosts for column in Machines(tables).headings("en")]


def test_a_b2bua_on_loopback_and_network_card_is_one():
    one = leg(1, "127.0.0.1:4901", "127.0.0.1:4900", uac_agent="Hub", uas_agent="Switch 1", role="inbound")
    two = leg(2, "192.0.2.1:5060", "192.0.2.9:5060", uac_agent="Switch 1", uas_agent="PBX", role="outbound")
    assert hosts(rows(one, two)) == [("127.0.0.1",), ("127.0.0.1", "192.0.2.1"), ("192.0.2.9",)]


def test_without_names_the_roles_say_who_passes_the_call_on():
    one = leg(1, "127.0.0.1:4901", "127.0.0.1:4900", role="inbound")
    two = leg(2, "192.0.2.1:5060", "192.0.2.9:5060", role="outbound")
    assert len(hosts(rows(one, two))) == 3
    assert len(hosts(rows(one, two | {"role": None}))) == 4


def test_two_phones_of_one_make_are_two():
    one = leg(1, "192.0.2.5:5060", "192.0.2.1:5060", uac_agent="Phone 7", uas_agent="PBX")
    two = leg(2, "192.0.2.1:5060", "192.0.2.6:5060", uac_agent="PBX", uas_agent="Phone 7")
    assert hosts(rows(one, two)) == [("192.0.2.5",), ("192.0.2.1",), ("192.0.2.6",)]


def test_two_programs_on_one_host_are_two():
    one = leg(1, "192.0.2.1:4901", "192.0.2.1:4900", uac_agent="Hub", uas_agent="Switch")
    found = Machines(rows(one))
    assert [found.column(1, "192.0.2.1:4901"), found.column(1, "192.0.2.1:4900")] == [0, 1]


def test_a_gateway_with_two_legs_is_one():
    one = leg(1, "192.0.2.1:5060", "192.0.2.9:5060", uas_agent="GW")
    two = leg(2, "192.0.2.1:5060", "192.0.2.9:5060", uas_agent="GW")
    assert hosts(rows(one, two)) == [("192.0.2.1",), ("192.0.2.9",)]


def test_a_proxy_stands_between_the_ends():
    hops = timeline(
        {"src": "192.0.2.1:5060", "dst": "192.0.2.7:5060"}, {"src": "192.0.2.7:5060", "dst": "192.0.2.9:5060"}
    )
    found = Machines(rows(leg(1, "192.0.2.1:5060", "192.0.2.9:5060"), timeline=hops))
    assert [(column.name, column.hosts) for column in found.headings("de")] == [
        ("Anrufer", ("192.0.2.1",)),
        ("Proxy", ("192.0.2.7",)),
        ("Angerufener", ("192.0.2.9",)),
    ]


def test_addresses_nobody_knows_stand_on_the_right_and_share_the_last_column():
    stray = timeline(
        *({"lane": "stun", "src": f"198.51.100.{n}:1", "dst": "192.0.2.1:5060"} for n in range(40))
    )
    found = Machines(rows(leg(1, "192.0.2.1:5060", "192.0.2.9:5060"), timeline=stray))
    headings = found.headings("en")
    assert len(headings) == MOST_COLUMNS
    assert headings[-1].name == "Further hosts" and len(headings[-1].hosts) == 42 - MOST_COLUMNS + 1
    assert found.column(1, "198.51.100.39:1") == MOST_COLUMNS - 1


def test_ipv6_hosts_are_told_from_their_ports():
    found = Machines(run_rows("made/ipv6.pcapng"))
    assert ("fd00:50::117",) in [column.hosts for column in found.headings("en")]


def run_rows(path: str) -> Call:
    return Calls(run_of(path))[1]


def test_media_of_an_app_stand_beside_the_hub_that_speaks_for_it():
    found = Machines(run_rows("made/vendor_no_binding_success.pcapng"))
    assert [(column.name, column.hosts[:1]) for column in found.headings("en")][:3] == [
        ("XPhone Server", ("127.0.0.1",)),
        ("XPhone Client", ("172.20.10.2",)),
        ("XCC", ("127.0.0.1",)),
    ]


def test_names_come_from_the_agent_without_its_version():
    assert name("caller", "LabPBX/16.2", [], "en") == "LabPBX"
    assert name("caller", "FreeSWITCH-mod_sofia/1.10.9", [], "en") == "FreeSWITCH"
    assert name("caller", "\x1b[31m\u202e", [], "de") == "[31m"
    assert name("caller", None, [], "de") == "Anrufer"
    assert name("called", "x" * 5000, [], "en") == "Called party"


def test_a_library_is_a_product_only_beside_the_product():
    assert name("caller", "sipsorcery_v4.0.79.1", [], "en") == "sipsorcery"
    assert name("caller", "sipsorcery_v4.0.79.1", ["XPhone Call Controller"], "en") == "XPhone Server"


def test_a_client_that_offers_its_turn_server_alone_is_no_further_machine():
    """What it describes is the relay's: no column without an arrow stands beside it."""
    one = leg(1, "198.51.100.77:5070", "10.0.50.118:5060", uac_agent="Phone 7", uas_agent="PBX")
    sent = {"call": 1, "leg": 1, "call_id": "c1", "frame": 1, "time": 0.0}
    call = rows(
        one,
        sip_messages=b.sip_messages(sent | {"method": "INVITE", "cseq_method": "INVITE", "from_tag": "f"}),
        candidates=b.candidates(
            sent | {"side": "client", "sdp_owner": "-", "type": "relay", "addr": "192.0.2.53", "port": 52030}
        ),
        sdp_media=b.sdp_media(sent | {"connection_addr": "192.0.2.53", "port": 52030, "sdp_owner": "-"}),
    )
    names = [column.name for column in Machines(call).headings("en")]
    assert names == ["Phone", "PBX", "TURN server"]

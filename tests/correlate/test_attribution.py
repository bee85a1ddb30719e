"""Every row knows its call: rules, ``run.call(n)`` and the export see the same rows."""

import pytest

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording
from postproc import pipeline
from postproc.diagnose.evidence.case import cases
from postproc.model.deployment import Deployment
from postproc.model.tables import BY_NAME, Tables
from postproc.read import deployment
from postproc.share.export import export
from tests import builders as b
from tests.correlate.conversation import ask, invite
from tests.correlate.evidence_of import CHECK, TO_CLIENT, TO_SERVER, at, leg

LATE = {"one second": 1.2, "three seconds": 3.0, "nearly five": 4.8}  # seconds after the check
RELAY = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": "198.51.100.200", "dst_port": 3478}
RELAY_BACK = {"src_addr": "198.51.100.200", "src_port": 3478, "dst_addr": b.CLIENT, "dst_port": 50000}
ERROR = TO_CLIENT | {"version": 4, "type": 3, "code": 3}


def of(name, *, legs=None, endpoints=(), **tables):
    """Call and leg of the rows of one table, None where they are NA."""
    held = {key: b.rows(key, *rows) for key, rows in tables.items()}
    legs = b.legs(*([leg()] if legs is None else legs))
    rows = getattr(b.attributed(Tables(legs=legs, **held), b.endpoints(*endpoints)), name)
    found = rows[["call", "leg"]].astype(object)
    return [tuple(row) for row in found.where(found.notna(), None).to_numpy().tolist()]


@pytest.fixture(scope="module", params=LATE, ids=str)
def refused(request, tmp_path_factory):
    """A call with one check that ICMP refuses late, as a host does that waits for its neighbour's address."""
    recording = Recording("2026-12-02T02:00:00")
    call = Call(recording, "late icmp")
    call.begin(0.1)
    call.ice.check(call.media, 0.12, "server", answer=None)
    call.media.refuse(0.12 + LATE[request.param], "server", call.lab.client_public[0])
    call.ring(0.4)
    call.answer(0.9)
    call.leg1.bye(3.4, answered=0.028)
    call.leg2.bye(3.44)
    path = tmp_path_factory.mktemp("late") / "late.pcapng"
    path.write_bytes(pcapng(recording))
    return pipeline.run([path])


def test_a_late_icmp_error_is_the_rules_the_notebooks_and_the_exports(refused, tmp_path):
    (error,) = refused.icmp_errors["frame"]
    known: Deployment = deployment.read(deployment.DEFAULT)
    assert [row.frame for row in cases(refused.tables, known)[0].icmp_errors] == [error]
    assert refused.call(1).icmp_errors["frame"].tolist() == [error]
    (written,) = export(refused, 1, tmp_path / "call.pcapng")
    assert len(pipeline.run([written]).icmp_errors) == 1


@pytest.mark.parametrize("name", ["sip_messages", "sip_headers", "sdp_media", "transactions", "log_events"])
def test_what_names_a_legs_call_id_is_the_legs_second_captures_too(name):
    rows = [{"call_id": "leg 2 of 1"}, {"call_id": "nobody's"}, {"call_id": None}]
    if "copy_of" in BY_NAME[name].names:
        rows.append({"call_id": "leg 2 of 1", "copy_of": 1})
    found = of(name, legs=[leg(), leg(2)], **{name: rows})
    assert found == [(1, 2), (None, None), (None, None), (1, 2)][: len(rows)]


def test_a_leg_without_a_call_gives_its_messages_none():
    assert of("sip_messages", legs=[leg(call=None)], sip_messages=[{"call_id": "leg 1 of None"}]) == [
        (None, None)
    ]


def test_stun_messages_belong_where_their_transaction_does_copies_too():
    messages = [
        TO_CLIENT | {"transaction_id": "aa"},
        TO_SERVER | {"transaction_id": "aa", "kind": "success", "copy_of": 1},
        TO_CLIENT | {"transaction_id": "bb"},
    ]
    bindings = [CHECK | {"transaction_id": "aa"}, CHECK | {"transaction_id": "bb", "call": None, "leg": None}]
    assert of("stun_messages", stun_messages=messages, bindings=bindings) == [(1, 1), (1, 1), (None, None)]


def test_what_made_a_turn_relay_is_the_leg_s_that_is_checked_through_it():
    """A check inside TURN shares its transaction with one seen outside, on the relay's other side."""
    messages = [
        RELAY | {"method": "allocate", "transaction_id": "01", "time": 0.5},
        RELAY_BACK | {"method": "allocate", "kind": "success", "transaction_id": "01", "time": 0.6},
        RELAY | {"transaction_id": "aa", "time": 2.0, "relayed": True},
        RELAY | {"method": "send", "kind": "indication", "transaction_id": "02", "time": 3.0},
        RELAY | {"method": "refresh", "transaction_id": "03", "time": 900.0},
        RELAY | {"src_port": 1, "method": "allocate", "transaction_id": "04", "time": 0.5},
    ]
    found = of("stun_messages", stun_messages=messages, bindings=[CHECK | {"transaction_id": "aa"}])
    assert found == [(1, 1)] * 4 + [(None, None)] * 2


def test_a_turn_relay_is_made_before_the_invite():
    """Up to half a minute: people let it ring while candidates are there already."""
    relayed = RELAY | {"transaction_id": "aa", "time": 41.0, "relayed": True}
    made = [
        RELAY | {"method": "allocate", "transaction_id": n, "time": t} for n, t in (("01", 5.0), ("02", 15.0))
    ]
    bindings = [CHECK | {"transaction_id": "aa", "time": 41.0}]
    legs = [leg(time=40.0, end=90.0)]
    found = of("stun_messages", legs=legs, stun_messages=[*made, relayed], bindings=bindings)
    assert found == [(None, None), (1, 1), (1, 1)]


WANTED = [
    RELAY | {"method": "allocate", "kind": "request", "transaction_id": "01", "time": 5.0},
    RELAY_BACK | {"method": "allocate", "kind": "error", "transaction_id": "01", "time": 5.1},
]


@pytest.mark.parametrize(
    ("sent", "ufrag", "whose"),
    [
        ([("leg 1 of 1", 6.0)], "u", (1, 1)),
        ([("leg 1 of 1", 40.0)], "u", (None, None)),  # no longer gathered for it
        ([("leg 1 of 1", 4.0)], "u", (None, None)),
        ([("leg 1 of 1", 6.0)], None, (None, None)),  # no ICE
        ([("leg 1 of 1", 6.0), ("leg 1 of 2", 8.0)], "u", (None, None)),  # for which of them?
    ],
)
def test_a_relay_that_is_refused_was_wanted_by_the_one_leg_whose_description_goes_out(sent, ufrag, whose):
    ends = {"src_addr": b.CLIENT, "src_port": 5060, "dst_addr": b.SERVER, "dst_port": 5060}
    messages = [ends | {"call_id": name, "time": t, "frame": n} for n, (name, t) in enumerate(sent, 20)]
    sections = [{"call_id": row["call_id"], "frame": row["frame"], "ufrag": ufrag} for row in messages]
    legs = [leg(time=6.0), leg(call=2, time=8.0)]
    found = of("stun_messages", legs=legs, stun_messages=WANTED, sip_messages=messages, sdp_media=sections)
    assert found == [whose] * 2


def test_indications_on_a_checked_flow_are_the_leg_s():
    keepalive = TO_SERVER | {"kind": "indication", "transaction_id": "09", "time": 20.0}
    assert of("stun_messages", stun_messages=[keepalive], bindings=[CHECK]) == [(1, 1)]


def test_dtls_messages_belong_to_the_handshake_going_on_until_its_leg_is_over():
    ends = {"client_addr": b.SERVER, "client_port": 30000, "server_addr": b.CLIENT, "server_port": 50000}
    handshakes = [ends | {"call": 1, "leg": 1, "time": 3.0}, ends | {"call": 2, "leg": 1, "time": 100.0}]
    times = (2.0, 3.0, 9.0, 64.0, 66.0, 100.0, 120.0)
    found = of(
        "dtls_messages",
        legs=[leg(end=60.0), leg(call=2, time=99.0, end=130.0)],
        dtls=handshakes,
        dtls_messages=[(TO_CLIENT if n % 2 else TO_SERVER) | {"time": time} for n, time in enumerate(times)],
    )
    assert [call for call, _ in found] == [None, 1, 1, 1, None, 2, 2]


@pytest.mark.parametrize(
    ("ports", "evidence"),
    [
        ({}, {"bindings": [CHECK | {"time": 2.0}]}),
        ({}, {"bindings": [CHECK | {"time": 2.0, "purpose": "keepalive"}]}),
        ({}, {"rtp_streams": [TO_CLIENT | {"call": 1, "leg": 1, "first_time": 1.0, "last_time": 9.0}]}),
        (
            {"src_port": 30001, "dst_port": 50001},
            {"rtp_streams": [TO_CLIENT | {"call": 1, "leg": 1, "first_time": 1.0, "last_time": 9.0}]},
        ),
        (
            {},
            {
                "dtls": [
                    {
                        "client_addr": b.CLIENT,
                        "client_port": 50000,
                        "server_addr": b.SERVER,
                        "server_port": 30000,
                        "call": 1,
                        "leg": 1,
                        "started": 2.0,
                    }
                ]
            },
        ),
        ({}, {"endpoints": [at(b.SERVER, 30000, "server"), at(b.CLIENT, 50000, "client")]}),
        ({}, {"sip_messages": [invite(1.5, call_id="leg 1 of 1", **TO_CLIENT)]}),
    ],
    ids=["check", "keep-alive", "stream", "its RTCP", "handshake", "SDP", "SIP"],
)
def test_an_icmp_error_belongs_to_what_it_quotes(ports, evidence):
    tables = {name: rows for name, rows in evidence.items() if name != "endpoints"}
    errors = [ERROR | ports | {"time": 3.0}, ERROR | ports | {"time": 3.0, "copy_of": 1}]
    found = of("icmp_errors", icmp_errors=errors, endpoints=evidence.get("endpoints", ()), **tables)
    assert found == [(1, 1), (1, 1)]


def test_an_icmp_error_for_two_legs_messages_is_of_neither():
    both = [
        invite(2.0, call_id="leg 1 of 1", **TO_CLIENT),
        ask("BYE", 2.5, call_id="leg 1 of 2", **TO_CLIENT),
    ]
    legs = [leg(), leg(call=2)]
    assert of("icmp_errors", legs=legs, icmp_errors=[ERROR | {"time": 3.0}], sip_messages=both) == [
        (None, None)
    ]


def test_rows_full_of_na_belong_to_nobody():
    empty = dict.fromkeys((*TO_CLIENT, "time", "transaction_id", "call_id"))
    for name in ("stun_messages", "dtls_messages", "icmp_errors", "sip_messages"):
        row = {key: value for key, value in empty.items() if key in BY_NAME[name].names}
        assert of(name, **{name: [row]}, bindings=[CHECK]) == [(None, None)]


def test_checks_inside_turn_are_told_by_their_ufrags_and_all_of_the_relay_with_them(pcaps):
    run = pipeline.run([pcaps / "made" / "turn_channel.pcapng"])
    assert run.stun_messages["relayed"].any()
    assert (run.stun_messages["call"] == 1).all()

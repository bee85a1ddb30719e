import time

import pytest

from postproc.model.logtexts import said
from tests.model.test_logtexts import LINES
from tests.share.redaction.parts import invite, pseudonyms

UUID = "de7a5318-c28d-4fd3-a268-fcd10c7294ec"


@pytest.fixture
def made():
    made = pseudonyms()
    made.messages.message(invite())
    return made


@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("Processing Anna Mobil <721>->+498984079810 in context xphone", ["Anna", "721", "8984"]),
        ("sofia/xphone/721@10.0.50.118:4901 receiving invite from 10.0.50.118:4901", ["721", "10.0.50.118"]),
        (f"New Channel sofia/internal/anna@kunde.de [{UUID}]", ["anna", "kunde", UUID]),
        ("[effective_caller_id_name]=[Bernd Beispiel]", ["Bernd", "Beispiel"]),
        ("password=geheim token: geheim2", ["geheim"]),
        ("see https://anna:pw@portal.kunde.de/user/anna?x=1", ["anna", "kunde"]),
        ("C:\\Users\\anna\\trace.pcapng /home/anna/x", ["anna"]),
        ("mac 00:11:22:33:44:55 or 00-11-22-33-44-55", ["11:22", "11-22"]),
        ("addr 2a02:810:5::7 and fe80::1:2%eth0", ["2a02", "1:2"]),
        ("call to 08984079810 and tel:+4915112345678", ["8984", "4915112345678"[4:]]),
        ("Anna Mobil said", ["Anna", "Mobil"]),
    ],
)
def test_what_tells_of_somebody_is_replaced(made, line, gone):
    new = made.texts.line(line)
    assert [word for word in gone if word.lower() in new.lower()] == []


@pytest.mark.parametrize(
    "line",
    [
        '2026-11-22 22:39:44.599138 90.00% [WARNING] sofia.c:10667 Rejected by acl "xphone_servers"',
        "mod_sofia.c:469 hanging up, cause: CALL_REJECTED",
        "Set telephone-event payload to 101@8000",
        "Audio Codec Compare [opus:111:48000:20:0:2]/[PCMA:8:8000:20:64000:1]",
        "State Change CS_NEW -> CS_INIT",
        "version: 1.10.12-release git",
        "Activating RTCP PORT 127.0.0.1:30001",
        "as RFC8842 and rfc3711 demand",
    ],
)
def test_what_tells_of_nobody_stays(made, line):
    assert made.texts.line(line) == line


def test_networks_of_access_lists_stay_networks(made):
    assert made.texts.line("Adding 10.0.0.0/8 (allow)") == "Adding 10.0.0.0/8 (allow)"
    assert made.texts.line("Adding 10.0.50.0/24 (allow)").endswith(".0/24 (allow)")


def test_log_and_message_agree(made):
    number = made.words.user("+498984079810")
    assert number in made.texts.line("Processing Anna <721>->+498984079810 in context x")


def test_what_is_replaced_once_is_not_replaced_again(made):
    host = made.words.host("10.0.50.118")
    assert made.texts.line("from 10.0.50.118:5060 to 10.0.50.118").count(host) == 2


def test_marks_in_the_text_are_no_marks(made):
    assert made.texts.line("\ue00a\ue000\ue00b x") == f"{'?' * 9} x"


@pytest.mark.parametrize(
    "sign", ["a", "1", "a1", "@", ".", "<", '"', "10.", ":", "sip:", "=", "[", " ", "password=", "a@"]
)
def test_endless_lines_cost_no_endless_time(made, sign):
    began = time.monotonic()
    made.logs.line(sign * (200_000 // len(sign)))
    assert time.monotonic() - began < 4


def test_nothing_of_a_value_of_unknown_meaning_stays(made):
    new = made.texts.opaque('a=Anna;b="721" <sip:721@10.0.50.118>, 10.0.50.118:5060')
    assert not [token for token in ("Anna", "721", "10.0.50.118") if token in new]
    assert made.words.host("10.0.50.118:5060") in new


SAME = ("verdict", "cause", "status", "codec", "state", "author", "media")


@pytest.mark.parametrize(("line", "kind", "_"), LINES)
def test_what_a_log_line_says_is_said_by_its_copy(line, kind, _):
    found = said(pseudonyms().logs.line(line))
    assert found is not None and found[0] == kind
    before = said(line)[1]
    assert found[1].keys() == before.keys()
    assert {each: found[1][each] for each in SAME if each in before} == {
        each: before[each] for each in SAME if each in before
    }


@pytest.mark.parametrize(
    "line",
    [
        "Drop video Candidate cid: 2 proto: UDP type: host addr: {}:9 (no network path)",
        "sofia/internal/7@o receiving invite from {}:5060 version: 1.6.20",
        "Choose rtp candidate, index 1, {}:43148",
        "setting remote audio ice addr to index 1 {}:43148",
        "Auto Changing audio stun/rtp/dtls port from {0}:40000 to {0}:40002 idx:1",
    ],
)
@pytest.mark.parametrize("addr", ["fe80::1", "2a02:810::7", "2a02:810:1:2:3:4:5:6"])
def test_the_port_behind_an_address_of_ipv6_stays(made, line, addr):
    new = made.logs.line(line.format(addr))
    before, after = said(line.format(addr)), said(new)
    ports = [name for name in before[1] if name.endswith("port")]
    assert after is not None and [after[1][name] for name in ports] == [before[1][name] for name in ports]
    assert after[1]["addr"] == made.addresses.text(addr) != addr and addr not in new

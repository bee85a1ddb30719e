import pytest

from postproc.correlate.log_channels import LogLine, with_channels

TICK = 20_000_000


def walk(*lines):
    """Lines as (time in ticks, kind, text, UUID) -> the channel of each."""
    written = [
        LogLine("fs.log", number, round(time * TICK), kind, text, uuid, None)
        for number, (time, kind, text, uuid) in enumerate(lines, 1)
    ]
    return [each.uuid for each in with_channels(written)]


def uuid(letter):
    return f"{letter * 8}-{letter * 4}-{letter * 4}-{letter * 4}-{letter * 12}"


A, U, C = map(uuid, "abc")


def opened(time, name, channel):
    return (time, "channel", f"New Channel {name} [{channel}]", channel)


def invited(time, name, addr="192.0.2.1", channel=None):
    return (time, "invite", f"{name} receiving invite from {addr}:5060 version: 1 call-id: x", channel)


def line(time, kind, text, channel=None):
    return (time, kind, text, channel)


HANGUP = "Hangup {} [CS_NEW] [CALL_REJECTED]"
VERIFYING = 'verifying acl "lan" for ip/port 192.0.2.1:0.'
REJECTED = 'IP 192.0.2.1 Rejected by acl "lan"'
SAVE = "Save audio Candidate cid: 1 proto: udp type: host addr: 192.0.2.1:4"
RESPONSE = "Responding to INVITE with: 488"
DTLS = "Changing audio DTLS state from SETUP to READY"
SUCCESS, FAILED = "STUN Success [203.0.113.10]:[1]", "STUN Failed! 192.0.2.53:3478 [Timeout]"


def test_a_line_that_names_its_channel_by_uuid_keeps_it():
    assert walk(line(0, "dtls", DTLS, A)) == [A]


def test_the_access_list_belongs_to_the_invite_just_before_from_the_same_address():
    found = walk(
        opened(0, "sofia/x/1", A),
        invited(0, "sofia/x/1", channel=A),
        line(0, "acl", VERIFYING),
        line(1, "acl", REJECTED),
    )
    assert found == [A, A, A, A]


def test_a_warning_without_uuid_is_of_the_channel_it_names_and_of_no_other():
    found = walk(
        opened(0, "sofia/x/1@192.0.2.1", A),
        line(1, "warning", "sofia/x/1@192.0.2.1 timed out"),
        line(1, "warning", "sofia/x/2@192.0.2.1 timed out"),
    )
    assert found == [A, A, None]


@pytest.mark.parametrize(("addr", "time"), [("192.0.2.9", 0), ("192.0.2.1", 10), ("192.0.2.1", -1)])
def test_it_does_not_belong_to_one_from_elsewhere_or_another_time(addr, time):
    assert walk(invited(0, "sofia/x/1", addr, A), line(time, "acl", REJECTED)) == [A, None]


def test_without_uuids_a_channel_is_known_by_its_name_the_latest_of_that_name():
    found = walk(
        opened(0, "sofia/x/1", A),
        invited(0, "sofia/x/1"),
        line(1, "hangup", HANGUP.format("sofia/x/1")),
        line(1, "answered", "Channel [sofia/x/1] has been answered"),
        opened(9, "sofia/x/1", C),
        invited(9, "sofia/x/1"),
        line(9, "hangup", HANGUP.format("sofia/x/2")),
    )
    assert found == [A, A, A, A, C, C, None]


def test_without_uuids_a_line_without_name_is_of_the_only_channel_alive():
    found = walk(
        line(0, "dtls", DTLS),
        opened(0, "sofia/x/1", A),
        line(5, "response", RESPONSE),
        line(6, "hangup", HANGUP.format("sofia/x/1")),
        line(7, "dtls", DTLS),
    )
    assert found == [None, A, A, A, None]


def test_while_an_invite_is_taken_in_its_lines_are_known_unless_two_came_at_once():
    one = [opened(0, "sofia/x/1", A), invited(0, "sofia/x/1")]
    two = [opened(0, "sofia/x/2", C), invited(0, "sofia/x/2")]
    later = [opened(5, "sofia/x/2", C), invited(5, "sofia/x/2")]
    assert walk(*one, *later, line(5, "candidate", SAVE))[-1] == C
    assert walk(*one, *two, line(0, "candidate", SAVE))[-1] is None
    assert walk(*one, *later, line(8, "candidate", SAVE))[-1] is None


def test_of_several_channels_a_line_about_ice_is_of_the_one_that_has_ice():
    both = [
        opened(0, "sofia/x/1", A),
        invited(0, "sofia/x/1"),
        line(0, "candidate", SAVE),
        opened(1, "sofia/t/2", U),
    ]
    assert walk(*both, line(9, "dtls", DTLS))[-1] == A
    assert walk(*both, line(9, "candidate", SAVE, U), line(9, "dtls", DTLS))[-1] is None
    assert walk(*both, line(9, "response", RESPONSE))[-1] is None


def test_who_was_bridged_is_the_only_channel_that_came_in():
    peer = f"Originate Resulted in Success: [sofia/t/2] Peer UUID: {U}"
    both = [opened(0, "sofia/x/1", A), invited(0, "sofia/x/1"), opened(1, "sofia/t/2", U)]
    assert walk(*both, line(9, "peer", peer))[-1] == A
    assert walk(*both, opened(2, "sofia/x/3", C), invited(2, "sofia/x/3"), line(9, "peer", peer))[-1] is None


@pytest.mark.parametrize("text", [SUCCESS, FAILED])
def test_a_stun_look_up_is_of_the_channel_whose_lines_stand_around_it(text):
    before, after = line(0, "dtls", DTLS, A), line(1, "ice", "x", A)
    assert walk(before, line(0, "stun", text), after) == [A, A, A]
    assert walk(before, line(0, "stun", text), line(1, "ice", "x", C)) == [A, None, C]
    assert walk(line(0, "stun", text), after) == [None, A]
    assert walk(before, line(0, "stun", text)) == [A, None]


def test_a_line_that_says_something_unknown_has_the_kind_it_was_given():
    assert walk(line(0, "channel", "cut", A), line(0, "odd", "odd", C), line(0, "odd", "odd")) == [A, C, None]

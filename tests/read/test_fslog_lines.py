import pytest

from postproc.read import fslog
from postproc.read.fslog import Line, lines

A, B = "82f1a11b-54d9-4b2d-b15d-ca65a6961792", "7c23e725-d185-4aa5-88f0-e1826fc17e59"
TIME, HANGUP = "2026-11-22 22:39:44.599138", "Hangup sofia/x/1 [CS_NEW] [CALL_REJECTED]"
REJECTED = 'IP 10.0.50.118 Rejected by acl "xphone_servers"'
LINE = f"{A} {TIME} 90.00% [NOTICE] sofia.c:2417 {HANGUP}\n"
TOLD = Line(1, TIME, "NOTICE", "sofia.c", HANGUP, A, None, "hangup")


def read(text, first=1, **only):
    return list(lines(text if isinstance(text, bytes) else text.encode(), first, **only))


def test_a_line_is_taken_apart():
    assert read(LINE) == [TOLD]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (LINE.replace(f"{A} ", ""), {"uuid": None}),
        (LINE.replace(" 90.00%", ""), {}),
        (LINE.replace("sofia.c:2417 ", "sofia.c:2417 sofia_event() "), {}),
        (LINE.replace("\n", "\r\n"), {}),
        (LINE.rstrip("\n"), {}),
        (f"\x1b[36m{LINE.rstrip()}\x1b[0m\n", {}),
        (f"\x1b[1;36m{A} {TIME} [NOTICE] sofia.c:1 {HANGUP}\x1b[0K\n", {}),
        (LINE.replace(A, A.upper()), {}),
        (LINE.replace("599138", "599138123"), {}),
        (LINE.replace("sofia.c:2417", "mod_sofia.c:1"), {"source": "mod_sofia.c"}),
        (LINE.replace("sofia/x/1", "sofia/x/Jürgen"), {"text": HANGUP.replace("/1", "/Jürgen")}),
    ],
)
def test_it_may_be_written_otherwise(text, other):
    assert read(text) == [TOLD._replace(**other)]


def test_bytes_that_are_no_text_are_shown_as_what_they_are():
    (line,) = read(LINE.encode().replace(b"/1 ", b"/\xe4\x00 "))
    assert line.text == HANGUP.replace("/1 ", "/\\xe4\x00 ")


@pytest.mark.parametrize(
    "text",
    [
        "22:39:44.599138 [NOTICE] sofia.c:2417 " + HANGUP,  # the first line of a log that was cut
        f"{A} {HANGUP}",
        f"{TIME} [NOTICE] {HANGUP}",
        f"{TIME} [NOTICE] sofia.c:1 Session 1 Hangup soon",
        HANGUP,
        "",
    ],
)
def test_what_is_no_line_of_a_log_tells_nothing(text):
    assert read(text + "\n") == []


def test_lines_are_numbered_from_the_first_of_the_block():
    assert [line.frame for line in read("noise\n\n" + LINE + "noise\n" + LINE, 10)] == [12, 14]


def test_a_line_with_several_words_that_are_looked_for_comes_once():
    assert len(read(f"{TIME} [NOTICE] sofia.c:1 New Channel Hangup Local SDP : [{A}]\n")) == 1


def test_a_long_line_is_cut():
    (line,) = read(LINE.replace("sofia/x/1 [", "x [").replace("CALL", "C" * 100_000)) or [None]
    assert line is None or len(line.text) <= fslog.LONGEST_LINE
    (line,) = read(f'{TIME} [WARNING] sofia.c:1 IP {"1" * 500} Rejected by acl "a" {"x" * 9000}\n')
    assert len(line.text) == fslog.LONGEST_LINE


def test_a_channel_is_named_by_the_line_that_opens_it():
    (line,) = read(f"{TIME} [NOTICE] switch_channel.c:1142 New Channel sofia/x/1 [{A}]\n")
    assert (line.uuid, line.kind) == (A, "channel")


@pytest.mark.parametrize(("written", "told"), [("a@b", "a@b"), ("(null)", None)])
def test_an_invite_has_its_call_id(written, told):
    (line,) = read(f"{TIME} [INFO] sofia_glue.c:1659 sofia/x/1 sending invite call-id: {written}\n")
    assert (line.call_id, line.kind) == (told, "invite")


SDP = ["v=0", "o=- 123456 1 IN IP4 192.0.2.1", "s=x", "m=audio 4000 RTP/AVP 8", "a=ice-ufrag:abcd", ""]
SHORT = "o=- 123456 1 IN IP4 192.0.2.1; m=audio 4000 RTP/AVP 8; a=ice-ufrag:abcd"


def test_a_description_is_gathered_from_the_lines_below_with_and_without_channel():
    head = f"{TIME} [DEBUG] sofia.c:7503 Remote SDP:"
    for mark, end in (("", "\n"), (f"{A} ", "\n"), (f"{A} ", "\r\n")):
        text = end.join(mark + line for line in [head, *SDP, LINE.removeprefix(f"{A} ")])
        description, hangup = read(text)
        assert (description.kind, description.text) == ("sdp", f"Remote SDP: {SHORT}")
        assert hangup.kind == "hangup"


def test_a_description_ends_where_the_next_line_with_a_time_begins():
    text = f"{TIME} [DEBUG] a.c:1 Remote SDP:\no=- 1 1\n{B} {TIME} [DEBUG] a.c:1 Local SDP x:\no=- 2 1\n"
    assert [line.text for line in read(text)] == ["Remote SDP: o=- 1 1", "Local SDP x: o=- 2 1"]


def test_an_invite_sent_shows_its_description_under_a_heading_without_time():
    head = f"{A} {TIME} [DEBUG] sofia_glue.c:1662 sofia/x/1 sending invite version: 1.10.12"
    (line,) = read("\n".join([head, f"{A} Local SDP:", *SDP]))
    assert (line.kind, line.text) == ("sdp", f"sofia/x/1 sending invite version: 1.10.12 {SHORT}")


def test_an_announced_description_that_is_missing_tells_nothing():
    assert read(f"{TIME} [DEBUG] sofia.c:7503 Remote SDP:\n\n{TIME} [DEBUG] a.c:1 x\n") == []


def test_kinds_and_channels_may_be_chosen():
    text = LINE + LINE.replace(A, B) + f"{TIME} [NOTICE] sofia.c:1 Ring-Ready x!\n"
    assert [line.uuid for line in read(text, kinds={"hangup"})] == [A, B]
    assert [line.uuid for line in read(text, channels={A.encode()})] == [A, None]


@pytest.mark.parametrize("level", ["WARNING", "ERR", "CRIT"])
def test_every_warning_and_error_of_a_channel_is_kept_whatever_it_says(level):
    said = f"{TIME} 90.00% [{level}] mod_dptools.c:9 Nobody foresaw this"
    (line,) = read(f"{A} {said}\n{said}\n{A} {TIME} [NOTICE] a.c:1 Nobody foresaw this\n")
    assert (line.kind, line.level, line.text, line.uuid) == ("warning", level, "Nobody foresaw this", A)
    (named,) = read(f"{said} of sofia/x/1@192.0.2.1 either\n")
    assert (named.kind, named.uuid) == ("warning", None)


def test_lines_of_no_channel_are_taken_near_a_chosen_one_and_failures_of_stun_always():
    plain = f"{TIME} [WARNING] sofia.c:1 {REJECTED}\n"
    far = "x" * fslog.NEAR + "\n"
    failed = f"{TIME} [ERR] switch_core_media.c:1 STUN Failed! 192.0.2.53:3478 [Timeout]\n"
    text = far + plain + LINE + plain + far + plain + failed
    assert [line.kind for line in read(text, channels={A.encode()})] == ["hangup", "acl", "stun"]
    assert [line.kind for line in read(text, channels=set())] == ["stun"]

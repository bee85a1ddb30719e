"""Lines of a log that came through other programs: each is read as FreeSWITCH wrote it."""

import json

import pytest

from postproc.read.logfiles import LONGEST_PREFIX, layout

UUID = "82f1a11b-54d9-4b2d-b15d-ca65a6961792"
LINES = (
    f"{UUID} 2026-11-22 22:39:44.599138 90.00% [DEBUG] sofia.c:7500 Remote SDP:",
    f"{UUID} v=0",
    "o=a 1 1 IN IP4 192.0.2.1",
    "",
    '2026-11-22 22:39:44.619138 90.00% [WARNING] sofia.c:1 IP 192.0.2.1 Rejected by acl "lan"',
    f"\x1b[36m{UUID} 2026-11-22 22:39:45.599138 [NOTICE] sofia.c:2417 Hangup a [CS_NEW] [USER_BUSY]\x1b[0m",
)
PLAIN = "\n".join(LINES) + "\n"
STAMP = "2026-11-22T22:39:44.6{n}1384{n}"
CRI = "2026-11-22T22:39:44.599138{n}2Z"

# What each program writes before line n, n counted from 0.
BEFORE = {
    "journald": "Nov 22 22:39:4{n} pbx freeswitch[81{n}]: ",
    "journald, short-precise": "Nov 22 22:39:44.60{n}123 pbx-1.example.org freeswitch[812]: ",
    "journald, short-iso": "2026-11-22T22:39:4{n}+0100 pbx freeswitch[812]: ",
    "journald, short-full": "Sun 2026-11-22 22:39:4{n} CET pbx freeswitch[812]: ",
    "syslog with priority": "<13{n}>Nov 22 22:39:44 pbx freeswitch: ",
    "syslog with facility": "Nov  2 22:39:44 pbx local1.debug freeswitch[812]: ",
    "syslog, RFC 5424": f"<134>1 {STAMP}+01:00 pbx freeswitch 812 - - ",
    "rsyslog": f"{STAMP}+01:00 pbx freeswitch[812]: ",
    "docker logs -t": f"{STAMP}Z ",
    "docker compose": "freeswitch-1  | ",
    "docker compose -t": f"freeswitch-1  | {STAMP}Z ",
    "Kubernetes": f"{CRI} stdout F ",
    "kubectl --prefix": "[pod/xcc-7d9f-{n}abc/freeswitch] ",
    "stern": "xcc-7d9f4-abc freeswitch ",
    "grep -H": "/var/log/freeswitch.log.1:",
    "grep -n": "1{n}:",
    "grep -Hn": "logs/fs 1.log:12{n}:",
    "line numbers": "    1{n}\t",
    "mail": "> ",
    "mail, quoted twice": ">> > ",
    "indented": "    ",
    "tab": "\t",
    "prompt": "freeswitch@pbx.example.org> ",
}


def wrapped(before):
    return "".join(f"{before.format(n=n)}{line}\n" for n, line in enumerate(LINES))


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_what_stands_before_the_lines_is_taken_away(before):
    text = wrapped(before).encode()
    found = layout(text[:400])
    assert found is not None
    assert found.unwrapped(text).decode() == PLAIN


@pytest.mark.parametrize(
    "record",
    [
        lambda n, line: {"log": f"{line}\n", "stream": "stdout", "time": f"2026-11-22T22:39:4{n}Z"},
        lambda n, line: {"__CURSOR": f"s={n}", "PRIORITY": "6", "MESSAGE": line},
        lambda _, line: {"MESSAGE": list(line.encode())},
        lambda _, line: {"message": f"{line}\r\n", "kubernetes": {"pod": "xcc"}},
        lambda n, line: {"log": f"Nov 22 22:39:4{n} pbx freeswitch[1]: {line}"},
    ],
)
def test_json_lines_are_their_messages(record):
    text = "".join(json.dumps(record(n, line)) + "\n" for n, line in enumerate(LINES)).encode()
    found = layout(text)
    assert found is not None
    assert found.unwrapped(text).decode() == PLAIN


def test_grep_writes_another_sign_around_the_lines_it_was_asked_for():
    signs = ":--::-"
    text = "".join(
        f"fs.log{sign}1{n}{sign}{line}\n" for n, (sign, line) in enumerate(zip(signs, LINES, strict=True))
    )
    found = layout(text.encode())
    assert found is not None
    assert found.unwrapped(text.encode()).decode() == PLAIN


def test_a_prompt_on_one_line_changes_no_other():
    text = PLAIN.replace("2026-11-22 22:39:44.619138", "freeswitch@pbx> 2026-11-22 22:39:44.619138")
    found = layout(text.encode())
    assert found is not None
    assert found.unwrapped(text.encode()).decode() == PLAIN


@pytest.mark.parametrize(
    "text", [PLAIN, "", "> v=0\n", '{"log": "nothing"}\n', '{"log": 1}\n', "{\n", "\n" * 9]
)
def test_what_is_not_wrapped_has_no_layout(text):
    assert layout(text.encode()) is None


def test_the_number_of_lines_stays_though_a_message_of_json_has_several():
    records = [{"log": f"{LINES[0]}\nv=0\no=a 1 1\n"}, {"log": LINES[5]}, {"log": None}, {"other": "x"}]
    text = "\n".join([*map(json.dumps, records), "no JSON", ""]).encode()
    found = layout(text)
    assert found is not None
    assert found.unwrapped(text).count(b"\n") == text.count(b"\n")


def test_a_stranger_s_prefix_is_no_pattern_and_takes_no_time():
    text = ("(a+)+$[" * 30 + LINES[0] + "\n" + "(a+)+$[" * 30 + "v=0\n").encode()
    found = layout(text)
    assert found is not None
    assert found.unwrapped(text) == (LINES[0] + "\nv=0\n").encode()
    long = (" a:-" * 75 + LINES[0] + "\n").encode() * 3
    assert layout(long).unwrapped((" a:-" * 74 + "a" * 10_000 + "\n").encode() * 100)
    beyond = b"x" * (LONGEST_PREFIX + 1) + LINES[0].encode()
    assert layout(beyond) is None

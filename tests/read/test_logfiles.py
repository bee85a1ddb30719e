import bz2
import gzip
import lzma
import os

import pytest

from postproc.model.errors import CaptureError
from postproc.read import logfiles

LINE = "2026-11-22 22:39:44.599138 90.00% [NOTICE] sofia.c:2417 Hangup a [CS_NEW] [CALL_REJECTED]\n"
UUID = "82f1a11b-54d9-4b2d-b15d-ca65a6961792"


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def found(*paths):
    logs, unread = logfiles.find(paths)
    return [log.name for log in logs], {left_out.path.name: left_out.reason for left_out in unread}


@pytest.mark.parametrize(
    "content",
    [
        LINE,
        f"{UUID} {LINE}",
        LINE.replace(" 90.00%", ""),
        LINE.replace("sofia.c:2417", "sofia.c:2417 sofia_handle()"),
        f"cut off in the middle\n{LINE}",
        f"fs-1  | {LINE}",
        f"\x1b[36m{LINE}\x1b[0m",
        LINE.encode("utf-16"),
        LINE.encode("utf-16-le"),
        LINE.encode("utf-16-be"),
        LINE.encode("utf-8-sig"),
        LINE.replace("\n", "\r\n"),
        b"\xe4\xf6\xfc\n" + LINE.encode(),
        gzip.compress(LINE.encode(), mtime=0),
        bz2.compress(LINE.encode()),
        lzma.compress(LINE.encode()),
    ],
)
def test_a_log_is_known_by_its_content(tmp_path, content):
    assert found(written(tmp_path / "x", content)) == (["x"], {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty file"),
        ("2026-11-22 22:39:44 GET /index.html\n", logfiles.NOT_A_LOG),
        ("\0" * 100, logfiles.NOT_A_LOG),
        ("x" * logfiles.HEAD + "\n" + LINE, logfiles.NOT_A_LOG),
        (gzip.compress(LINE.encode() * 99, mtime=0)[:30], "damaged, it cannot be unpacked"),
        (b"BZh9broken", "damaged, it cannot be unpacked"),
    ],
)
def test_what_is_no_log_is_left_out_with_its_reason(tmp_path, content, reason):
    assert found(written(tmp_path / "x.log", content)) == ([], {"x.log": reason})


def test_what_is_not_there_or_no_file_is_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    names, reasons = found(tmp_path / "gone.log", tmp_path / "pipe")
    assert (names, reasons) == ([], {"gone.log": "no such file or folder", "pipe": "not a regular file"})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "b.log")
    written(tmp_path / "a.log", LINE)
    assert found(tmp_path) == (["a.log"], {"b.log": "not a regular file"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_left_out(tmp_path):
    written(tmp_path / "x.log", LINE).chmod(0)
    assert found(tmp_path / "x.log") == ([], {"x.log": "permission denied"})


def test_in_a_folder_the_logs_are_found_and_the_rest_is_passed_over(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("a.log", "old/a.log.1", "old/a.log.2.gz"):
        written(tmp_path / name, gzip.compress(LINE.encode()) if name.endswith("gz") else LINE)
    written(tmp_path / "notes.txt", "nothing\n")
    assert found(tmp_path) == (["a.log", "old/a.log.1", "old/a.log.2.gz"], {})


def test_in_a_folder_what_looks_like_a_log_and_is_none_is_named(tmp_path):
    written(tmp_path / "a.log", LINE)
    written(tmp_path / "asterisk.log.1", "[Nov 22 22:39:44] VERBOSE[1] pbx.c: Spawn extension\n")
    written(tmp_path / "pasted.txt", LINE.replace("2026-11-22 22:39:44.599138 90.00% ", "22.11. 22:39 "))
    written(tmp_path / "notes.txt", "nothing\n")
    names, unread = found(tmp_path)
    assert names == ["a.log"]
    assert unread == {"asterisk.log.1": NAMED % "Asterisk", "pasted.txt": logfiles.NOT_A_LOG}


NAMED = "a log of %s, not of FreeSWITCH: it is not read"
FOREIGN = {
    "full": (
        "Asterisk",
        "[2026-11-22 22:39:44] VERBOSE[12][C-0000001a] pbx.c: Executing [100@in:1] Dial()\n",
    ),
    "pjsip": (
        "Asterisk",
        "<--- Received SIP request (923 bytes) from UDP:192.0.2.4:5060 --->\nINVITE sip:a SIP/2.0\n",
    ),
    "sip debug.txt": ("Asterisk", "pbx*CLI> sip set debug on\n<--- SIP read from UDP:192.0.2.4:5060 --->\n"),
    "rtp.txt": (
        "Asterisk",
        "Got  RTP packet from    192.0.2.4:33246 (type 08, seq 010204, ts 001600, len 000160)\n",
    ),
    "sbc": (
        "Kamailio/OpenSIPS",
        "Nov 22 22:39:44 sbc /usr/sbin/kamailio[22]: NOTICE: <script>: INVITE ci=7d1f\n",
    ),
    "opensips.out": ("Kamailio/OpenSIPS", "Nov 22 22:39:44 [2211] INFO:core:probe_max_sock_buff: 416 kb\n"),
    "media.txt": (
        "rtpengine",
        "Nov 22 22:39:55 m rtpengine[880]: WARNING: [7d1f port 30001]: Discarded SRTP packet\n",
    ),
    "turn_880.txt": (
        "coturn",
        "1742.1: (12): INFO: session 001000000000000001: realm <a> user <b>: closed (2nd)\n",
    ),
    "console.txt": ("a browser's console", "jssip.min.js:7 JsSIP:Transport disconnected socket code:1006\n"),
    "gateway.txt": ("Janus", "[WARN] [1234] x\n[ERR] [plugins/janus_sip.c:janus_sip_send:88] no\n"),
}


def test_logs_of_other_programs_are_named_with_who_wrote_them_and_none_is_passed_over(tmp_path):
    for name, (_, text) in FOREIGN.items():
        written(tmp_path / name, text)
    written(
        tmp_path / "messages", "Nov 22 22:39:44 h kernel: nf_conntrack: full\nNov 22 22:39:45 h kernel: x\n"
    )
    written(
        tmp_path / "app.json", '{"timestamp":"2026-11-22T22:39:44Z","level":"error","message":"ICE failed"}\n'
    )
    written(tmp_path / "notes.txt", "At 22:39 it rang.\n22:39:44.1 hung up\n")
    written(tmp_path / "a.truth.json", '{\n "time": 3,\n "log": "x, JsSIP:Transport"\n}\n')
    written(tmp_path / "acl.conf.xml", "<?xml version='1.0'?>\n<!-- Nov 22: kamailio[1]: by net::ERR_X -->\n")
    written(tmp_path / "dump", "\x7fELF\0\0Got  RTP packet from\n")
    of = {name: NAMED % maker for name, (maker, _) in FOREIGN.items()}
    of |= dict.fromkeys(("messages", "app.json"), logfiles.NOT_A_LOG)
    _, unread = found(tmp_path)
    assert unread == of | {tmp_path.name: "no FreeSWITCH log in this folder"}
    logs, others = logfiles.beside([written(tmp_path / "a.pcapng", "x")])
    assert (logs, {each.path.name: each.reason for each in others}) == ([], of)


def test_a_folder_without_a_log_is_said(tmp_path):
    written(tmp_path / "notes.txt", "nothing\n")
    assert found(tmp_path) == ([], {tmp_path.name: "no FreeSWITCH log in this folder"})


def test_a_log_given_twice_is_one(tmp_path):
    path = written(tmp_path / "a.log", LINE)
    assert found(path, tmp_path, path) == (["a.log"], {})


def test_the_folder_of_the_results_is_not_looked_into(tmp_path):
    (tmp_path / "out").mkdir()
    written(tmp_path / "out" / "a.log", LINE)
    assert logfiles.find([tmp_path], tmp_path / "out")[0] == []


def test_logs_beside_captures_are_known_by_their_content(tmp_path):
    captures = [written(tmp_path / name, "x") for name in ("a.pcapng", "b.pcapng")]
    for name in ("a.log", "a.log.1", "a.log.2026-11-22-22-38-46.1", "readme.txt", "a.logs"):
        written(tmp_path / name, LINE)
    written(tmp_path / "b.log.gz", gzip.compress(LINE.encode()))
    written(tmp_path / "other.log", "nothing of FreeSWITCH\n")
    names = ["a.log", "a.log.1", "a.log.2026-11-22-22-38-46.1", "a.logs", "b.log.gz", "readme.txt"]
    logs, others = logfiles.beside(captures)
    assert [path.name for path in logs] == names
    assert [path.path.name for path in others] == ["other.log"]


def test_beside_captures_of_a_folder_that_has_gone_is_nothing(tmp_path):
    assert logfiles.beside([tmp_path / "gone" / "a.pcapng"]) == ([], [])


def test_logs_are_told_apart_from_captures(tmp_path):
    log, capture = written(tmp_path / "a.log", LINE), written(tmp_path / "a.pcapng", b"\x0a\x0d\x0d\x0a")
    given = [log, capture, tmp_path, tmp_path / "gone"]
    assert logfiles.apart(given) == ((capture, tmp_path, tmp_path / "gone"), (log,))


def test_blocks_are_whole_records_and_together_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(logfiles, "BLOCK", 200)
    record = (
        f"{UUID} 2026-11-22 22:39:44.599138 [DEBUG] sofia.c:1 Remote SDP:\n{UUID} v=0\n{UUID} o=a 1 1\n\n"
    )
    path = written(tmp_path / "a.log", record * 20)
    blocks = list(logfiles.blocks(path))
    assert b"".join(blocks) == path.read_bytes()
    assert len(blocks) > 10
    assert all(block.startswith(UUID.encode() + b" 2026-") for block in blocks if block)


@pytest.mark.parametrize("before", ["> ", "Nov 22 22:39:44 pbx freeswitch[1]: ", "fs-1  | "])
def test_blocks_of_a_log_from_another_program_are_its_records_alone(tmp_path, monkeypatch, before):
    monkeypatch.setattr(logfiles, "BLOCK", 200)
    record = f"{UUID} 2026-11-22 22:39:44.599138 [DEBUG] sofia.c:1 Remote SDP:\n{UUID} v=0\no=a 1 1\n"
    wrapped = "".join(f"{before}{line}\n" for line in record.splitlines()) * 20
    path = written(tmp_path / "a.txt", wrapped)
    assert found(path) == (["a.txt"], {})
    assert b"".join(logfiles.blocks(path)).decode() == record * 20


def test_a_line_longer_than_a_block_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(logfiles, "BLOCK", 100)
    monkeypatch.setattr(logfiles, "LONGEST", 50)
    path = written(tmp_path / "a.log", "x" * 1000 + "\n" + LINE)
    assert b"".join(logfiles.blocks(path)) == path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_becomes_utf_8_wherever_the_pieces_are_cut(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(logfiles, "BLOCK", 101)
    text = LINE + "Jürgen 😀\n" * 50
    path = written(tmp_path / "a.log", text.encode(encoding))
    assert b"".join(logfiles.blocks(path)).decode() == text


def test_a_packed_log_that_breaks_off_is_read_so_far_and_then_says_so(tmp_path):
    path = written(tmp_path / "a.log.gz", gzip.compress(os.urandom(50_000).hex().encode())[:-20_000])
    read = []
    with pytest.raises(CaptureError, match="cut short: damaged"):
        for block in logfiles.blocks(path):
            read.append(block)
    assert sum(map(len, read)) > 1000

"""tshark as a stream of frames: what it says is what comes; and single frames for people who look closer."""

import asyncio
import os
import sys
import threading

import orjson
import psutil
import pytest

from postproc.model.errors import CaptureError, SetupError
from postproc.read import drilling, processes, programs, streaming, tshark
from postproc.read.frame import nanoseconds

SIP = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nVia: SIP/2.0/TCP a;branch=z\r\n" + (
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nContent-Length: 0\r\n\r\n"
)


def pcap(*packets: bytes) -> bytes:
    """A pcap file of IPv4 packets (link type RAW), a second apart."""
    head = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000")
    records = (
        second.to_bytes(4, "little") + bytes(4) + 2 * len(packet).to_bytes(4, "little") + packet
        for second, packet in enumerate(packets, 1)
    )
    return head + b"".join(records)


def ipv4(protocol: int, segment: bytes) -> bytes:
    head = b"\x45\0" + (20 + len(segment)).to_bytes(2) + bytes(4) + b"\x40" + bytes([protocol]) + bytes(2)
    return head + b"\x0a\0\0\1" + b"\x0a\0\0\2" + segment


def tcp(sequence: int, payload: bytes) -> bytes:
    ports = (5060).to_bytes(2) + (5070).to_bytes(2)
    return ipv4(6, ports + sequence.to_bytes(4) + b"\0\0\0\1\x50\x18\x20\0" + bytes(4) + payload)


@pytest.fixture
def written(tmp_path):
    def write(content: bytes):
        path = tmp_path / "a.pcap"
        path.write_bytes(content)
        return path

    return write


def test_version_is_three_numbers():
    assert tuple(map(int, programs.tshark_version().split("."))) >= (4, 0, 0)


def test_missing_tshark_names_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"tshark not found; install it: .*apt-get install tshark"):
        programs.tshark_version()


@pytest.mark.parametrize("says", ["TShark (Wireshark) 3.6.2", "something else"])
def test_old_or_strange_tshark_is_refused(monkeypatch, tmp_path, says):
    program = tmp_path / "tshark"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"too old, 4\.0 or later is needed"):
        programs.tshark_version()


def test_every_message_of_a_segment_and_of_several_segments(written):
    one, two, three = (SIP % number for number in (1, 2, 3))
    first = one + two + three[:40]
    path = written(pcap(tcp(1, first), tcp(1 + len(first), three[40:])))
    frames = list(tshark.frames(path))
    assert [(frame.number, frame.messages["sip"]) for frame in frames] == [(1, [one, two]), (2, [three])]
    assert (frames[0].src_addr, frames[0].src_port, frames[0].dst_port) == ("10.0.0.1", 5060, 5070)
    assert (frames[0].time, frames[0].transport) == (1_000_000_000, "tcp")


def test_frames_without_signalling_are_not_shown(written):
    assert list(tshark.frames(written(pcap(ipv4(17, bytes(20)))))) == []


def test_icmp_is_one_frame_with_the_outer_addresses(written):
    quoted = ipv4(
        17, (30000).to_bytes(2) + (3478).to_bytes(2) + b"\0\x1c\0\0" + b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)
    )
    (frame,) = tshark.frames(written(pcap(ipv4(1, b"\3\3\0\0\0\0\0\0" + quoted))))
    assert (frame.src_addr, frame.transport) == ("10.0.0.1", None)
    assert frame.messages["icmp"][0][8:] == quoted


def test_text_is_refused_in_one_line(written):
    with pytest.raises(CaptureError, match=r"tshark failed \(\d+\): .*isn't a capture file"):
        list(tshark.frames(written(b"hello world, this is no capture at all\n")))


def test_file_cut_short_yields_its_whole_frames(written):
    path = written(pcap(tcp(1, SIP % 1), tcp(300, SIP % 2))[:-5])
    assert [frame.number for frame in tshark.frames(path)] == [1]


def test_users_preferences_do_not_count(written, monkeypatch, tmp_path):
    (tmp_path / "preferences").write_text(
        "gui.column.format: nonsense\nsip.desegment_headers: FALSE\nbad line\n"
    )
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(tmp_path))
    message = SIP % 1
    path = written(pcap(tcp(1, message[:30]), tcp(31, message[30:])))
    assert [each for frame in tshark.frames(path) for each in frame.messages.get("sip", [])] == [message]


def test_works_inside_a_running_event_loop_and_in_another_thread(written):
    path = written(pcap(tcp(1, SIP % 1)))
    counted = []

    def count():
        counted.append(len(list(tshark.frames(path))))

    async def main():
        count()

    asyncio.run(main())
    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    count()
    assert counted == [1, 1, 1]


def test_stopping_early_leaves_no_process(written, monkeypatch):
    started = []
    monkeypatch.setattr(processes, "limit_memory", lambda pid, _: started.append(pid))
    path = written(pcap(*(tcp(1 + 200 * n, SIP % n) for n in range(2000))))
    stream = tshark.frames(path)
    next(stream)
    os.kill(started[0], 0)
    stream.close()
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="shell script")
def test_death_of_tshark_is_a_capture_error(monkeypatch, tmp_path, written):
    program = tmp_path / "tshark"
    program.write_text(
        "#!/bin/sh\n[ \"$1\" = -v ] && echo 'TShark (Wireshark) 4.0.17' && exit\necho oops >&2\nkill -9 $$\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaptureError, match="tshark failed"):
        list(tshark.frames(written(pcap())))


@pytest.fixture(params=["wide", "small"])
def told(request, monkeypatch, tmp_path, written):
    """What a program's output is taken for, through a pipe that can be widened and one that cannot."""
    if request.param == "small":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    program, capture = tmp_path / "tshark", written(pcap())

    def tell(script: str):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return list(streaming.layers(str(program), capture, {}))

    return tell


LINE = orjson.dumps({"timestamp": "1", "layers": {"frame": {}}}).decode()


def test_layers_are_those_of_all_whole_lines_without_the_index_lines(told):
    lines = ['{"index":{}}', LINE, '{"timestamp":', LINE[:-1], LINE]
    assert told("".join(f"echo '{line}'\n" for line in lines) + f"printf '%s' '{LINE}'") == 2 * [
        {"frame": {}}
    ]


def test_tshark_that_goes_on_for_too_long_is_stopped(told, monkeypatch):
    monkeypatch.setattr(processes, "patience", lambda _: 0.05)
    for does in ("exec sleep 60", "exec sleep 60 >&-"):  # silent; or at its end, and there yet
        with pytest.raises(CaptureError, match="took too long"):
            told(does)


def test_tshark_that_says_more_than_any_honest_capture_gives_is_stopped(told, monkeypatch):
    monkeypatch.setattr(processes, "most", lambda _: 8)
    assert told("echo nothing") == []
    with pytest.raises(CaptureError, match="more of it than of any honest capture"):
        told("echo nothing!")


def test_a_line_without_an_end_is_not_waited_for(monkeypatch, tmp_path, written):
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\nexec tr '\\0' 7 < /dev/zero\n")
    program.chmod(0o755)
    monkeypatch.setattr(tshark, "executable", lambda: str(program))
    monkeypatch.setattr(streaming, "LONGEST_LINE", 1 << 20)
    with pytest.raises(CaptureError, match="more of it than of any honest capture"):
        list(tshark.frames(written(pcap())))


def test_where_pipes_are_small_the_frames_are_the_same(pcaps, monkeypatch):
    path = pcaps / "two_calls.pcapng"
    frames = list(tshark.frames(path))
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert list(tshark.frames(path)) == frames


@pytest.mark.parametrize("octal, shown", [("002", r"\x02"), ("033]0;", r"\x1b]0;"), ("302\\233", r"\x9b")])
def test_what_tshark_says_does_nothing_to_a_terminal(monkeypatch, tmp_path, written, octal, shown):
    program = tmp_path / "tshark"
    program.write_text(f"#!/bin/sh\nprintf 'version \"\\{octal}\" unsupported\\n' >&2\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setattr(tshark, "executable", lambda: str(program))
    with pytest.raises(CaptureError) as caught:
        list(tshark.frames(written(pcap())))
    assert str(caught.value) == f'tshark failed (2): version "{shown}" unsupported'


def test_only_the_end_of_many_complaints_is_kept(monkeypatch, tmp_path, written):
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\nyes nonsense | head -c 3000000 >&2\necho the end >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(tshark, "executable", lambda: str(program))
    with pytest.raises(CaptureError, match=r"tshark failed \(3\): .*nonsense"):
        list(tshark.frames(written(pcap())))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795387129.496116714", 1795387129496116714),
        ("1.5", 1_500_000_000),
        ("7", 7_000_000_000),
        ("-1.250000000", -1_250_000_000),
        ("2026-11-22T22:38:49.496116714Z", 1795387129496116714),
    ],
)
def test_times_are_exact_nanoseconds(text, expected):
    assert nanoseconds(text) == expected


def test_frames_that_nobody_wants_any_more_do_not_hold_up_the_end(pcaps):
    stream = tshark.frames(pcaps / "two_calls.pcapng", show="frame")
    assert next(stream).number == 1
    stream.close()


def children():
    """The tsharks that this process has started and that still run."""
    return [each for each in psutil.Process().children(recursive=True) if "tshark" in each.name()]


@pytest.fixture(scope="module")
def good(pcaps):
    return pcaps / "good.pcapng"


def test_frames_bear_the_numbers_of_the_file_and_all_their_fields(good):
    invite, *_ = drilling.packets(good, "sip.Method == INVITE")
    assert invite.number == "4"
    assert [layer.layer_name for layer in invite.layers] == ["eth", "ip", "tcp", "sip"]
    assert invite.sip.get_field_value("from.user") == "721"


def test_no_more_than_the_limit_and_nothing_left_running(good):
    assert [each.number for each in drilling.packets(good, "stun", limit=2)] == ["13", "14"]
    assert children() == []


def test_stopping_amid_much_output_does_not_wait_for_ever(good):
    assert len(drilling.packets(good, "udp", limit=101)) == 101
    assert children() == []


def test_a_limit_above_what_there_is_is_no_trouble(good):
    assert len(drilling.packets(good, "sip.Method == BYE", limit=50)) == 2
    assert drilling.packets(good, "sip.Method == REGISTER") == []


def test_inside_a_running_loop_and_in_a_thread(good):
    counted = []

    def count():
        counted.append(len(drilling.packets(good, "sip.Method == INVITE")))

    async def cell():
        count()

    asyncio.run(cell())
    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    assert counted == [2, 2]


def test_without_the_child_watchers_that_newer_pythons_lack(good, monkeypatch):
    for name in ("set_child_watcher", "get_child_watcher", "SafeChildWatcher"):
        monkeypatch.delattr(asyncio, name, raising=False)
    assert len(drilling.packets(good, "sip.Method == INVITE")) == 2


@pytest.mark.parametrize("wrong", ["no.such.field", 'sip.Method == "', "1 =="])
def test_a_wrong_filter_is_told_in_one_line(good, wrong):
    with pytest.raises(CaptureError, match=r"tshark failed \(\d+\): ") as caught:
        drilling.packets(good, wrong)
    assert "\n" not in str(caught.value)
    assert children() == []


def test_a_capture_that_is_gone(tmp_path):
    with pytest.raises(CaptureError, match="not there any more"):
        drilling.packets(tmp_path / "gone.pcapng", "sip")


def test_a_file_cut_short_gives_its_whole_frames(pcaps, tmp_path):
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes((pcaps / "good.pcapng").read_bytes()[:20_000])
    numbers = [int(each.number) for each in drilling.packets(cut, "sip || stun")]
    assert numbers[:3] == [4, 6, 9]
    assert numbers == sorted(numbers)


def test_a_name_that_looks_like_an_option_is_a_file(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-w out").write_bytes(good.read_bytes())
    assert len(drilling.packets((tmp_path / "-w out").relative_to(tmp_path), "sip.Method == INVITE")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["-w out"]


def test_tshark_that_hangs_is_stopped(good, monkeypatch):
    monkeypatch.setattr(drilling.PdmlCapture, "deadline", lambda self: self.eventloop.time())
    with pytest.raises(CaptureError, match="took too long"):
        drilling.packets(good, "frame")
    assert children() == []

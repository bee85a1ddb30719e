"""Single frames by pyshark: numbered as in the file, in Jupyter, too, and nothing is left running."""

import asyncio
import threading

import psutil
import pytest

from postproc.model.errors import CaptureError
from postproc.read import drill


def processes():
    """The tsharks that this process has started and that still run."""
    return [each for each in psutil.Process().children(recursive=True) if "tshark" in each.name()]


@pytest.fixture(scope="module")
def good(pcaps):
    return pcaps / "good.pcapng"


def test_frames_bear_the_numbers_of_the_file_and_all_their_fields(good):
    invite, *_ = drill.packets(good, "sip.Method == INVITE")
    assert invite.number == "4"
    assert [layer.layer_name for layer in invite.layers] == ["eth", "ip", "tcp", "sip"]
    assert invite.sip.get_field_value("from.user") == "721"


def test_no_more_than_the_limit_and_nothing_left_running(good):
    assert [each.number for each in drill.packets(good, "stun", limit=2)] == ["13", "14"]
    assert processes() == []


def test_stopping_amid_much_output_does_not_wait_for_ever(good):
    assert len(drill.packets(good, "udp", limit=101)) == 101
    assert processes() == []


def test_a_limit_above_what_there_is_is_no_trouble(good):
    assert len(drill.packets(good, "sip.Method == BYE", limit=50)) == 2
    assert drill.packets(good, "sip.Method == REGISTER") == []


def test_inside_a_running_loop_and_in_a_thread(good):
    counted = []

    def count():
        counted.append(len(drill.packets(good, "sip.Method == INVITE")))

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
    assert len(drill.packets(good, "sip.Method == INVITE")) == 2


@pytest.mark.parametrize("wrong", ["no.such.field", 'sip.Method == "', "1 =="])
def test_a_wrong_filter_is_told_in_one_line(good, wrong):
    with pytest.raises(CaptureError, match=r"tshark failed \(\d+\): ") as caught:
        drill.packets(good, wrong)
    assert "\n" not in str(caught.value)
    assert processes() == []


def test_a_capture_that_is_gone(tmp_path):
    with pytest.raises(CaptureError, match="not there any more"):
        drill.packets(tmp_path / "gone.pcapng", "sip")


def test_a_file_cut_short_gives_its_whole_frames(pcaps, tmp_path):
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes((pcaps / "good.pcapng").read_bytes()[:20_000])
    numbers = [int(each.number) for each in drill.packets(cut, "sip || stun")]
    assert numbers[:3] == [4, 6, 9]
    assert numbers == sorted(numbers)


def test_a_name_that_looks_like_an_option_is_a_file(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-w out").write_bytes(good.read_bytes())
    assert len(drill.packets((tmp_path / "-w out").relative_to(tmp_path), "sip.Method == INVITE")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["-w out"]


def test_tshark_that_hangs_is_stopped(good, monkeypatch):
    monkeypatch.setattr(drill.PdmlCapture, "deadline", lambda self: self.eventloop.time())
    with pytest.raises(CaptureError, match="took too long"):
        drill.packets(good, "frame")
    assert processes() == []

"""Wireshark itself: colours, the button "This call", every entry of the menus, nothing to complain of."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.plugins import screen, wiresharks
from tests.plugins.desktop import Desktop, started
from tests.plugins.dissected import frames
from tests.plugins.screen import until
from tests.plugins.wiresharks import ROOT, Wireshark

GOOD, TWO_CALLS, UNANSWERED = (
    ROOT / "pcaps" / f"{name}.pcapng" for name in ("good", "two_calls", "no_binding_success")
)
ABSENT = screen.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(ABSENT is not None, reason=f"{ABSENT}")]
IN_CALL_2 = 2000  # a packet of media
RULE = re.compile(r"@Legs: (.+)@.+@\[(\d+),(\d+),(\d+)\]\[\d+,\d+,\d+\]$", re.MULTILINE)


def colours() -> dict[str, tuple[int, ...]]:
    """Backgrounds of the profile's colour rules, 8 bits each."""
    rules = (ROOT / "plugins" / "profile" / "colorfilters").read_text()
    return {name: tuple(int(value) >> 8 for value in rgb) for name, *rgb in RULE.findall(rules)}


def rows_of(picture: Image.Image, colour: tuple[int, ...]) -> int:
    """How many lines of pixels of the packet list have the colour, left of the first column's text."""
    pixels = (picture.getpixel((30, y)) for y in range(picture.height // 2))
    return sum(max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= 2 for pixel in pixels)


def displayed(desktop: Desktop) -> int | None:
    found = re.search(r"Displayed: (\d+)", desktop.screen.text(desktop.status_bar))
    return int(found[1]) if found else None


def counted(capture: Path, show: str) -> int:
    return len(frames(capture, [], show=show))


def text_of_window(desktop: Desktop, entry: str, title: str) -> str:
    """What the window says that an entry of the menu opens; it is closed again."""
    window = desktop.menu("Legs", entry, then=lambda: desktop.window_of(title))
    text = desktop.screen.text(desktop.screen.box_of(window))
    desktop.screen.act("windowfocus", window)
    desktop.screen.key("Escape")
    until(lambda: not desktop.dialogs(), what="closing of the window")
    return text


@pytest.fixture(params=wiresharks.each("wireshark"))
def wireshark(request: pytest.FixtureRequest) -> Wireshark:
    return request.param


@pytest.fixture
def on_call_2(wireshark: Wireshark, tmp_path: Path) -> Iterator[Desktop]:
    with started(wireshark, TWO_CALLS, tmp_path) as desktop:
        desktop.go_to(IN_CALL_2)
        yield desktop


def test_legs_and_stun_have_their_colours_and_nothing_complains(wireshark: Wireshark, tmp_path: Path) -> None:
    with started(wireshark, GOOD, tmp_path) as desktop:
        picture = desktop.screen.settled()
        assert desktop.dialogs() == {}
        assert desktop.complaints() == []
    for rule in ("leg 1", "leg 2", "STUN success"):
        assert rows_of(picture, colours()[rule]) >= 12, f"{rule}: no row has its colour"


def test_the_button_this_call_leaves_only_the_call_of_the_selected_packet(on_call_2: Desktop) -> None:
    on_call_2.screen.click_on("This call", on_call_2.filter_bar)
    expected = counted(TWO_CALLS, "legs.call == 2")
    assert 0 < expected < counted(TWO_CALLS, "frame")
    until(lambda: displayed(on_call_2) == expected, what=f"{expected} packets displayed")


def test_the_button_on_the_first_packet_leaves_its_call_or_the_whole_list(
    wireshark: Wireshark, tmp_path: Path
) -> None:
    """It opens the connection of SIP: of the only call in one capture, of both calls in the other."""
    for capture, show in ((GOOD, "legs.call == 1"), (TWO_CALLS, "frame")):
        folder = tmp_path / capture.stem
        folder.mkdir()
        with started(wireshark, capture, folder) as desktop:
            desktop.go_to(1)
            desktop.screen.click_on("This call", desktop.filter_bar)
            expected = counted(capture, show)
            until(lambda d=desktop, n=expected: displayed(d) == n, what=f"{expected} packets displayed")


def test_every_entry_of_the_tools_menu_works(on_call_2: Desktop) -> None:
    calls = text_of_window(on_call_2, "Calls in this file", "Calls")
    assert re.search(r"1 22:44:32 721 -> \+498984079810 2 200", calls)
    assert re.search(r"2 22:44:35 760 -> \+4930998877 2 200", calls)
    candidates = text_of_window(on_call_2, "Candidates of this call", "Candidates")
    assert "760 -> +4930998877" in candidates
    assert "+498984079810" not in candidates
    assert "192.168.178.51 port 42267, private" in candidates, candidates
    ports = text_of_window(on_call_2, "Copy filter of the server's ports", "Server's ports")
    assert "udp.port in {31872, 41872}" in ports
    assert on_call_2.screen.clipboard() == "udp.port in {31872, 41872}"
    for entry, show in (
        ("Filter this call", "legs.call == 2"),
        ("Filter this leg", "legs.call == 2 && legs.leg == 2"),
    ):
        expected = counted(TWO_CALLS, show)
        on_call_2.menu("Legs", entry, then=lambda wanted=expected: displayed(on_call_2) == wanted)
    assert on_call_2.complaints() == []


def test_open_bindings_of_the_selected_call(wireshark: Wireshark, tmp_path: Path) -> None:
    show = 'legs.call == 1 && (legs.outcome == "unanswered" || legs.outcome == "pending")'
    first, *others = frames(UNANSWERED, ["legs.outcome"], show=show)
    with started(wireshark, UNANSWERED, tmp_path) as desktop:
        desktop.go_to(first.number)
        as_many = 1 + len(others)
        desktop.menu("Legs", "Open bindings of this call", then=lambda: displayed(desktop) == as_many)


def test_menus_ask_for_a_packet_of_a_call_where_none_is_selected(
    wireshark: Wireshark, tmp_path: Path
) -> None:
    with started(wireshark, TWO_CALLS, tmp_path) as desktop:
        # the first packet opens a connection that both calls use
        assert "Select a packet of a call first" in text_of_window(desktop, "Filter this call", "Legs")


def test_a_button_in_the_window_of_calls_filters_its_call(on_call_2: Desktop) -> None:
    window = on_call_2.menu("Legs", "Calls in this file", then=lambda: on_call_2.window_of("Calls"))
    screen, box = on_call_2.screen, on_call_2.screen.box_of(window)
    place = until(lambda: screen.place_of("Call 2", box) or screen.place_of("Call2", box), what="the button")
    screen.click(*place)
    expected = counted(TWO_CALLS, "legs.call == 2")
    until(lambda: displayed(on_call_2) == expected, what=f"{expected} packets displayed")


@pytest.mark.parametrize("wireshark", wiresharks.newer("wireshark"), indirect=True)
def test_a_right_click_filters_the_call_of_the_packet_under_the_pointer(on_call_2: Desktop) -> None:
    x, y = on_call_2.screen.wait_for(str(IN_CALL_2))
    expected = counted(TWO_CALLS, "legs.call == 2")
    on_call_2.packet_menu(x, y, "Legs", "Filter this call", then=lambda: displayed(on_call_2) == expected)

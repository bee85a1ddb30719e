"""Each kind of value: what is taken, and the one line for what is not."""

import ipaddress
import os
import threading
import time
from contextlib import suppress

import pytest

from postproc.commands.share import hidden
from postproc.model.errors import SetupError
from postproc.read import acl_files, deployment, settings
from postproc.read.settings import At, each, known
from postproc.share.ticket import read_answers

HERE = At("d.toml") / "acl" / "key"


@pytest.mark.parametrize("read, given, found", [
    (settings.text, "a", "a"),
    (settings.choice("allow", "deny"), "deny", "deny"),
    (settings.pattern, "^Ice(Link)?", "^Ice(Link)?"),
    (settings.ports, "30000-33000", range(30000, 33001)),
    (settings.ports, 5060, range(5060, 5061)),
    (settings.network, "10.0.50.118/24", ipaddress.ip_network("10.0.50.0/24")),
    (settings.network, "2001:db8::1", ipaddress.ip_network("2001:db8::1/128")),
    (settings.number, 0, 0),
    (settings.number, 0.05, 0.05),
    (settings.region, "DE", "DE"),
    (settings.region, "", ""),
])  # fmt: skip
def test_values_are_taken(read, given, found):
    assert read(given, HERE) == found


@pytest.mark.parametrize("read, given, expected", [
    (settings.text, "", "text"),
    (settings.text, 5, "text"),
    (settings.table, [], "a table"),
    (settings.choice("allow", "deny"), "Deny", "'allow' or 'deny'"),
    (settings.choice("allow", "deny"), [], "'allow' or 'deny'"),
    (settings.ports, "33000-30000", 'a port or a range of ports like "30000-33000"'),
    (settings.ports, "1-99999", 'a port or a range of ports like "30000-33000"'),
    (settings.ports, True, 'a port or a range of ports like "30000-33000"'),
    (settings.ports, None, 'a port or a range of ports like "30000-33000"'),
    (settings.network, "10.0.0.0/33", 'an address or a network like "192.168.1.0/24"'),
    (settings.network, 10, 'an address or a network like "192.168.1.0/24"'),
    (settings.number, -1, "a number, zero or more"),
    (settings.number, float("nan"), "a number, zero or more"),
    (settings.number, float("inf"), "a number, zero or more"),
    (settings.number, True, "a number, zero or more"),
    (settings.region, "de", 'a country of ISO 3166 like "DE", or ""'),
    (each(settings.text), "a", "a list"),
])  # fmt: skip
def test_what_is_expected_is_said_with_file_and_key(read, given, expected):
    with pytest.raises(SetupError) as caught:
        read(given, HERE)
    assert str(caught.value) == f"d.toml: acl.key: expected {expected}, not {given!r}"


def test_the_place_in_a_list_is_named():
    with pytest.raises(SetupError, match=r"^d\.toml: acl\.key\[1\]: expected text, not 5$"):
        each(settings.text)(["a", 5], HERE)


@pytest.mark.parametrize("pattern", ["(", "*", "a{99999999999}", "[z-a]"])
def test_a_bad_regular_expression_is_refused(pattern):
    with pytest.raises(SetupError, match=r"^d\.toml: acl\.key: not a regular expression: .+"):
        settings.pattern(pattern, HERE)


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    with pytest.raises(SetupError) as caught:
        known({"thresold": 1}, ("thresholds", "markers"), At("d.toml"))
    assert str(caught.value) == "d.toml: unknown key 'thresold'; did you mean 'thresholds'?"


def test_long_and_hostile_values_stay_one_short_line():
    with pytest.raises(SetupError) as caught:
        settings.network("\x1b[2J\n" + "x" * 1000, HERE)
    assert len(str(caught.value)) < 130
    assert str(caught.value).isprintable()
    with pytest.raises(SetupError) as caught:
        known({"\x1b[2J\n" + "x" * 1000: 1}, ("name",), At("d.toml"))
    assert len(str(caught.value)) < 130
    assert str(caught.value).isprintable()


READERS = {
    "--acl": (acl_files.read, b"<list name='a'/>"),
    "--deployment": (deployment.read, b"base = 'generic'"),
    "--answers": (read_answers, b"{}"),
    "--hide": (hidden, b"Anna"),
}


def write(pipe, pieces, pause=0.0):
    """Write into a pipe from elsewhere, as long as somebody reads."""

    def writing():
        with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
                time.sleep(pause)

    thread = threading.Thread(target=writing, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize("option", READERS)
def test_a_pipe_is_read_to_its_end(pipe, tmp_path, option):
    read, content = READERS[option]
    (tmp_path / "file").write_bytes(content)
    writer = write(pipe, [content[:3], content[3:]], 0.05)
    found, expected = read(pipe), read(tmp_path / "file")
    writer.join()
    assert str(found).replace("pipe", "file") == str(expected) and str(expected)


@pytest.mark.parametrize("option", READERS)
@pytest.mark.parametrize("pieces", [None, [b"#"] * 40])
def test_a_pipe_that_does_not_end_is_one_line(pipe, monkeypatch, option, pieces):
    monkeypatch.setattr(settings, "WAIT", 0.3)
    writer = write(pipe, pieces, 0.05) if pieces else None
    with pytest.raises(SetupError, match=r"pipe: a pipe that came to no end within 0\.3 s$"):
        READERS[option][0](pipe)
    if writer:
        writer.join()


@pytest.mark.parametrize("option", READERS)
def test_a_device_without_an_end_is_larger_than_any_such_file(option, tmp_path):
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with pytest.raises(SetupError, match=r"zeros: larger than [0-9]+ MiB, which no (deployment )?file"):
        READERS[option][0](tmp_path / "zeros")


@pytest.mark.parametrize("option", READERS)
def test_a_folder_is_told(option, tmp_path):
    with pytest.raises(SetupError, match="is a directory"):
        READERS[option][0](tmp_path)

"""Each kind of value: what is taken, and the one line for what is not."""

import ipaddress

import pytest

from postproc.model.errors import SetupError
from postproc.read import settings
from postproc.read.settings import At, each, known

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

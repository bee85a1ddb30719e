"""Deployment files: shipped ones, own ones on top of them, each kind of value, every mistake in one line."""

import ipaddress
import re
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from postproc.model.acl import decide
from postproc.model.deployment import GENERIC, Thresholds
from postproc.model.errors import SetupError
from postproc.read import deployment
from postproc.read.deployment import KEYS, SHIPPED, At, each, known, read

PAGE = Path(__file__).parents[2] / "docs" / "DEPLOYMENT.md"

WHOLE = """
base = "generic"
name = "ours"
region = "AT"
public_addresses = ["203.0.113.0/28", "2001:db8::1"]
[markers.client]
user_agent = ["^Linphone"]
[products]
linphone = ["^Linphone"]
[media_ports]
server = ["30000-33000", 40000]
[acl]
candidate = ["whitelist", "vpn"]
signalling = ["vpn"]
whitelist = ["192.168.1.0/24"]
blacklist = ["192.168.0.0/16"]
local_networks = ["10.0.50.118/24"]
[acl.lists.vpn]
default = "deny"
allow = ["172.30.0.0/16"]
deny = ["172.30.1.0/24"]
[thresholds]
dead_seconds = 300
"""


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    """The message for a file with this content, called d.toml."""
    monkeypatch.chdir(tmp_path)

    def message(content):
        data = content if isinstance(content, bytes) else content.encode()
        Path("d.toml").write_bytes(data)
        with pytest.raises(SetupError) as caught:
            read("d.toml")
        return str(caught.value)

    return message


@pytest.fixture
def own(tmp_path):
    def made(content):
        (tmp_path / "own.toml").write_text(content)
        return read(tmp_path / "own.toml")

    return made


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_ones_are_read_by_name(name):
    assert read(name).name == name
    assert read(Path(name)) == read(name)


def test_the_generic_one_knows_nothing():
    assert read("generic") == GENERIC


def test_the_vendor_s_one_knows_the_vendor_s_parts():
    found = read("xphone")
    assert found.markers.user_agent["server"] == ("XPhone Call Controller", "FreeSWITCH")
    assert found.media_ports == {"server": (range(30000, 33001),)}
    assert found.thresholds == Thresholds()
    assert not found.lists
    assert not found.candidate_acl


def test_every_key_reaches_the_deployment(own):
    found = own(WHOLE)
    assert (found.name, found.region) == ("ours", "AT")
    assert found.public_addresses == (ip_network("203.0.113.0/28"), ip_network("2001:db8::1/128"))
    assert found.markers.user_agent == {"client": ("^Linphone",)}
    assert found.products == {"linphone": ("^Linphone",)}
    assert found.media_ports == {"server": (range(30000, 33001), range(40000, 40001))}
    assert (found.candidate_acl, found.signalling_acl) == (("whitelist", "vpn"), ("vpn",))
    assert found.thresholds.dead_seconds == 300
    assert found.thresholds.loss_percent == Thresholds().loss_percent
    assert [found.lists["vpn"].decide(f"172.30.{n}.1").verdict for n in (0, 1)] == ["allowed", "denied"]
    assert found.lists["localnet.auto"].decide("10.0.50.20").verdict == "allowed"


def test_what_is_left_out_is_the_vendor_s(own):
    found = own('[markers.client]\nsdp_owner = ["Mine"]\n[products]\nmine = ["Mine"]')
    assert found.name == "own"
    assert found.markers.sdp_owner == {"client": ("Mine",), "server": ("FreeSWITCH",)}
    assert set(found.products) == {"mine", "xphone", "freeswitch"}
    assert found.region == "DE"


def test_both_blocks_are_asked_whitelist_first_and_peers_against_the_whitelist(own):
    found = own('[acl]\nblacklist = ["192.168.0.0/16"]\nwhitelist = ["192.168.1.0/24"]')
    assert found.candidate_acl == ("whitelist", "blacklist")
    assert found.signalling_acl == ("whitelist",)
    verdicts = [
        decide(a, found.candidate_acl, found.lists).verdict for a in ("192.168.1.5", "192.168.2.5", "8.8.8.8")
    ]
    assert verdicts == ["allowed", "denied", "allowed"]


def test_a_whitelist_alone_denies_all_else_and_a_blacklist_alone_allows_it(own):
    white = own('[acl]\nwhitelist = ["192.168.1.0/24"]')
    black = own('[acl]\nblacklist = ["192.168.1.0/24"]')
    assert decide("8.8.8.8", white.candidate_acl, white.lists).verdict == "denied"
    assert decide("8.8.8.8", black.candidate_acl, black.lists).verdict == "allowed"
    assert black.signalling_acl == ()


def test_a_list_without_default_allows_as_freeswitch_has_it(own):
    assert own("[acl.lists.x]").lists["x"].allow is True


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "own.toml").write_bytes(b'\xef\xbb\xbfname = "bom"')
    assert read(tmp_path / "own.toml").name == "bom"


@pytest.mark.parametrize(
    "content, message",
    [
        ("nme = 1", "d.toml: unknown key 'nme'; did you mean 'name'?"),
        ('base = "asterisk"', "d.toml: base: expected 'xphone' or 'freeswitch' or 'generic', not 'asterisk'"),
        ("[markers.clent]", "d.toml: unknown key 'markers.clent'; did you mean 'client'?"),
        ("[markers.client]\nsdp = []", "d.toml: unknown key 'markers.client.sdp'; did you mean 'sdp_owner'?"),
        ("markers = 5", "d.toml: markers: expected a table, not 5"),
        ("products = []", "d.toml: products: expected a table, not []"),
        ("[products]\nx = 'a'", "d.toml: products.x: expected a list, not 'a'"),
        (
            "[media_ports]\nserver = ['9']",
            "d.toml: media_ports.server[0]: expected a port or a range of ports"
            " like \"30000-33000\", not '9'",
        ),
        (
            "[thresholds]\ndead_second = 5",
            "d.toml: unknown key 'thresholds.dead_second'; did you mean 'dead_seconds'?",
        ),
        (
            "[thresholds]\ndead_seconds = '5'",
            "d.toml: thresholds.dead_seconds: expected a number, zero or more, not '5'",
        ),
        (
            "[acl.lists.x]\ndefault = 'no'",
            "d.toml: acl.lists.x.default: expected 'allow' or 'deny', not 'no'",
        ),
        (
            "[acl]\nwhitelist = ['lan']",
            "d.toml: acl.whitelist[0]: expected an address or a network like \"192.168.1.0/24\", not 'lan'",
        ),
        ("[acl]\nlists = 1", "d.toml: acl.lists: expected a table, not 1"),
        ("region = DE", "d.toml: not TOML: Invalid value (at line 1, column 10)"),
        (b"name = '\xff'", "d.toml: not TOML: not text in UTF-8"),
        ("x = " + "[" * 100_000, "d.toml: not TOML: nested too deeply"),
        (b"#" * (deployment.LARGEST + 1), "d.toml: larger than 1 MiB, which no deployment file is"),
    ],
)
def test_every_mistake_is_one_line_with_file_and_key(wrong, content, message):
    assert wrong(content) == message


def test_a_file_that_is_not_there_is_named_with_the_shipped_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError) as caught:
        read("asterisk")
    assert str(caught.value) == (
        "asterisk: no such file or directory; "
        "a deployment is a TOML file or one of xphone, freeswitch, generic"
    )


def test_the_page_explains_every_key_and_no_other():
    told = re.findall(r"^\| `([\w.]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert told == list(KEYS)


def test_the_page_has_the_thresholds_with_their_values_and_words():
    page = PAGE.read_text()
    for threshold in fields(Thresholds):
        row = f"| `thresholds.{threshold.name}` | {threshold.default:g} | {threshold.metadata['doc']} |"
        assert row in page, row


def test_the_example_of_the_page_is_read(own):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found = own(example)
    assert found.candidate_acl
    assert found.public_addresses


HERE = At("d.toml") / "acl" / "key"


@pytest.mark.parametrize(
    "read, given, found",
    [
        (deployment.text, "a", "a"),
        (deployment.choice("allow", "deny"), "deny", "deny"),
        (deployment.pattern, "^Ice(Link)?", "^Ice(Link)?"),
        (deployment.ports, "30000-33000", range(30000, 33001)),
        (deployment.ports, 5060, range(5060, 5061)),
        (deployment.network, "10.0.50.118/24", ipaddress.ip_network("10.0.50.0/24")),
        (deployment.network, "2001:db8::1", ipaddress.ip_network("2001:db8::1/128")),
        (deployment.number, 0, 0),
        (deployment.number, 0.05, 0.05),
        (deployment.region, "DE", "DE"),
        (deployment.region, "", ""),
    ],
)
def test_values_are_taken(read, given, found):
    assert read(given, HERE) == found


@pytest.mark.parametrize(
    "read, given, expected",
    [
        (deployment.text, "", "text"),
        (deployment.text, 5, "text"),
        (deployment.table, [], "a table"),
        (deployment.choice("allow", "deny"), "Deny", "'allow' or 'deny'"),
        (deployment.choice("allow", "deny"), [], "'allow' or 'deny'"),
        (deployment.ports, "33000-30000", 'a port or a range of ports like "30000-33000"'),
        (deployment.ports, "1-99999", 'a port or a range of ports like "30000-33000"'),
        (deployment.ports, True, 'a port or a range of ports like "30000-33000"'),
        (deployment.ports, None, 'a port or a range of ports like "30000-33000"'),
        (deployment.network, "10.0.0.0/33", 'an address or a network like "192.168.1.0/24"'),
        (deployment.network, 10, 'an address or a network like "192.168.1.0/24"'),
        (deployment.number, -1, "a number, zero or more"),
        (deployment.number, float("nan"), "a number, zero or more"),
        (deployment.number, float("inf"), "a number, zero or more"),
        (deployment.number, True, "a number, zero or more"),
        (deployment.region, "de", 'a country of ISO 3166 like "DE", or ""'),
        (each(deployment.text), "a", "a list"),
    ],
)
def test_what_is_expected_is_said_with_file_and_key(read, given, expected):
    with pytest.raises(SetupError) as caught:
        read(given, HERE)
    assert str(caught.value) == f"d.toml: acl.key: expected {expected}, not {given!r}"


def test_the_place_in_a_list_is_named():
    with pytest.raises(SetupError, match=r"^d\.toml: acl\.key\[1\]: expected text, not 5$"):
        each(deployment.text)(["a", 5], HERE)


@pytest.mark.parametrize("pattern", ["(", "*", "a{99999999999}", "[z-a]"])
def test_a_bad_regular_expression_is_refused(pattern):
    with pytest.raises(SetupError, match=r"^d\.toml: acl\.key: not a regular expression: .+"):
        deployment.pattern(pattern, HERE)


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    with pytest.raises(SetupError) as caught:
        known({"thresold": 1}, ("thresholds", "markers"), At("d.toml"))
    assert str(caught.value) == "d.toml: unknown key 'thresold'; did you mean 'thresholds'?"


def test_long_and_hostile_values_stay_one_short_line():
    with pytest.raises(SetupError) as caught:
        deployment.network("\x1b[2J\n" + "x" * 1000, HERE)
    assert len(str(caught.value)) < 130
    assert str(caught.value).isprintable()
    with pytest.raises(SetupError) as caught:
        known({"\x1b[2J\n" + "x" * 1000: 1}, ("name",), At("d.toml"))
    assert len(str(caught.value)) < 130
    assert str(caught.value).isprintable()

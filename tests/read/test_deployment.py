"""Deployment files: the shipped ones, own ones on top of them, and every mistake in one line."""

import re
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from postproc.model.acl import decide
from postproc.model.deployment import GENERIC, Thresholds
from postproc.model.errors import SetupError
from postproc.read import deployment
from postproc.read.deployment import KEYS, SHIPPED, read

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


@pytest.mark.parametrize("content, message", [
    ("nme = 1", "d.toml: unknown key 'nme'; did you mean 'name'?"),
    ('base = "asterisk"', "d.toml: base: expected 'xphone' or 'freeswitch' or 'generic', not 'asterisk'"),
    ("[markers.clent]", "d.toml: unknown key 'markers.clent'; did you mean 'client'?"),
    ("[markers.client]\nsdp = []", "d.toml: unknown key 'markers.client.sdp'; did you mean 'sdp_owner'?"),
    ("markers = 5", "d.toml: markers: expected a table, not 5"),
    ("products = []", "d.toml: products: expected a table, not []"),
    ("[products]\nx = 'a'", "d.toml: products.x: expected a list, not 'a'"),
    ("[media_ports]\nserver = ['9']",
     "d.toml: media_ports.server[0]: expected a port or a range of ports like \"30000-33000\", not '9'"),
    ("[thresholds]\ndead_second = 5",
     "d.toml: unknown key 'thresholds.dead_second'; did you mean 'dead_seconds'?"),
    ("[thresholds]\ndead_seconds = '5'",
     "d.toml: thresholds.dead_seconds: expected a number, zero or more, not '5'"),
    ("[acl.lists.x]\ndefault = 'no'", "d.toml: acl.lists.x.default: expected 'allow' or 'deny', not 'no'"),
    ("[acl]\nwhitelist = ['lan']",
     "d.toml: acl.whitelist[0]: expected an address or a network like \"192.168.1.0/24\", not 'lan'"),
    ("[acl]\nlists = 1", "d.toml: acl.lists: expected a table, not 1"),
    ("region = DE", "d.toml: not TOML: Invalid value (at line 1, column 10)"),
    (b"name = '\xff'", "d.toml: not TOML: not text in UTF-8"),
    ("x = " + "[" * 100_000, "d.toml: not TOML: nested too deeply"),
    (b"#" * (deployment.LARGEST + 1), "d.toml: larger than 1 MiB, which no deployment file is"),
])  # fmt: skip
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

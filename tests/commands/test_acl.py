"""``postproc acl check`` on the command line."""

import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.commands.access import _wrapped

BLOCKS = '[acl]\nwhitelist = ["192.168.1.0/24"]\nblacklist = ["192.168.0.0/16"]\n'
VPN = '<list name="only_vpn" default="deny"><node type="allow" cidr="172.30.0.0/16"/></list>'


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.toml").write_text(BLOCKS)
    (tmp_path / "acl.conf.xml").write_text(f"<network-lists>{VPN}</network-lists>")
    more = (
        '<list name="lan" default="deny"><node type="allow" domain="d"/></list>'
        '<list name="x" default="$${y}"/>'
    )
    (tmp_path / "two.xml").write_text(f"<network-lists>{VPN}{more}</network-lists>")


def check(*words, lang="en"):
    return CliRunner().invoke(cli, ["acl", "check", *map(str, words), "--lang", lang])


def test_an_address_against_the_blocks_of_a_deployment():
    done = check("ours.toml", "--addr", "192.168.1.5", "--addr", "8.8.8.8")
    assert done.exit_code == 0
    assert "together: allowed, whitelist is the first list that allows it" in done.stdout
    assert "together: allowed, blacklist is the first list that allows it" in done.stdout


def test_lists_are_named_on_the_command_line_built_in_ones_too():
    done = check("acl.conf.xml", "--addr", "172.30.1.1", "--list", "wan.auto", "--list", "only_vpn")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:3]] == [
        ["wan.auto", "denied"],
        ["only_vpn", "allowed"],
    ]


def test_without_a_word_on_what_is_applied_each_list_is_told_and_that():
    done = check("two.xml", "--addr", "8.8.8.8")
    assert "together" not in done.stdout
    assert done.stdout.rstrip().endswith("name them in their order with --list.")
    assert done.stderr.splitlines() == [
        "two.xml: known only to FreeSWITCH: lan: domain=d",
        "two.xml: known only to FreeSWITCH: x: $${y}",
    ]


def test_the_machine_s_own_network_lets_its_lists_tell():
    words = ("acl.conf.xml", "--addr", "10.0.50.3", "--list", "localnet.auto")
    assert "unclear" in check(*words).stdout
    assert "allowed" in check(*words, "--local", "10.0.50.118/24").stdout


@pytest.mark.parametrize(
    "name, words, told",
    [
        ("acl_488", ["--list", "only_vpn"], ["answers with 488 (seen here: 488)"]),
        ("no_binding_success", ["--list", "wan.auto"], ["takes candidate 2", "(frame 19) went there"]),
        ("no_binding_success", ["--list", "rfc1918.auto"], ["takes candidate 1", "it applies other lists"]),
        ("acl_403", ["--signalling-list", "only_vpn"], ["from 10.0.50.118", "answered with 403", "denied"]),
        ("client_view", ["--list", "wan.auto"], ["No candidates are offered to a server"]),
    ],
)
def test_a_capture_against_lists(pcaps, name, words, told):
    done = check("acl.conf.xml", "--capture", pcaps / f"{name}.pcapng", *words)
    assert done.exit_code == 0
    assert [each for each in told if each not in done.stdout] == []


def test_german_is_german(pcaps):
    done = check("ours.toml", "--capture", pcaps / "acl_403.pcapng", lang="de")
    assert "Der Server nimmt Kandidat 2: den ersten, den die Liste blacklist erlaubt." in done.stdout
    assert "server takes" not in done.stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["ours.toml"], "nothing to try: give --addr or --capture"),
        (["nope.xml", "--addr", "8.8.8.8"], "postproc: nope.xml: no such file or directory"),
        (["xphone", "--addr", "8.8.8.8"], "postproc: no list to try the address on; name one with --list"),
        (
            ["ours.toml", "--addr", "8.8.8.8", "--local", "lan"],
            "postproc: --local: expected a network like 10.0.0.0/24, not 'lan'",
        ),
        (
            ["ours.toml", "--addr", "8.8.8.8", "--deployment", "nope"],
            "postproc: nope: no such file or directory",
        ),
        (["acl.conf.xml", "--capture", "acl.conf.xml"], "Which of these lists are applied is not known"),
        (["ours.toml", "--capture", "nope.pcapng"], "postproc: nope.pcapng"),
        (["ours.toml", "--capture", "ours.toml"], "not a capture"),
        (
            ["ours.toml", "--addr", "300.1.2.3"],
            "--addr: expected an address like 192.168.1.5, not '300.1.2.3'",
        ),
        (
            ["ours.toml", "--addr", "10.0.0.0/8"],
            "--addr: expected an address like 192.168.1.5, not '10.0.0.0/8'",
        ),
        (["no.auto", "--addr", "10.1.2.3"], "postproc: no.auto: no such file or directory"),
    ],
)
def test_mistakes_are_one_line_and_status_2(words, told):
    done = check(*words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_list_that_is_built_in_is_asked_by_its_name():
    done = check("wan.auto", "--addr", "10.1.2.3", "--addr", "198.51.100.7")
    assert done.exit_code == 0
    denied, allowed = done.stdout.partition("198.51.100.7")[::2]
    assert "denied" in denied and "allowed" in allowed


def test_long_lines_are_broken_between_words_on_a_terminal():
    line = "  Its first Binding Request (frame 9) went there, " + "word " * 20
    parts = _wrapped(line, 40)
    assert max(map(len, parts)) <= 40
    assert parts[1].startswith("      ")
    assert " ".join(" ".join(parts).split()) == " ".join(line.split())
    assert _wrapped(line, None) == [line]

"""Access lists from either kind of file, told apart by what is in it; acl.conf.xml as FreeSWITCH takes it."""

import time
from dataclasses import replace

import pytest

from postproc.model.acl import built, decide
from postproc.model.deployment import GENERIC
from postproc.model.errors import SetupError
from postproc.read import access as access_files
from postproc.read.access import Access, Note, parse

OLD = replace(GENERIC, lists={"a": built("a", False), "b": built("b", False)}, candidate_acl=("a",))


def test_a_file_s_lists_go_before_those_of_the_deployment():
    found = Access({"b": built("b", True)}).into(OLD)
    assert {name: listed.allow for name, listed in found.lists.items()} == {"a": False, "b": True}
    assert (found.candidate_acl, found.signalling_acl) == (("a",), ())


def test_what_the_file_applies_is_applied():
    found = Access({}, ("wan.auto",), ("b",)).into(OLD)
    assert (found.candidate_acl, found.signalling_acl) == (("wan.auto",), ("b",))


PLAIN = """<configuration name="acl.conf" description="Network Lists">
  <network-lists>
    <!-- what the stock file has -->
    <list name="lan" default="allow">
      <node type="deny" cidr="192.168.42.0/24"/>
      <node type="allow" cidr="192.168.42.42/32"/>
    </list>
    <list name="domains" default="deny">
      <node type="allow" domain="$${domain}"/>
      <node type="allow" host="10.0.50.0" mask="255.255.255.0"/>
      <node type="allow" cidr="172.30.0.0/16,2001:db8::/32"/>
    </list>
  </network-lists>
</configuration>"""


def lists(nodes, default='default="deny"'):
    return parse(f'<network-lists><list name="x" {default}>{nodes}</list></network-lists>'.encode(), "a.xml")


def verdicts(access, *addresses, name="x"):
    return [access.lists[name].decide(address).verdict for address in addresses]


def test_lists_with_defaults_networks_masks_and_several_networks_in_one_entry():
    found = parse(PLAIN.encode(), "acl.conf.xml")
    assert list(found.lists) == ["lan", "domains"]
    assert verdicts(found, "192.168.42.1", "192.168.42.42", "8.8.8.8", name="lan") == [
        "denied",
        "allowed",
        "allowed",
    ]
    assert verdicts(found, "10.0.50.7", "172.30.1.1", "2001:db8::1", name="domains") == ["allowed"] * 3


def test_a_domain_s_users_are_known_to_freeswitch_alone():
    found = parse(PLAIN.encode(), "acl.conf.xml")
    assert verdicts(found, "8.8.8.8", name="domains") == ["unknown"]
    assert found.notes == (Note("unresolved", "domains: domain=$${domain}"),)


@pytest.mark.parametrize(
    "word, verdict",
    [
        ("allow", "allowed"),
        ("TRUE", "allowed"),
        ("yes", "allowed"),
        ("on", "allowed"),
        ("1", "allowed"),
        ("-1", "allowed"),
        ("t", "allowed"),
        ("enabled", "allowed"),
        ("active", "allowed"),
        ("deny", "denied"),
        ("0", "denied"),
        ("+00", "denied"),
        ("", "denied"),
        ("permit", "denied"),
        ("-", "denied"),
    ],
)
def test_words_that_allow_are_freeswitch_s(word, verdict):
    assert verdicts(lists(f'<node type="{word}" cidr="10.0.0.0/8"/>', 'default="allow"'), "10.1.1.1") == [
        verdict
    ]
    assert verdicts(lists("", f'default="{word}"'), "10.1.1.1") == [verdict]


def test_a_list_without_default_allows_and_a_node_without_type_does_as_its_list():
    assert verdicts(lists("", ""), "8.8.8.8") == ["allowed"]
    assert verdicts(lists('<node cidr="10.0.0.0/8"/>'), "10.1.1.1") == ["denied"]


@pytest.mark.parametrize(
    "node, told",
    [
        ('cidr="10.0.0.1"', "x: 10.0.0.1"),  # FreeSWITCH wants a prefix length
        ('cidr="10.0.0.0/33"', "x: 10.0.0.0/33"),
        ('cidr="lan/24"', "x: lan/24"),
        ('host="10.0.0.0" mask="255.0.255.0"', "x: 10.0.0.0/255.0.255.0"),
        ('host="10.0.0.0"', "x: host=10.0.0.0"),
        ("", "x: &lt;node&gt;"),
    ],
)
def test_entries_freeswitch_would_not_take_are_left_out_and_told(node, told):
    found = lists(f'<node type="allow" {node}/><node type="allow" cidr="192.0.2.0/24"/>')
    assert found.notes == (Note("ignored", told.replace("&lt;", "<").replace("&gt;", ">")),)
    assert verdicts(found, "10.0.0.1", "192.0.2.1") == ["denied", "allowed"]


@pytest.mark.parametrize(
    "nodes, default",
    [
        ('<node type="allow" cidr="$${local_net}"/>', 'default="deny"'),
        ('<node type="$${kind}" cidr="10.0.0.0/8"/>', 'default="deny"'),
        ("", 'default="$${acl_default}"'),
    ],
)
def test_variables_leave_the_verdict_open(nodes, default):
    found = lists(nodes, default)
    assert verdicts(found, "10.1.1.1") == ["unknown"]
    assert {note.kind for note in found.notes} == {"unresolved"}


def test_other_files_and_variables_are_told():
    found = parse(
        b'<network-lists><X-PRE-PROCESS cmd="include" data="acl/*.xml"/><list name="x"/></network-lists>', "a"
    )
    assert found.notes == (Note("include", "include acl/*.xml"),)


def test_of_two_lists_of_a_name_the_last_counts():
    found = parse(
        b'<network-lists><list name="x" default="deny"/><list name="x" default="allow"/>'
        b'<list default="deny"/></network-lists>',
        "a",
    )
    assert verdicts(found, "8.8.8.8") == ["allowed"]
    assert list(found.lists) == ["x"]


def whole(*profiles):
    settings = "".join(
        "<profile name='p'><settings>"
        + "".join(f'<param name="{name}" value="{value}"/>' for name, value in profile)
        + "</settings></profile>"
        for profile in profiles
    )
    lists = '<configuration name="acl.conf"><network-lists><list name="x"/></network-lists></configuration>'
    other = '<configuration name="distributor.conf"><lists><list name="other"/></lists></configuration>'
    text = f"<document><section>{lists}{other}{settings}</section></document>"
    return parse(text.encode(), "freeswitch.xml")


def test_a_whole_configuration_says_which_lists_are_applied():
    applied = (
        ("apply-candidate-acl", "x"),
        ("apply-candidate-acl", "wan.auto"),
        ("apply-inbound-acl", "x:in:out"),
    )
    found = whole(applied, [("rtp-ip", "10.0.0.1")])
    assert (found.candidate, found.signalling) == (("x", "wan.auto"), ("x",))
    assert list(found.lists) == ["x"]  # lists of other modules are none of ours


def test_profiles_that_differ_are_told_and_none_is_taken():
    found = whole([("apply-candidate-acl", "x")], [("apply-candidate-acl", "wan.auto")])
    assert (found.candidate, found.notes) == ((), (Note("profiles", "apply-candidate-acl"),))


def test_a_variable_in_place_of_a_list_s_name_cannot_tell():
    found = whole([("apply-candidate-acl", "$${candidates}"), ("apply-inbound-acl", "10.0.0.0/8")])
    assert decide("8.8.8.8", found.candidate, found.lists).verdict == "unknown"
    assert decide("10.1.1.1", found.signalling, found.lists).verdict == "allowed"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {name} "{"&" + before + ";" * 1}{("&" + before + ";") * 9}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><network-lists><list name='&j;'/></network-lists>"
)
OUTSIDE = (
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><network-lists><list name="&e;"/></network-lists>'
)


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, "<!DOCTYPE x><network-lists/>"])
def test_entities_are_refused_before_they_cost_anything(content):
    begun = time.perf_counter()
    with pytest.raises(SetupError, match=r"^a\.xml: cannot be read as XML: it has a DOCTYPE"):
        parse(content.encode(), "a.xml")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<",
        b"<network-lists>",
        b"<a>&e;</a>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<?xml version="1.0" encoding="utf-32"?><a/>',
        b"<a>\x00</a>",
    ],
)
def test_what_is_no_xml_is_one_line(content):
    with pytest.raises(SetupError) as caught:
        parse(content, "a.xml")
    assert str(caught.value).startswith("a.xml: cannot be read as XML: ")
    assert "\n" not in str(caught.value)


def test_xml_without_lists_says_what_was_expected():
    with pytest.raises(
        SetupError, match=r"^a\.xml: no access lists in it: expected <network-lists> with a <list"
    ):
        parse(b"<configuration><network-lists/></configuration>", "a.xml")


def test_deep_and_wide_files_are_read():
    deep = b"<a>" * 20_000 + b'<network-lists><list name="x"/></network-lists>' + b"</a>" * 20_000
    assert list(parse(deep, "a.xml").lists) == ["x"]
    nodes = "".join(f'<node type="allow" cidr="10.{n // 256 % 256}.{n % 256}.0/24"/>' for n in range(20_000))
    assert verdicts(lists(nodes), "10.78.31.9", "11.0.0.1") == ["allowed", "denied"]


XML = '<network-lists><list name="x" default="deny"/></network-lists>'


@pytest.mark.parametrize(
    "content",
    [
        XML.encode(),
        b"\n \t" + XML.encode(),
        b"\xef\xbb\xbf" + XML.encode(),
        XML.encode("utf-16"),
    ],
)
def test_xml_is_known_by_its_first_sign(tmp_path, content):
    (tmp_path / "lists").write_bytes(content)
    assert list(access_files.read(tmp_path / "lists").lists) == ["x"]


def test_a_deployment_file_brings_its_lists_and_what_they_apply_to(tmp_path):
    (tmp_path / "d.toml").write_text('[acl]\nwhitelist = ["10.0.0.0/8"]')
    found = access_files.read(tmp_path / "d.toml")
    assert (list(found.lists), found.candidate, found.signalling) == (
        ["whitelist"],
        ("whitelist",),
        ("whitelist",),
    )


def test_a_shipped_deployment_is_known_by_name():
    assert access_files.read("generic").lists == {}


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(SetupError, match=r"nope\.xml: no such file or directory$"):
        access_files.read(tmp_path / "nope.xml")
    with pytest.raises(SetupError, match=r"is a directory$"):
        access_files.read(tmp_path)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(access_files, "LARGEST", 1 << 20)
    (tmp_path / "d.toml").write_text("#" * ((1 << 20) + 1))
    with pytest.raises(SetupError, match="larger than 1 MiB, which no file of access lists is"):
        access_files.read(tmp_path / "d.toml")


def test_neither_xml_nor_toml_is_one_line(tmp_path):
    (tmp_path / "x").write_bytes(b"\x0a\x0d\x0d\x0a\x00\xff")
    with pytest.raises(SetupError, match=r"x: not acl\.conf\.xml, and not TOML: "):
        access_files.read(tmp_path / "x")

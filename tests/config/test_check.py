"""Configuration files as people have them: good, wrong and broken ones of every kind."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from postproc.cli import cli
from postproc.config import deployment_out, telling
from postproc.config.check import check, check_file, check_url
from postproc.config.problems import Role
from postproc.model.text import clean
from postproc.read import deployment as deployments

SETTINGS = {
    "AppSettings": {
        "Secret": "t7Gq-2mKx_81Rb+Uz0LwYcE5uHf3NsPa",
        "JwtTokenLifetimeInMinutes": 30,
        "RefreshTokenLifetimeInHours": 96,
        "SignalRLongPolling": True,
        "XPhoneServerHost": "xps.corp.example.de",
        "XPhoneServerUnifiedPort": "2231",
    },
    "Logging": {"LogLevel": {"Default": "Information", "Microsoft.Hosting": "Error"}},
    "AllowedHosts": "*",
}
WEB = """<?xml version="1.0"?>
<configuration>
  <!-- <endpoint address="net.tcp://localhost:2230/Old" /> -->
  <system.serviceModel>
    <client>
      <endpoint name="ä"
        address="{address}" binding="netTcpBinding" />
    </client>
    <services><service><endpoint address="net.tcp://localhost:9/own" /></service></services>
  </system.serviceModel>
</configuration>"""
PROFILE = """<profile name="external"><settings>
<param name="{name}" value="{value}"/>
{more}</settings></profile>"""
ACL = """<configuration name="acl.conf"><network-lists>
<list name="xcc_localnet" default="deny">{nodes}</list></network-lists></configuration>"""


def told(content, tmp_path, role=None, urls=(), name="appsettings.json"):
    """What is said of a file: key, value, line, put, level."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return telling.document([check_file(path, role, urls)], "en")


def changed(**values):
    return json.dumps({**SETTINGS, "AppSettings": {**SETTINGS["AppSettings"], **values}}, indent=1)


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_good_file_is_silent_in_every_encoding_and_role(role, encoding, tmp_path):
    assert told(json.dumps(SETTINGS, indent=1).encode(encoding), tmp_path, role) == []


@pytest.mark.parametrize(
    ("key", "value", "put", "level"),
    [
        ("XPhoneServerHost", "localhost", "the XPhone Server's host name or address", "fault"),
        ("XPhoneServerHost", "127.0.0.2", "the XPhone Server's host name or address", "fault"),
        ("XPhoneServerHost", "[::1]", "the XPhone Server's host name or address", "fault"),
        ("XPhoneServerHost", "", "the XPhone Server's host name or address", "fault"),
        ("XPhoneServerHost", "xps:2231", "the XPhone Server's host name or address", "fault"),
        ("XPhoneServerUnifiedPort", "2230", "2231", "fault"),
        ("XPhoneServerUnifiedPort", 70000, "2231", "fault"),
        ("XPhoneServerUnifiedPort", "4431", "2231", "hint"),
        ("JwtTokenLifetimeInMinutes", 5, "30 (at least 6)", "fault"),
        ("JwtTokenLifetimeInMinutes", "soon", "30 (at least 6)", "fault"),
        ("RefreshTokenLifetimeInHours", 0, "96", "fault"),
        ("SignalRLongPolling", False, "true where a proxy or firewall blocks WebSocket", "hint"),
        ("SignalRLongPolling", "false", "true where a proxy or firewall blocks WebSocket", "hint"),
        ("SignalRLongPolling", 1, "true / false", "fault"),
        ("Secret", "PLEASE CHANGE THIS TEXT", "a random text of 32 signs or more, your own", "fault"),
        ("Secret", "<your own secret>", "a random text of 32 signs or more, your own", "fault"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_put(key, value, put, level, tmp_path):
    (found,) = told(changed(**{key: value}), tmp_path, Role.DMZ)
    line = 3 + list(SETTINGS["AppSettings"]).index(key)
    expected = {"key": f"AppSettings:{key}", "value": value, "line": line, "put": put, "level": level}
    assert expected.items() <= found.items()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("JwtTokenLifetimeInMinutes", 6),
        ("JwtTokenLifetimeInMinutes", "6"),
        ("RefreshTokenLifetimeInHours", 1),
        ("SignalRLongPolling", "True"),
        ("XPhoneServerHost", "10.20.30.5"),
        ("XPhoneServerHost", "2001:db8::5"),
        ("XPhoneServerHost", "localhost.example.de"),
    ],
)
def test_values_at_the_right_side_of_a_limit_are_let_be(key, value, tmp_path):
    assert told(changed(**{key: value}), tmp_path, Role.DMZ) == []


def test_localhost_is_right_on_the_server_and_open_without_a_role(tmp_path):
    assert told(changed(XPhoneServerHost="localhost"), tmp_path, Role.SERVER) == []
    (found,) = told(changed(XPhoneServerHost="localhost"), tmp_path)
    assert found["level"] == "hint" and "--role" in found["why"]


@pytest.mark.parametrize(
    "secret", ["aaaaaaaaaaaaaaaaaaaaaaaa", "k9Zp4Wd8Qs2Lx7", "MyPassword2024-Berlin-Nord"]
)
def test_a_weak_secret_is_said_and_never_shown(secret, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"AppSettings": {"Secret": secret, "JwtTokenLifetimeInMinutes": 1}}))
    checked = [check_file(path)]
    shown = telling.as_json(checked, "en") + "\n".join(telling.lines(checked, "de"))
    assert [each["value"] for each in telling.document(checked, "en")] == ["***", 1]
    assert secret not in shown and '"***"' in shown


def test_a_strong_secret_is_not_in_a_diff_of_its_line(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(changed(JwtTokenLifetimeInMinutes=1).replace("\n", ""))
    lines = telling.diff(check_file(path))
    assert SETTINGS["AppSettings"]["Secret"] not in "".join(lines)
    assert any('"JwtTokenLifetimeInMinutes": 30' in line for line in lines if line.startswith("+"))


def test_levels_left_on_are_named_wherever_they_stand(tmp_path):
    logging = {
        "EventLog": {"LogLevel": {"Default": "debug", "A.B": "Trace"}},
        "LogLevel": {"X": 1, "Y": "Warning"},
    }
    found = told(json.dumps({"Logging": logging}), tmp_path)
    assert [(each["key"], each["put"]) for each in found] == [
        ("Logging:EventLog:LogLevel:Default", "Information"),
        ("Logging:EventLog:LogLevel:A.B", "Error"),
        ("Logging:LogLevel:X", "Error"),
    ]


def test_misspelt_and_misplaced_keys_have_no_effect_and_are_named(tmp_path):
    held = {"AppSettings": {"SignalRLongPoling": True, "Other": 1}, "XPhoneServerHost": "xps"}
    found = told(json.dumps(held), tmp_path)
    assert [(each["key"], each["put"]) for each in found] == [
        ("AppSettings:SignalRLongPoling", "SignalRLongPolling"),
        ("XPhoneServerHost", "under AppSettings"),
    ]


def test_hosts_allowed_are_held_against_the_public_name(tmp_path):
    url = "https://xp.example.com/XPhoneConnect/webclientapi"
    held = json.dumps({"AllowedHosts": "intern.example.com; *.example.com"})
    assert told(held, tmp_path, urls=[url]) == []
    (found,) = told(held.replace("*.", "www."), tmp_path, urls=[url])
    assert found["key"] == "AllowedHosts"


@pytest.mark.parametrize(
    ("content", "line", "column", "why"),
    [
        ('{\n "a": 1\n "b": 2}', 3, 2, 'expected , / }, found "'),
        ('{"a": 1,\n "A": 2}', 2, 7, "A is there twice"),
        ('{"a": {"b": 1},\n "a:B": 2}', 2, 9, "a:B is there twice"),
        ('{"a": "x\ny"}', 1, 7, "string without an end"),
        ('{"a": "\\q"}', 1, 7, "string without an end"),
        ("{'a': 1}", 1, 2, 'expected "...", found \''),
        ('{"a": 01}', 1, 7, "expected"),
        ('{"a": tru}', 1, 7, "found tru"),
        ('{"a": [1, 2', 1, 12, "ends where"),
        ('{"a" /* x', 1, 6, "comment without */"),
        ('{"a": 1} x', 1, 10, "text after the end"),
        ("[1]", 1, 1, "expected {, found ["),
        ("", 1, 1, "empty file"),
        ('{"a":' * 70, 1, 326, "nested too deeply"),
        ("[" * 100_000, 1, 1, "expected {"),
        ('{"a": ' + "9" * 5000 + "}", 1, 7, "number too long"),
        (b"\xff\xfe{\x00\x00", 1, 2, "no utf-16-le"),
        (b"\x89PNG\r\n\x1a\n\x00", 1, 1, "expected {"),
        (
            "<configuration><a></configuration>",
            1,
            19,
            "</configuration> meets an open <a> (opened in line 1)",
        ),
        ("<configuration>\n<a>", 2, 4, "the file ends within <a> (opened in line 2)"),
        ('<configuration a="1" a="2"/>', 1, 22, "an attribute that is there twice"),
        ("<configuration>&x;</configuration>", 1, 16, "an entity that XML does not know"),
        ('<configuration a="x & y"/>', 1, 22, "is an & or < meant as text?"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><configuration>&a;</configuration>", 1, 1, "DOCTYPE"),
        ("<a>" * 100_000, 1, 193, "nested too deeply"),
        (b'<?xml version="1.0" encoding="utf-8"?>\n<configuration a="\xe4"/>', 2, 19, "no utf-8"),
        ('<?xml version="1.0" encoding="rot13"?><a/>', 1, 1, "unknown encoding rot13"),
        ("<html><body/></html>", 1, 1, "neither appsettings.json"),
    ],
)
def test_a_broken_file_is_one_line_with_its_place(content, line, column, why, tmp_path):
    (found,) = told(content, tmp_path)
    assert (found["broken"], found["line"], found["column"]) == (True, line, column)
    assert why in found["why"] and "\n" not in found["why"]


def test_comments_and_commas_of_dotnet_are_right(tmp_path):
    content = '// a "b": {\n{ /* { */ "AppSettings": { "JwtTokenLifetimeInMinutes": 5, // 30\n }, "x": ["//", "/*",], }\n//'
    (found,) = told(content, tmp_path)
    assert (found["line"], found["value"]) == (2, 5)


@pytest.mark.parametrize(
    ("address", "role", "put"),
    [
        ("net.tcp://localhost:2230/MobileService", Role.DMZ, "net.tcp://<server>:2230/MobileService"),
        ("net.tcp://[::1]:2230/M", Role.DMZ, "net.tcp://<server>:2230/M"),
        ("net.tcp://10.20.30.5:2231/M", Role.DMZ, "net.tcp://10.20.30.5:2230/M"),
        ("net.tcp://10.20.30.5:2233/M", Role.DMZ, "net.tcp://10.20.30.5:2230/M"),
        ("MobileService", Role.SERVER, "net.tcp://<server>:2230/..."),
        ("net.tcp://localhost:2230/M", Role.SERVER, None),
        ("net.tcp://xps.example.de:2230/M", Role.DMZ, None),
        ("http://xps.example.de:8080/M", Role.DMZ, None),
    ],
)
def test_the_endpoint_of_the_mobile_application(address, role, put, tmp_path):
    found = told(WEB.format(address=address), tmp_path, role, name="web.config")
    assert [each["put"] for each in found] == ([put] if put else [])
    for each in found:
        assert each["key"] == "configuration/system.serviceModel/client/endpoint@address"
        assert (each["value"], each["line"]) == (address, 7)


def test_a_web_config_in_an_old_encoding_keeps_its_places(tmp_path):
    content = WEB.format(address="net.tcp://localhost:2230/Dienst&amp;ü")
    content = content.replace("?>", ' encoding="windows-1252"?>', 1).replace("\n", "\r\n").encode("cp1252")
    path = tmp_path / "web.config"
    path.write_bytes(content)
    checked = check_file(path, Role.DMZ)
    assert telling.document([checked], "en")[0]["value"] == "net.tcp://localhost:2230/Dienst&ü"
    assert telling.diff(checked)[2:] == [
        "@@ -7 +7 @@",
        '-        address="net.tcp://localhost:2230/Dienst&amp;ü" binding="netTcpBinding" />',
        '+        address="net.tcp://&lt;XPhone Server&gt;:2230/Dienst&amp;ü" binding="netTcpBinding" />',
    ]


@pytest.mark.parametrize(
    ("name", "value", "more", "role", "why"),
    [
        ("rtp-ip", "127.0.0.1", "", None, "media for nobody but this machine"),
        ("ext-rtp-ip", "localhost", "", None, "media for nobody but this machine"),
        ("sip-ip", "127.0.0.1", "", Role.SATELLITE, "with a satellite"),
        ("sip-ip", "127.0.0.1", "", Role.SERVER, None),
        ("ext-rtp-ip", "192.168.1.4", "", None, "a private address"),
        ("ext-rtp-ip", "203.0.113.4", "", None, None),
        ("ext-rtp-ip", "stun:stun.example.com", "", None, None),
        ("ext-rtp-ip", "stun:", "", None, "no STUN server"),
        ("ext-rtp-ip", "stun:a b:70000", "", None, "no STUN server"),
        ("ext-rtp-ip", "stun:[::1]:3478", "", None, "on the same machine"),
        (
            "ext-rtp-ip",
            "stun:s.example.com",
            '<param name="stun-enabled" value="false"/>',
            None,
            "switched off",
        ),
        ("ext-rtp-ip", "$${external_rtp_ip}", "", None, None),
        ("ext-rtp-ip", "auto-nat", "", Role.SATELLITE, None),
        ("rtp-start-port", "80", "", None, "not a port"),
        (
            "rtp-start-port",
            "33000",
            '<param name="rtp-end-port" value="30000"/>',
            None,
            "ends before it begins",
        ),
        ("rtp-start-port", "30000", '<param name="rtp-end-port" value="33000"/>', None, None),
    ],
)
def test_a_profile_of_freeswitch(name, value, more, role, why, tmp_path):  # noqa: PLR0917
    found = told(PROFILE.format(name=name, value=value, more=more), tmp_path, role, name="x.xml")
    assert [why in each["why"] for each in found] == ([True] if why else [])
    if found and not more:
        assert found[0]["key"] == f"profile[external]/settings/param[{name}]@value" and found[0]["line"] == 2


@pytest.mark.parametrize(
    ("nodes", "role", "why"),
    [
        ('<node type="allow" cidr="127.0.0.1/32"/>', Role.SATELLITE, "403"),
        ('<node type="allow" cidr="127.0.0.1/32"/>', Role.SERVER, None),
        (
            '<node type="allow" cidr="127.0.0.1/32"/><node type="allow" cidr="10.0.0.5/32"/>',
            Role.SATELLITE,
            None,
        ),
        ('<node type="allow" cidr="127.0.0.1/32"/><node type="allow" domain="d"/>', Role.SATELLITE, None),
        ('<node type="allow" cidr="10.0.0.5"/>', None, "prefix length"),
        ('<node type="allow" cidr="10.0.0.0/8, 10.0.0.300/32"/>', None, "prefix length"),
        ('<node type="allow" cidr="$${lan}"/>', None, None),
    ],
)
def test_access_lists_of_freeswitch(nodes, role, why, tmp_path):
    found = told(ACL.format(nodes=nodes), tmp_path, role, name="acl.conf.xml")
    assert [why in each["why"] for each in found] == ([True] if why else [])


def test_a_variable_of_vars_xml_is_judged_where_it_is_set(tmp_path):
    content = '<include>\n<X-PRE-PROCESS cmd="set" data="external_rtp_ip=127.0.0.1"/></include>'
    (found,) = told(content, tmp_path, name="vars.xml")
    assert (found["value"], found["line"]) == ("127.0.0.1", 2)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://xp.example.com/XPhoneConnect/webclientapi", []),
        ("https://xp.example.com/xphoneconnect/mobile/", []),
        ("https://xp.example.com/XPHONEconnect/mobile", ["hint"]),
        ("http://xp.example.com/XPhoneConnect/mobile", ["fault"]),
        ("https://xps/XPhoneConnect/mobile", ["fault"]),
        ("https://192.168.1.1/XPhoneConnect/mobile", ["fault"]),
        ("https://8.8.8.8/XPhoneConnect/mobile", ["hint"]),
        ("https://xp.example.com/other", ["fault"]),
        ("https://u:p@xp.example.com/XPhoneConnect/mobile", ["fault"]),
        ("nothing", ["fault"]),
        ("https://[::1", ["fault"]),
    ],
)
def test_public_urls(url, said):
    assert [problem.level for problem in check_url(url).problems] == said


def test_a_deployment_of_what_the_files_say_is_read_again(tmp_path):
    (tmp_path / "a.xml").write_text(ACL.format(nodes='<node type="allow" cidr="10.0.0.0/8"/>'))
    (tmp_path / "p.xml").write_text(
        PROFILE.format(
            name="ext-rtp-ip",
            value="203.0.113.9",
            more='<param name="apply-candidate-acl" value="xcc_localnet"/><param name="apply-inbound-acl" value="x"/>'
            '<param name="rtp-start-port" value="20000"/><param name="rtp-end-port" value="20099"/>',
        )
    )
    checked, _ = check([tmp_path / "a.xml", tmp_path / "p.xml"])
    out = tmp_path / "ours.toml"
    out.write_text(deployment_out.toml(checked))
    known = deployments.read(out)
    assert known.media_ports["server"] == (range(20000, 20100),)
    assert (known.candidate_acl, known.signalling_acl) == (("xcc_localnet",), ("x",))
    assert known.lists["xcc_localnet"].decide("10.1.2.3").verdict == "allowed"
    assert known.is_own_public("203.0.113.9")


def test_a_deployment_of_hostile_names_is_still_toml(tmp_path):
    nodes = '"][x]\n' + "a = 1\u202e"
    path = tmp_path / "a.xml"
    path.write_text(
        ACL.format(nodes="").replace("xcc_localnet", nodes.replace('"', "&quot;")), encoding="utf-8"
    )
    assert set(tomllib.loads(deployment_out.toml([check_file(path)]))) == {"base", "acl"}


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"{", b'{"AppSettings": {', b"<configuration>", b"<include "]),
)
def test_no_bytes_are_a_traceback(tmp_path_factory, content, before):
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(before + content)
    checked = [check_file(path, Role.SATELLITE)]
    assert telling.as_json(checked, "de")
    told = [line.replace("\t", "") for line in telling.lines(checked, "en")]
    assert [clean(line) for line in told] == told


def run(*words, lang="en"):
    return CliRunner().invoke(cli, ["config", "check", *map(str, words), "--lang", lang])


def test_the_command_says_shows_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(changed(XPhoneServerHost="localhost"))
    Path("b.json").write_text("{")
    before = Path("a.json").read_bytes()
    done = run("a.json", "b.json", "none.json", "--role", "iis-in-dmz", lang="de")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "a.json:7: Fehler: AppSettings:XPhoneServerHost = localhost",
        "    der Webserver in der DMZ sucht den XPhone Server bei sich selbst (Port 2231)",
        "    eintragen: Name oder Adresse des XPhone Servers",
        "--- a.json",
        "+++ a.json",
        "@@ -7 +7 @@",
        '-  "XPhoneServerHost": "localhost",',
        '+  "XPhoneServerHost": "<XPhone Server>",',
        'b.json:1:2: endet, wo "..." erwartet wird',
    ]
    assert done.stderr == "postproc: none.json: no such file or directory\n"
    assert Path("a.json").read_bytes() == before


def test_the_exit_status_is_2_if_nothing_could_be_read(tmp_path):
    (tmp_path / "b.json").write_text("{")
    done = run(tmp_path / "b.json", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)[0]["broken"] is True
    assert run(tmp_path / "none").exit_code == 2
    assert run().exit_code == 2

"""``postproc probe https://...`` against servers on loopback, good and bad, and what it never does."""

import json
import shutil
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from pcaps.make.way_in import certificates
from pcaps.make.way_in.proxy import UPGRADE, forwarding, nginx
from pcaps.make.way_in.servers import API, HUB, Behaviour, serving
from postproc.cli import cli
from postproc.probe import reach, web
from postproc.probe.certificate import Seen, covers, judged


@pytest.fixture(scope="module")
def authority():
    return certificates.Authority.new()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, authority):
    held = tmp_path_factory.mktemp("certificates")
    (held / "root.pem").write_bytes(certificates.pem(authority.root))
    return held


@pytest.fixture(scope="module")
def good(folder, authority):
    return certificates.write(folder, authority.leaf("127.0.0.1"), authority.middle)


def probe(port, *words, lang="en", path=""):
    """What is found: the results by step, and all that was said on stderr."""
    url = f"https://127.0.0.1:{port}{path}"
    done = CliRunner().invoke(cli, ["probe", url, *map(str, words), "--json", "--lang", lang])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def of(results, step):
    return [(each["verdict"], each["rule"]) for each in results if each["step"] == step]


def test_a_good_server_is_good_from_the_name_to_the_hub(good, folder):
    with serving(Behaviour(good)) as server:
        results, said = probe(server.port, "--ca", folder / "root.pem", "--hold", 0.2)
    assert said.startswith(f"will contact 127.0.0.1, TCP {server.port} (")
    assert [(each["step"], each["verdict"]) for each in results if each["step"] != "path"] == [
        (step, "note" if step == "chain" else "ok")  # trusted because it was said so here
        for step in ("dns", "tcp", "tls", "certificate", "name", "chain", "signalr", "websocket")
    ]
    verdicts = {each["facts"]["path"]: each["verdict"] for each in results if each["step"] == "path"}
    assert set(web.PATHS) == set(verdicts)
    assert {path for path, verdict in verdicts.items() if verdict != "ok"} == {"/xphoneconnect/webclientapi"}
    assert verdicts["/xphoneconnect/webclientapi"] == "note"  # the guide does not ask for that spelling


@pytest.mark.parametrize(
    ("made", "chain", "trusted", "rules"),
    [
        ({"ends": -1}, True, True, {"certificate-expired"}),
        ({"begins": 1}, True, True, {"certificate-expired"}),
        ({"hosts": ["other.example.com"]}, True, True, {"certificate-name"}),
        ({}, True, False, {"certificate-not-trusted"}),  # an authority of one's own
        ({"fetched_from": "http://192.0.2.1/i.cer"}, False, True, {"certificate-chain"}),
        ({}, False, True, {"certificate-not-trusted"}),  # cut, or private: the leaf alone does not tell
        (
            {"hosts": ["other.example.com"], "ends": -1},
            True,
            True,
            {"certificate-expired", "certificate-name"},
        ),
        ({"ends": 3}, True, True, set()),
    ],
)
def test_each_fault_of_a_certificate_has_its_name(made, chain, trusted, rules, folder, authority):  # noqa: PLR0917
    hosts = made.get("hosts", ["127.0.0.1"])
    leaf = authority.leaf(*hosts, **{key: value for key, value in made.items() if key != "hosts"})
    path = certificates.write(folder, leaf, *([authority.middle] if chain else []))
    with serving(Behaviour(path)) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, *(["--ca", folder / "root.pem"] if trusted else []))
    assert {each["rule"] for each in results if each["rule"]} == rules
    # What is behind it is asked all the same, and that it was asked so is said.
    assert of(results, "signalr") == [("ok", None)]
    assert any("without heeding the certificate" in each["said"] for each in results) is bool(rules)


def test_a_self_signed_certificate_and_one_that_is_no_certificate(folder):
    alone = certificates.issue("127.0.0.1", hosts=["127.0.0.1"])
    with serving(Behaviour(certificates.write(folder, alone))) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, lang="de")
    assert of(results, "chain") == [("fault", "certificate-not-trusted")]
    assert "selbst ausgestellt" in "".join(each["said"] for each in results)
    assert [each.verdict for each in judged(Seen((b"no certificate",)), "x")] == ["cannot_tell"]
    assert [each.verdict for each in judged(Seen(()), "x")] == ["cannot_tell"]


def test_a_certificate_is_judged_by_the_clock(authority):
    leaf = authority.leaf("xp.example.com", ends=30)
    seen, now = Seen((leaf.der, authority.middle.der)), datetime.now(UTC)
    verdicts = [
        next(judged(seen, "xp.example.com", now + timedelta(days=days))).verdict for days in (15, 17, 29, 31)
    ]
    assert verdicts == ["ok", "note", "note", "fault"]


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [
        ("*.example.com", "xp.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("XP.example.com", "xp.EXAMPLE.com.", True),
        ("*.com", "example.com", False),
        ("x*.example.com", "xp.example.com", False),
        ("192.0.2.1", "192.0.2.1", True),
    ],
)
def test_names_are_covered_as_clients_of_today_have_it(name, host, fits):
    assert covers(name, host) is fits


def test_a_sub_sub_domain_is_told_with_the_reason(authority):
    leaf = authority.leaf("*.example.com")
    results = [each.told("en") for each in judged(Seen((leaf.der,)), "a.b.example.com")]
    assert any("* stands for one label" in each for each in results)


@pytest.mark.parametrize(
    ("websocket", "polling", "found"),
    [
        ("ignored", True, [("websocket", "websocket-blocked"), ("polling", None)]),
        ("400", True, [("websocket", "websocket-blocked"), ("polling", None)]),
        ("302", True, [("websocket", "websocket-blocked"), ("polling", None)]),
        ("reset", False, [("websocket", "websocket-blocked"), ("polling", "event-channel-missing")]),
        ("odd", True, [("websocket", "websocket-blocked"), ("polling", None)]),
        ("killed", True, [("websocket", "websocket-blocked"), ("polling", None)]),
    ],
)
def test_a_websocket_that_fails_is_held_against_long_polling(websocket, polling, found, good, folder):
    behaviour = Behaviour(good, websocket=websocket, polling=polling)
    with serving(behaviour) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, "--ca", folder / "root.pem", "--hold", 1)
    assert [
        (each["step"], each["rule"]) for each in results if each["step"] in ("websocket", "polling")
    ] == found


@pytest.mark.parametrize(
    ("page", "verdict", "word"),
    [
        ((401, {}, b""), "cannot_tell", "sign-in"),
        ((404, {}, b""), "cannot_tell", "--hub"),
        ((502, {}, b""), "fault", "502"),
        ((200, {}, b"<html>"), "cannot_tell", "not the answer of a hub"),
        ((200, {}, b"[" * 60_000), "cannot_tell", "not the answer of a hub"),
        (
            (200, {}, b'{"connectionToken": 5, "availableTransports": "x"}'),
            "cannot_tell",
            "not the answer of a hub",
        ),
        (
            (200, {}, b'{"url": "https://elsewhere.example/hub", "accessToken": "a"}'),
            "cannot_tell",
            "not followed",
        ),
    ],
)
def test_what_a_hub_that_is_none_says(page, verdict, word, good, folder):
    with serving(Behaviour(good, negotiate=page)) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert results[-1]["verdict"] == verdict and word in results[-1]["said"]


def test_long_polling_that_is_set_is_right(good, folder):
    with serving(Behaviour(good, transports=("LongPolling",))) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert of(results, "websocket") == [("note", None)] and of(results, "polling") == [("ok", None)]


def test_paths_are_held_against_one_that_does_not_exist(good, folder):
    pages = {
        "/XPhoneConnect/Mobile": (404, {"Content-Type": "text/html"}, b"<html>no such page</html>"),
        "/XPhoneConnect/mobile": (503, {}, b""),
        "/xphoneconnect/mobile": (301, {"Location": "https://192.0.2.1/"}, b""),
        API: (403, {}, b"no"),
    }
    with serving(Behaviour(good, pages=pages)) as server:
        results, _ = probe(server.port, "--ca", folder / "root.pem", "--hub", HUB)
    found = {
        each["facts"]["path"]: (each["verdict"], each["rule"]) for each in results if each["step"] == "path"
    }
    assert found["/XPhoneConnect/Mobile"] == ("fault", "path-not-published")
    assert found["/XPhoneConnect/mobile"] == ("fault", "backend-unavailable")
    assert found["/xphoneconnect/mobile"] == ("ok", None)
    assert found[API] == ("fault", "path-not-published")


def test_a_server_that_says_yes_to_everything_tells_nothing(good, folder):
    pages = dict.fromkeys(web.PATHS, (200, {}, b"yes"))
    with serving(Behaviour(good, pages=pages, elsewhere=(200, {}, b"yes"))) as server:
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert {each["verdict"] for each in results if each["step"] == "path"} == {"cannot_tell"}


def test_an_answer_without_an_end_is_read_no_further(good, folder):
    huge = (200, {}, b"x" * 3_000_000)
    with serving(Behaviour(good, elsewhere=huge, negotiate=huge)) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert "not the answer of a hub" in results[-1]["said"]


def test_a_server_without_tls_an_old_one_and_one_that_is_closed(good, folder):
    with serving(Behaviour(None)) as server:
        results, _ = probe(server.port)
    assert "does not speak TLS" in results[-1]["said"] and results[-1]["step"] == "tls"
    old = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    with serving(Behaviour(good, versions=old)) as server, patch.object(web, "PATHS", ()):
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert of(results, "tls") == [("fault", "tls-version")]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert of(probe(port)[0], "tcp") == [("fault", "port-closed")]


def test_a_server_that_is_silent_is_waited_for_no_longer_than_said(good, folder):
    with patch.object(reach, "TLS_SECONDS", 0.3), patch.object(web, "SECONDS", 0.3):
        with serving(Behaviour(good, silent=True)) as server:
            results, _ = probe(server.port, "--ca", folder / "root.pem")
        assert [each["verdict"] for each in results if each["step"] in ("path", "signalr")] == [
            "fault",
            "fault",
        ]
        with serving(Behaviour(None, silent=True)) as server:
            results, _ = probe(server.port)
    assert results[-1]["step"] == "tls" and "within" in results[-1]["said"]


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        (OK, b"X-More: " + b"x" * 1000 + b"\r\n", 0),  # a head without an end
        (OK, b"X: y\r\n", 0.02),  # drop by drop
        (OK + b"\r\n", b"x" * 4096, 0),  # a body without an end
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        (b"\x00\xff\x1b[31m garbage", b"", 0),
        (b"HTTP/1.1 999999 \xff\r\nContent-Length: -1\r\n\r\n", b"", 0),
        (OK + b"Content-Length: 99\r\n\r\nless", b"", 0),
    ],
)
def test_lies_cost_no_more_time_than_said_and_raise_nothing(raw, good, folder):
    begun = time.monotonic()
    with serving(Behaviour(good, raw=raw)) as server, patch.object(web, "SECONDS", 0.3):
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert time.monotonic() - begun < 10
    asked = [each for each in results if each["step"] in ("path", "signalr")]
    assert asked
    assert not any(each["verdict"] == "ok" for each in asked)
    assert "\x1b" not in "".join(each["said"] for each in results)


OFFER = '"availableTransports": [{"transport": "WebSockets"}, {"transport": "LongPolling"}]'


@pytest.mark.parametrize(
    "told",
    [
        rf'{{"connectionToken": "\ud800", {OFFER}}}',
        r'{"connectionToken": "a", "availableTransports": [{"transport": "\ud800\u001b[31m"}]}',
        r'{"url": "https://\ud800/\u001b[31m"}',
        rf'{{"connectionToken": "a/../../\r\nHost: x", {OFFER}}}',
        r'{"connectionToken": 1e999, "availableTransports": [{"transport": []}]}',
    ],
)
def test_what_a_hub_tells_is_taken_for_nothing_but_text(told, good, folder):
    page = (200, {}, told.encode())
    with serving(Behaviour(good, negotiate=page)) as server, patch.object(web, "PATHS", ()):
        words = ["probe", f"https://127.0.0.1:{server.port}", "--ca", str(folder / "root.pem")]
        shown = CliRunner().invoke(cli, words)
        results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert not shown.exception or isinstance(shown.exception, SystemExit), shown.exception
    assert "\x1b" not in shown.output
    assert results[-1]["step"] in ("signalr", "websocket")
    assert all(each.partition(" ")[2].startswith("/XPhoneConnect/") for each in server.requests)


def test_nothing_else_is_contacted_whatever_the_environment_and_the_server_say(good, folder, monkeypatch):
    """Proxies of the environment, redirects, an issuer to be fetched: none of them gets a connection."""
    with serving(Behaviour(None)) as other:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "wss_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
        away = (302, {"Location": f"http://127.0.0.1:{other.port}/"}, b"")
        with serving(Behaviour(good, elsewhere=away, websocket="302")) as server:
            results, _ = probe(server.port, "--ca", folder / "root.pem")
    assert other.requests == []
    assert len(server.requests) > 5 and of(results, "websocket")[0][0] == "fault"


@pytest.mark.parametrize(
    "words",
    [
        ["https://"],
        ["https://h:70000/"],
        ["https://user:pw@h/"],
        ["http://127.0.0.1/"],
        ["https://127.0.0.1/", "more"],
        ["ftp:x"],
        ["udp"],
        ["udp", "h", "0-5", "--token", "x" * 20],
        ["udp", "h", "1-5", "--token", "short"],
        ["udp", "h", "1-65535", "--token", "x" * 20],
        ["stun:"],
        ["stun:h:99999"],
        ["stun:h/x"],
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_2(words):
    done = CliRunner().invoke(cli, ["probe", *words])
    assert done.exit_code == 2
    assert "Traceback" not in done.output and done.stderr.strip()


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "websockets", None)
    done = CliRunner().invoke(cli, ["probe", "https://127.0.0.1/"])
    assert done.exit_code == 2
    assert (
        done.stderr
        == "postproc: probe needs httpx, websockets, cryptography: pip install 'legshark[probe]'\n"
    )


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx")
@pytest.mark.parametrize("upgrade", [True, False])
def test_behind_a_real_reverse_proxy(upgrade, good, folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(Behaviour(None)) as server:
        passed_on = forwarding(f"127.0.0.1:{server.port}", more=UPGRADE if upgrade else "")
        with nginx(tmp_path, good, f"127.0.0.1:{port}", passed_on):
            results, _ = probe(port, "--ca", folder / "root.pem")
    assert of(results, "websocket") == [("ok", None) if upgrade else ("fault", "websocket-blocked")]
    assert of(results, "polling") == ([] if upgrade else [("ok", None)])
    found = {each["facts"]["path"]: each["verdict"] for each in results if each["step"] == "path"}
    assert found["/XPhoneConnect/mobile"] == "ok" and found["/xphoneconnect/mobile"] == "note"

"""Recorded captures of the way in against what their makers know: with the keys, and without.

Real clients (OpenSSL, Chromium, Java, Node), nginx as reverse proxy and a hub of SignalR made them in
network namespaces, those named ``real-`` by ``pcaps/make/way_in``; ``pcaps/way-in/truth.json`` says what has
to be found and what must not be.
"""

import json

import pytest

import postproc
from postproc.diagnose.rules import RULES
from tests.conftest import PCAPS

HERE = PCAPS / "way-in"
TRUTHS = json.loads((HERE / "truth.json").read_text(encoding="utf-8"))
WITH_KEYS = sorted(name for name, truth in TRUTHS.items() if truth["keys"] == "beside")


@pytest.fixture(scope="module")
def without_keys():
    return postproc.analyze([HERE / f"{name}.pcapng" for name in TRUTHS], lang="en")


@pytest.fixture(scope="module")
def with_keys(tmp_path_factory):
    keylog = tmp_path_factory.mktemp("keys") / "all.keys"
    keylog.write_bytes(b"".join((HERE / f"{name}.keys").read_bytes() for name in WITH_KEYS))
    return postproc.analyze([HERE / f"{name}.pcapng" for name in WITH_KEYS], keylog=keylog, lang="de")


def found(run, name):
    rows = run.findings
    return {*rows.loc[rows["capture"] == f"{name}.pcapng", "name"]}


@pytest.mark.parametrize("name", TRUTHS)
def test_without_keys(name, without_keys):
    truth = TRUTHS[name]
    suffix = "_without_keys" if truth["keys"] == "beside" else ""
    told = found(without_keys, name)
    assert {*truth[f"expect{suffix}"]} <= told
    assert told & {*truth[f"never{suffix}"]} == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_KEYS)
def test_with_keys(name, with_keys):
    told = found(with_keys, name)
    assert {*TRUTHS[name]["expect"]} <= told
    assert told & {*TRUTHS[name]["never"]} == set()


def test_each_rule_is_found_in_one_that_can_be_made_again():
    rules = {rule.name for rule in RULES if rule.code.startswith("WEB")}
    shown = {name for known, truth in TRUTHS.items() if known.startswith("real-") for name in truth["expect"]}
    assert shown == rules


def row(run, table, name, **wanted):
    rows = getattr(run, table)
    rows = rows[rows["capture"] == f"{name}.pcapng"]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def test_connections_say_what_became_of_them(without_keys):
    outcomes = {
        "443-closed": "refused",
        "443-filtered-fw": "unanswered",
        "good-one-direction": "one_sided",
        "good-midstream": "midstream",
        "reset-after-hello": "reset",
    }
    told = {name: {*row(without_keys, "connections", name)["outcome"]} for name in outcomes}
    assert told == {name: {outcome} for name, outcome in outcomes.items()}
    late = row(without_keys, "connections", "good-syn-lost-once", server_port=2231)
    assert late["attempts"].max() == 2
    assert late["answer_ms"].max() > 900


def test_a_connection_seen_on_both_sides_of_a_firewall_counts_once(without_keys):
    rows = row(without_keys, "connections", "good-ws-tls12-fw3")
    again = rows[rows["copy_of"].notna()]
    assert len(again) > 0
    assert {*again["copy_of"]} <= {*rows["frame"]}


def test_a_handshake_says_who_broke_it_off_and_what_the_certificate_is(without_keys):
    old = row(without_keys, "tls", "tls-server-hello10", alert="protocol_version").iloc[0]
    assert (old["version"], old["oldest_offered"], old["broken_by"]) == ("TLS 1.0", "TLS 1.2", "client")
    own = row(without_keys, "tls", "cert-selfsigned", outcome="alert").iloc[0]
    assert own["self_signed"]
    assert own["certificates"] == 1
    server = row(without_keys, "tls", "tls-alert-from-server", outcome="alert").iloc[0]
    assert (server["alert"], server["broken_by"]) == ("unrecognized_name", "server")
    assert {*row(without_keys, "tls", "good-nokeys-tls13")["outcome"]} == {"complete"}


def test_http_in_clear_has_requests_with_their_answers(without_keys):
    rows = row(without_keys, "http", "ws-refused-400-lp-iis")
    assert {*rows["signalr"].dropna()} >= {"negotiate", "websocket", "poll"}
    assert {*rows.loc[rows["upgrade"] == "websocket", "status"]} == {400}
    assert not rows["url_path"].str.contains(r"\?").any()  # tokens are in queries
    killed = row(without_keys, "http", "ws-killed-idle-iis", status=101)
    assert killed["lasted_s"].dropna().between(5.5, 6.5).sum() >= 3


@pytest.mark.slow
def test_keys_show_http_2_and_what_tls_13_hides(with_keys):
    assert {*row(with_keys, "http", "path-404-api")["status"]} == {200, 404}
    (hidden,) = {*row(with_keys, "tls", "cert-expired-browser-tls13")["alert"].dropna()}
    assert hidden == "certificate_unknown"
    assert {*row(with_keys, "http", "good-ws-left-by-client")["goodbye"]} == {"client"}
    over_http2 = row(with_keys, "http", "real-good-ws-h2", signalr="websocket")
    assert [*over_http2["method"]] == ["CONNECT"] * 3
    assert {*over_http2["upgrade"]} == {"websocket"}
    assert {*row(with_keys, "http", "real-good-grpc-tls")["url_path"]} == {"/c4b.Unified/SignIn"}


def test_what_is_to_run_inside_a_websocket_is_read():
    """And it is a matter of SIP then, not of the way in of the app."""
    run = postproc.analyze([PCAPS / "made" / "sip_websocket_blocked_path.pcapng"], lang="en")
    assert run.tables.http["subprotocols"].tolist() == ["sip", "sip"]
    assert run.findings["name"].tolist() == ["sip-websocket-blocked"]

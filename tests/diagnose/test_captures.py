"""The captures that ship, diagnosed: verdict, cause, and the exact list of what is found in each."""

from collections.abc import Callable
from typing import Any

import pytest

from postproc.diagnose import judge
from postproc.diagnose.evidence.case import cases
from postproc.diagnose.rules import RULES
from postproc.read import deployment
from tests.diagnose.conftest import Diagnosed

# capture -> per call: verdict, cause, and findings as (name, verdict, explained by), in the order they are told
FOLLOWS_DEAD = [
    ("no-media", "fault", "no-binding-success"),
    ("one-way-media", "suspect", "no-media"),
]
OK: list[tuple[str, str | None, list[tuple[str, str, str | None]]]] = [("ok", None, [])]
TOO_SMALL = ("fault", "session-interval-too-small", [("session-interval-too-small", "fault", None)])
NO_SIP = ("first-leg-missing", "note", None)
EXPECTED: dict[str, list[tuple[str, str | None, list[tuple[str, str, str | None]]]]] = {
    "acl_403": [("suspect", "invite-rejected-by-acl", [("invite-rejected-by-acl", "suspect", None)])],
    "acl_488": [("suspect", "candidates-rejected-by-acl", [("candidates-rejected-by-acl", "suspect", None)])],
    "client_view": [("ok", None, [NO_SIP])],
    "codec_488": [("fault", "no-common-codec", [("no-common-codec", "fault", None)])],
    "dtls_fail": [
        (
            "fault",
            "dtls-incomplete",
            [
                ("dtls-incomplete", "fault", None),
                ("no-media", "fault", "dtls-incomplete"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "good": OK,
    "ip_mismatch_server": [
        (
            "fault",
            "port-not-preserved",
            [
                ("port-not-preserved", "suspect", None),
                ("icmp-unreachable", "fault", "port-not-preserved"),
                ("no-binding-success", "fault", "icmp-unreachable"),
                *FOLLOWS_DEAD,
            ],
        )
    ],
    "no_binding_success": [
        (
            "fault",
            "no-binding-success",
            [
                ("no-binding-success", "fault", None),
                *FOLLOWS_DEAD,
            ],
        )
    ],
    "only_private": [
        (
            "fault",
            "public-candidate-missing",
            [
                ("public-candidate-missing", "suspect", None),
                ("no-binding-success", "fault", "public-candidate-missing"),
                *FOLLOWS_DEAD,
            ],
        )
    ],
    "server_view": [("ok", None, [("media-lost", "note", None)])],
    "two_calls": OK * 2,
    "made/address_family_mismatch_browser.pcapng": [
        (
            "fault",
            "address-family-mismatch",
            [
                ("address-family-mismatch", "fault", None),
                ("no-checks", "cannot_tell", "address-family-mismatch"),
                ("no-media", "cannot_tell", "no-checks"),
            ],
        )
    ],
    "made/address_family_mismatch_trunk.pcapng": [
        (
            "fault",
            "address-family-mismatch",
            [
                ("address-family-mismatch", "fault", None),
                ("no-media", "cannot_tell", "address-family-mismatch"),
                ("first-leg-missing", "cannot_tell", None),
            ],
        )
    ],
    "made/busy_486.pcapng": OK,
    "made/cancelled_487.pcapng": OK,
    "made/check_pictures_401.pcapng": [
        (
            "fault",
            "binding-error",
            [
                ("binding-error", "fault", None),
                ("no-media", "fault", "binding-error"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/check_pictures_flight.pcapng": [
        (
            "fault",
            "dtls-fragment-lost",
            [
                ("dtls-fragment-lost", "suspect", None),
                ("dtls-incomplete", "fault", "dtls-fragment-lost"),
                ("no-media", "fault", "dtls-incomplete"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/check_pictures_mdns.pcapng": [
        (
            "suspect",
            "mdns-only",
            [
                ("mdns-only", "suspect", None),
                ("no-checks", "suspect", "mdns-only"),
                ("no-media", "cannot_tell", "no-checks"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/check_pictures_none.pcapng": [
        (
            "suspect",
            "no-checks",
            [
                ("no-checks", "suspect", None),
                ("no-media", "cannot_tell", "no-checks"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/check_pictures_one_way.pcapng": [
        (
            "fault",
            "bindings-one-way",
            [
                ("bindings-one-way", "fault", None),
                ("dtls-not-started", "fault", "bindings-one-way"),
                ("one-way-media", "suspect", "dtls-not-started"),
                ("no-media", "fault", None),
            ],
        )
    ],
    "made/media_pictures_lost.pcapng": [
        (
            "ok",
            None,
            [
                ("media-lost", "note", None),
            ],
        )
    ],
    "made/media_pictures_path.pcapng": [
        (
            "suspect",
            "media-on-unexpected-path",
            [
                ("media-on-unexpected-path", "suspect", None),
                ("one-way-media", "cannot_tell", "media-on-unexpected-path"),
            ],
        )
    ],
    "made/media_pictures_slow.pcapng": [
        (
            "ok",
            None,
            [
                ("slow-negotiation", "note", None),
            ],
        )
    ],
    "made/media_timing_stands.pcapng.gz": [
        ("suspect", "wrong-timestamps", [("wrong-timestamps", "suspect", None)])
    ],
    "made/media_timing_two.pcapng.gz": [("suspect", "two-sources", [("two-sources", "suspect", None)])],
    "made/nat_pictures_address.pcapng": [
        (
            "fault",
            "address-mismatch",
            [
                ("address-mismatch", "suspect", None),
                ("no-binding-success", "fault", "address-mismatch"),
                ("no-media", "fault", "no-binding-success"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/nat_pictures_hairpin.pcapng": [
        (
            "fault",
            "private-candidate-missing",
            [
                ("private-candidate-missing", "suspect", None),
                ("no-binding-success", "fault", "private-candidate-missing"),
                ("no-media", "fault", "no-binding-success"),
                ("one-way-media", "suspect", "no-media"),
                ("private-candidate-missing", "suspect", None),
            ],
        )
    ],
    "made/nat_pictures_port_range.pcapng": [
        (
            "fault",
            "no-binding-success",
            [
                ("no-binding-success", "fault", None),
                ("no-media", "fault", "no-binding-success"),
                ("one-way-media", "suspect", "no-media"),
                ("media-port-out-of-range", "suspect", None),
            ],
        )
    ],
    "made/nat_pictures_symmetric.pcapng": [
        (
            "fault",
            "symmetric-nat",
            [
                ("symmetric-nat", "fault", None),
                ("no-binding-success", "fault", "port-not-preserved"),
                ("port-not-preserved", "suspect", "symmetric-nat"),
                ("no-media", "fault", "no-binding-success"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/nat_pictures_uplinks.pcapng": [
        (
            "fault",
            "several-uplinks",
            [
                ("several-uplinks", "fault", None),
                ("no-binding-success", "fault", "several-uplinks"),
                ("no-media", "fault", "no-binding-success"),
                ("one-way-media", "suspect", "no-media"),
            ],
        )
    ],
    "made/view_pictures_late.pcapng": [
        (
            "cannot_tell",
            "starts-mid-call",
            [
                ("starts-mid-call", "cannot_tell", None),
            ],
        )
    ],
    "made/view_pictures_one_way.pcapng": [
        (
            "cannot_tell",
            "one-direction-only",
            [
                ("one-direction-only", "cannot_tell", None),
            ],
        )
    ],
    "made/view_pictures_short.pcapng": [
        (
            "cannot_tell",
            "capture-cut-short",
            [
                ("capture-cut-short", "cannot_tell", None),
            ],
        )
    ],
    "made/clat_address.pcap": [
        (
            "fault",
            "private-connection-address",
            [
                ("private-connection-address", "fault", None),
            ],
        )
    ],
    "made/container_address.pcapng": [
        (
            "fault",
            "private-connection-address",
            [
                ("private-connection-address", "fault", None),
                ("one-way-media", "cannot_tell", "private-connection-address"),
                ("one-way-media", "suspect", "private-connection-address"),
                ("private-connection-address", "fault", None),
            ],
        )
    ],
    "made/dtmf_not_negotiated_answer.pcapng": [("ok", None, [("dtmf-not-negotiated", "note", None)])],
    "made/dtmf_not_negotiated_info.pcapng": [("ok", None, [("dtmf-not-negotiated", "note", None)])],
    "made/forked.pcapng": OK * 2,
    "made/icmp_quotes_stun.pcapng": [
        (
            "fault",
            "icmp-unreachable",
            [
                ("icmp-unreachable", "fault", None),
                ("no-binding-success", "fault", "icmp-unreachable"),
            ],
        )
    ]
    * 2,
    "made/fax_t38_alone.pcapng": OK,
    "made/fax_t38_beside_audio.pcapng": OK,
    "made/ice_role_conflict_kept.pcapng": [
        (
            "fault",
            "ice-role-conflict",
            [
                ("ice-role-conflict", "fault", None),
                ("dtls-not-started", "fault", "ice-role-conflict"),
                ("no-media", "fault", "ice-role-conflict"),
                ("one-way-media", "suspect", "dtls-not-started"),
            ],
        )
    ],
    "made/ice_role_conflict_switched.pcapng": [
        (
            "fault",
            "ice-role-conflict",
            [
                ("ice-role-conflict", "fault", None),
                ("no-media", "fault", "ice-role-conflict"),
                ("ice-role-conflict", "fault", None),
            ],
        )
    ],
    "made/ipv6.pcapng": OK,
    "made/media_to_old_address_200.pcapng": [
        (
            "fault",
            "media-to-old-address",
            [
                ("media-to-old-address", "fault", None),
                ("first-leg-missing", "cannot_tell", None),
            ],
        )
    ],
    "made/media_to_old_address_reinvite.pcapng": [
        (
            "suspect",
            "media-to-old-address",
            [
                ("media-to-old-address", "suspect", None),
            ],
        )
    ],
    "made/nat_remapped_address.pcapng": [
        (
            "fault",
            "media-to-old-address",
            [
                ("media-to-old-address", "fault", None),
            ],
        )
    ],
    "made/nat_remapped_port.pcapng": [
        (
            "suspect",
            "media-to-old-address",
            [
                ("media-to-old-address", "suspect", None),
            ],
        )
    ],
    "made/quiet_phases_direct.pcapng": [("cannot_tell", None, [])],
    "made/quiet_phases_hold.pcapng": OK,
    "made/network_change_ipv6.pcapng": [("ok", None, [("network-change", "note", None)])],
    "made/no_response_gateway.pcapng": [
        (
            "fault",
            "no-response",
            [
                ("no-response", "fault", None),
                ("call-rejected", "fault", "no-response"),
            ],
        )
    ],
    "made/no_response_rport.pcapng": [
        (
            "fault",
            "no-response",
            [
                ("no-response", "fault", None),
                ("call-rejected", "suspect", "no-response"),
            ],
        )
    ],
    "made/parallel_ring.pcapng": OK,
    "made/sip_first_fragment.pcapng": [
        (
            "fault",
            "path-mtu",
            [
                ("path-mtu", "suspect", None),
                ("no-response", "fault", "path-mtu"),
                ("call-rejected", "fault", "no-response"),
            ],
        )
    ],
    "made/proxy_hops.pcapng": OK,
    "made/refused_offers_absent.pcapng": [
        (
            "suspect",
            "callee-unreachable",
            [
                ("callee-unreachable", "suspect", None),
            ],
        )
    ],
    "made/refused_offers_srtp.pcapng": [
        ("suspect", "srtp-not-agreed", [("srtp-not-agreed", "suspect", None)])
    ],
    "made/reinvite.pcapng": OK,
    "made/server_logs_rekeyed": OK,
    "made/server_logs_socket": [("fault", "call-rejected", [("call-rejected", "fault", None)])],
    "made/session_expired_missing.pcapng": [
        ("fault", "session-expired", [("session-expired", "fault", None)])
    ],
    "made/session_expired_refused.pcapng": [
        ("fault", "session-expired", [("session-expired", "fault", None)])
    ],
    "made/session_timer_422_server.pcapng": [TOO_SMALL],
    "made/session_timer_422_trunk.pcapng": [TOO_SMALL],
    "made/sip_port_unreachable_closed.pcapng": [],
    "made/sip_port_unreachable_dropped.pcapng": [],
    "made/sip_websocket_blocked_path.pcapng": [],
    "made/signalling_lost_proxy.pcapng": [("fault", "signalling-lost", [("signalling-lost", "fault", None)])],
    "made/signalling_lost_reset.pcapng": [
        (
            "fault",
            "signalling-lost",
            [
                ("signalling-lost", "fault", None),
                ("media-stopped", "suspect", None),
            ],
        )
    ],
    "made/registration_failed_password.pcapng": [],
    "made/tls_handshake_failed_trust.pcapng": [],
    "made/three_legs.pcapng": OK,
    "made/transfer_attended.pcapng": OK,
    "made/transfer_failed_refused.pcapng": [
        ("fault", "transfer-failed", [("transfer-failed", "fault", None)])
    ],
    "made/transfer_failed_target.pcapng": [
        ("fault", "transfer-failed", [("transfer-failed", "fault", None)])
    ],
    "made/turn_channel.pcapng": OK,
    "made/turn_refused_peer.pcapng": [
        (
            "fault",
            "public-candidate-missing",
            [
                ("public-candidate-missing", "suspect", None),
                ("turn-refused", "fault", "public-candidate-missing"),
                ("no-binding-success", "fault", "turn-refused"),
                ("no-media", "fault", "no-binding-success"),
                ("second-leg-missing", "cannot_tell", None),
            ],
        )
    ],
    "made/turn_refused_quota.pcapng": [
        (
            "fault",
            "turn-refused",
            [
                ("turn-refused", "fault", None),
                ("no-binding-success", "fault", "turn-refused"),
                ("no-media", "fault", "no-binding-success"),
                ("second-leg-missing", "cannot_tell", None),
            ],
        )
    ],
    "made/web_misfits_address.pcapng": [
        (
            "fault",
            "ice-mismatch",
            [
                ("ice-mismatch", "suspect", None),
                ("one-way-media", "fault", "ice-mismatch"),
            ],
        )
    ],
    "made/web_misfits_passive.pcapng": [
        (
            "fault",
            "dtls-role-conflict",
            [
                ("dtls-role-conflict", "fault", None),
                ("dtls-not-started", "suspect", "dtls-role-conflict"),
                ("no-media", "fault", "dtls-not-started"),
                ("answer-mismatch", "suspect", None),
                ("second-leg-missing", "cannot_tell", None),
            ],
        )
    ],
    "made/vendor_no_binding_success.pcapng": [
        (
            "fault",
            "no-binding-success",
            [
                ("no-binding-success", "fault", None),
                *FOLLOWS_DEAD,
                ("wrong-candidate-tried", "suspect", None),
                ("hotspot-client", "note", None),
            ],
        )
    ],
}

# With the server's log what the wire alone leaves in doubt is certain; the rest stays as it was.
LOGGED = EXPECTED | {
    "acl_403": [("fault", "invite-rejected-by-acl", [("invite-rejected-by-acl", "fault", None)])],
    "acl_488": [("fault", "candidates-rejected-by-acl", [("candidates-rejected-by-acl", "fault", None)])],
    "made/server_logs_rekeyed": [("fault", "srtp-not-decrypted", [("srtp-not-decrypted", "fault", None)])],
    "made/server_logs_socket": [
        (
            "fault",
            "rtp-bind-failed",
            [
                ("rtp-bind-failed", "fault", None),
                ("call-rejected", "fault", "rtp-bind-failed"),
            ],
        )
    ],
}
LOGS = (
    "acl_403",
    "acl_488",
    "codec_488",
    "dtls_fail",
    "good",
    "ip_mismatch_server",
    "no_binding_success",
    "only_private",
    "two_calls",
    "made/server_logs_rekeyed",
    "made/server_logs_socket",
)

Judged = Callable[..., Diagnosed]


def plain(table: Any) -> list[Any]:
    """Rows as they are in JSON: NA is None."""
    return list(table.astype(object).where(table.notna(), None).itertuples())


def told(found: Diagnosed) -> list[tuple[str, str | None, list[tuple[str, str, str | None]]]]:
    calls, findings = plain(found.tables.calls.sort_values("call")), plain(found.tables.findings)
    return [
        (
            call.verdict,
            call.cause,
            [(each.name, each.verdict, each.caused_by) for each in findings if each.call == call.call],
        )
        for call in calls
    ]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_capture_has_exactly_these_findings(judged: Judged, name: str):
    assert told(judged(name)) == EXPECTED[name]


@pytest.mark.parametrize("name", LOGS)
def test_and_these_with_its_log(judged: Judged, name: str):
    assert told(judged(name, log=True)) == LOGGED[name]


def test_every_finding_belongs_to_a_call_and_a_capture(judged: Judged):
    for name in EXPECTED:
        findings = judged(name).tables.findings
        assert findings["capture"].notna().all()
        beside = findings["name"].isin([rule.name for rule in RULES if rule.beside_calls])
        either = findings["name"].isin([rule.name for rule in RULES if rule.also_beside_calls])
        assert ((findings["call"].isna() == beside) | either).all()


HEADLINES = {
    "acl_403": ["403 Forbidden at once", "an access list of the server rejects 10.0.50.118"],
    "acl_488": [
        "488 Not Acceptable Here at once",
        "deny every candidate offered",
        "192.168.178.34",
        "198.51.100.77",
    ],
    "codec_488": ["No common codec", "10.0.50.118 offers PCMU/8000", "10.0.50.20 answers with PCMA/8000"],
    "dtls_fail": ["DTLS is not completed", "5 ClientHellos", "got no answer"],
    "good": ["Media flows both ways on the client's leg"],
    "ip_mismatch_server": ["The server's NAT changes the media port", "10.0.50.118", "203.0.113.10"],
    "no_binding_success": ["No Binding Success", "17 of 17 Binding Requests were never answered"],
    "only_private": ["Neither side offers a public candidate", "192.168.178.34", "10.0.50.118"],
    "server_view": ["Media flows both ways on the client's leg"],
    "made/busy_486.pcapng": ["The called party was busy (486)."],
    "made/cancelled_487.pcapng": ["The caller hung up before an answer"],
}


@pytest.mark.parametrize("name", HEADLINES)
def test_the_headline_says_it_in_plain_words(judged: Judged, name: str):
    headline = judged(name).tables.calls["headline"].iloc[0]
    assert [words for words in HEADLINES[name] if words not in headline] == []


def one(found: Diagnosed, name: str) -> Any:
    (row,) = [row for row in plain(found.tables.findings) if row.name == name]
    return row


def test_the_log_names_list_and_address_of_the_403(judged: Judged):
    found = one(judged("acl_403", log=True), "invite-rejected-by-acl")
    assert found.title == 'The server\'s access list "xphone_servers" rejects 10.0.50.118: 403 Forbidden.'
    assert 'acl_403.freeswitch.log:618 IP 10.0.50.118 Rejected by acl "xphone_servers"' in found.detail
    assert found.confidence > 0.9


def test_without_the_log_the_403_is_reasoned(judged: Judged):
    found = one(judged("acl_403"), "invite-rejected-by-acl")
    assert "It is the only response: no challenge" in found.detail
    assert "the server's log of that moment names the list and the address" in found.detail
    assert "127.0.0.1/32" in found.remedies


def test_no_public_candidate_is_said_of_both_sides(judged: Judged):
    (call,) = cases(judged("only_private").tables, deployment.read("xphone"))
    tags = judge(call).chain.root
    assert tags is not None
    assert tags.tags == {"client", "server", "no_relay"}


VENDORS_REMEDIES = (
    "Pin Hole Puncher",
    "Capture on both sides and at the WAN interface",
    "30000-33000",
    "keep the server's port",
    "Destination NAT",
    "ALGs",
    "On the client's side",
)


def test_the_vendors_example_is_told_as_the_guide_tells_it(judged: Judged):
    found = one(judged("made/vendor_no_binding_success.pcapng"), "no-binding-success")
    assert found.title == "No Binding Success: 6 of 6 Binding Requests were never answered."
    assert "6 of 6 requests from the server to the client (172.20.10.2:55402) got no answer." in found.detail
    assert "172.20.10.2 is a private address as a mobile hotspot (iPhone) gives out." in found.detail
    assert "No public candidate was tried." in found.detail
    assert len(found.frames.split(",")) == 6


def test_its_remedies_are_in_the_guides_order(judged: Judged):
    remedies = one(judged("made/vendor_no_binding_success.pcapng"), "no-binding-success").remedies.split("\n")
    assert len(remedies) == len(VENDORS_REMEDIES)
    for remedy, words in zip(remedies, VENDORS_REMEDIES, strict=True):
        assert words in remedy

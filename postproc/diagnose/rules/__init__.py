"""One fault pattern per module: its evidence, its texts and its remedies.

A rule's module has the rule's name, with ``_`` for ``-``; a line in ``ORDER`` registers it.
"""

from collections.abc import Iterator
from importlib import import_module

from postproc.model.findings import Rule

# By stage of the chain; of two failures in one stage, the rule listed first is the cause.
ORDER = """
    capture-cut-short
    first-leg-missing
    starts-mid-call
    one-direction-only
    files-missing
    port-closed
    port-filtered
    tls-version
    certificate-expired
    certificate-name
    certificate-chain
    certificate-not-trusted
    path-not-published
    backend-unavailable
    sign-in-refused
    websocket-blocked
    event-channel-missing
    invite-rejected-by-acl
    callee-unreachable
    session-interval-too-small
    no-response
    sip-port-unreachable
    tls-handshake-failed
    sip-websocket-blocked
    registration-failed
    call-rejected
    signalling-lost
    ack-missing
    session-expired
    change-failed
    transfer-failed
    second-leg-missing
    slow-negotiation
    stun-server-unreachable
    rtp-bind-failed
    public-candidate-missing
    private-candidate-missing
    offer-without-candidates
    address-family-mismatch
    candidates-rejected-by-acl
    no-common-codec
    mdns-only
    sip-alg
    private-connection-address
    answer-mismatch
    srtp-not-agreed
    ice-mismatch
    dtmf-not-negotiated
    icmp-unreachable
    turn-refused
    path-mtu
    one-direction-between
    lost-between
    no-binding-success
    wrong-candidate-tried
    binding-error
    ice-role-conflict
    bindings-one-way
    no-checks
    consent-lost
    network-change
    translated
    symmetric-nat
    several-uplinks
    port-not-preserved
    address-mismatch
    media-port-out-of-range
    carrier-nat-or-vpn
    hotspot-client
    dtls-fingerprint-mismatch
    dtls-role-conflict
    dtls-fragment-lost
    dtls-alert
    dtls-incomplete
    dtls-not-started
    srtp-not-decrypted
    no-media
    media-to-old-address
    media-on-unexpected-path
    one-way-media
    late-media
    two-sources
    wrong-timestamps
    media-lost
    media-stopped
"""


def _rules() -> Iterator[Rule]:
    for name in ORDER.split():
        rule: Rule = import_module(f"{__name__}.{name.replace('-', '_')}").RULE
        yield rule


RULES = tuple(_rules())
BY_NAME = {rule.name: rule for rule in RULES}

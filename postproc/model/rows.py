"""Types of the tables' rows, made from their declarations by scripts/rows.py: ``make rows``."""

from typing import NamedTuple

import pandas as pd

from postproc.model.enumerations import (
    AclVerdict,
    AddressClass,
    CallVerdict,
    ConnectionEvent,
    Direction,
    EndedBy,
    EventSeverity,
    HandshakeState,
    IceRole,
    IceTransport,
    Lane,
    LearnedFrom,
    LegRole,
    LegState,
    LogKind,
    MediaDirection,
    OfferAnswer,
    Outcome,
    PairState,
    PassageKind,
    PhaseKind,
    Place,
    Purpose,
    Severity,
    Side,
    SideBy,
    SignalrRequest,
    SipTransport,
    StunClass,
    TcpEnd,
    TcpOutcome,
    TcpSide,
    TlsOutcome,
    Verdict,
)


class CaptureRow(NamedTuple):
    """One row per capture file."""

    capture: str
    frame: int | None
    time: pd.Timestamp | None
    path: str | None
    sha256: str | None
    format: str | None
    packets: int | None
    first_time: pd.Timestamp | None
    last_time: pd.Timestamp | None
    interfaces: str | None
    link_types: str | None
    media_packets: int | None
    foreign_packets: int | None
    dissected_packets: int | None
    packets_not_looked_at: int | None
    not_looked_at: str | None
    messages_cut: int | None
    cut_short: bool | None
    missing: str | None
    recording: int | None
    warnings: str | None


class SipMessageRow(NamedTuple):
    """One row per SIP message on the wire (RFC 3261, section 7); a frame may hold several."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    call_id: str
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    transport: SipTransport | None
    method: str | None
    status: int | None
    reason: str | None
    cseq: int | None
    cseq_method: str | None
    branch: str | None
    from_uri: str | None
    from_tag: str | None
    to_uri: str | None
    to_tag: str | None
    request_uri: str | None
    user_agent: str | None
    contact: str | None
    reason_header: str | None
    warning: str | None
    record_route: str | None
    session_expires: int | None
    refresher: EndedBy | None
    min_se: int | None
    rseq: int | None
    refer_to: str | None
    fragment_status: int | None
    dtmf: bool | None
    expires: int | None
    challenge: str | None
    authorized: bool
    has_sdp: bool
    sdp_lost: bool | None
    size: int | None
    cut_short: bool
    copy_of: int | None
    time_guessed: bool | None


class ConnectionEventRow(NamedTuple):
    """One row per event of a TCP connection that carries SIP, or is on a port where SIP is expected."""

    capture: str
    frame: int
    time: pd.Timestamp
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    event: ConnectionEvent
    alert: str | None
    copy_of: int | None
    time_guessed: bool | None


class ConnectionRow(NamedTuple):
    """One row per TCP connection to a web server, to the application's server (2230, 2231), or on a SIP
    port."""

    capture: str
    frame: int
    time: pd.Timestamp
    client_addr: str
    client_port: int
    server_addr: str
    server_port: int
    attempts: int
    outcome: TcpOutcome
    answer_ms: float | None
    ended_by: TcpEnd | None
    lasted_s: float
    client_bytes: int
    server_bytes: int
    longest_pause_s: float
    pause_before_end: bool
    unheard_client: int
    unheard_server: int
    unheard_s: float | None
    last_time: pd.Timestamp
    copy_of: int | None


class TlsRow(NamedTuple):
    """One row per TLS handshake that the capture shows, of the connections in ``connections``."""

    capture: str
    frame: int
    time: pd.Timestamp
    client_addr: str
    client_port: int
    server_addr: str
    server_port: int
    server_name: str | None
    oldest_offered: str | None
    newest_offered: str | None
    version: str | None
    cipher: str | None
    offered_protocols: str | None
    protocol: str | None
    answered: bool
    resumed: bool
    certificates: int | None
    subject: str | None
    names: str | None
    issuer: str | None
    not_before: str | None
    not_after: str | None
    self_signed: bool | None
    ca_issuers: bool | None
    chain_breaks: bool | None
    fits_name: bool | None
    in_date: bool | None
    outcome: TlsOutcome
    broken_by: TcpSide | None
    alert: str | None
    alert_frame: int | None
    requested: bool
    copy_of: int | None


class HttpRow(NamedTuple):
    """One row per HTTP request that can be read: in clear, or with the keys; its answer beside it."""

    capture: str
    frame: int
    time: pd.Timestamp
    client_addr: str
    client_port: int
    server_addr: str
    server_port: int
    secured: bool
    host: str | None
    method: str
    url_path: str
    upgrade: str | None
    subprotocols: str | None
    authorization: str | None
    forwarded: bool
    status: int | None
    response_frame: int | None
    duration_ms: float | None
    software: str | None
    challenge: str | None
    challenge_goes_on: bool | None
    signalr: SignalrRequest | None
    lasted_s: float | None
    goodbye: TcpSide | None
    copy_of: int | None


class SipHeaderRow(NamedTuple):
    """One row per header that may identify a call or its parties across a B2BUA."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    call_id: str
    method: str | None
    name: str
    value: str


class SdpMediaRow(NamedTuple):
    """One row per m= section of a session description (RFC 8866, section 5.14)."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    call_id: str
    sdp_owner: str | None
    session_id: str | None
    session_version: str | None
    mid: str | None
    media: str | None
    port: int | None
    proto: str | None
    direction: MediaDirection | None
    connection_addr: str | None
    alternatives: str | None
    ufrag: str | None
    pwd_present: bool
    setup: str | None
    fingerprint: str | None
    rtcp_mux: bool
    rtcp_mux_only: bool | None
    crypto: str | None
    crypto_tags: str | None
    crypto_keys: str | None
    ice_lite: bool | None
    ice_mismatch: bool | None
    ice_options: str | None
    formats: str | None
    codecs: str | None
    packing: str | None
    fax_packets: int | None
    fax_packets_sent: int | None
    zrtp_packets: int | None


class CandidateRow(NamedTuple):
    """One row per a=candidate line on the wire (RFC 8839, section 5.1)."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    call_id: str
    side: Side | None
    sdp_owner: str | None
    offer_answer: OfferAnswer | None
    mid: str | None
    foundation: str | None
    component: int | None
    transport: str | None
    priority: int | None
    addr: str | None
    port: int | None
    type: str | None
    related_addr: str | None
    related_port: int | None
    ufrag: str | None
    cseq: int | None
    addr_class: AddressClass | None
    side_by: SideBy | None
    acl_verdict: AclVerdict | None
    copy_of: int | None
    time_guessed: bool | None


class StunMessageRow(NamedTuple):
    """One row per STUN message on the wire (RFC 8489, section 5; RFC 3489 without cookie too)."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    transport: IceTransport | None
    method: str
    kind: StunClass
    transaction_id: str
    username: str | None
    mapped_addr: str | None
    mapped_port: int | None
    relay_addr: str | None
    relay_port: int | None
    peer_addr: str | None
    peer_port: int | None
    channel: int | None
    error_code: int | None
    role: IceRole | None
    use_candidate: bool
    priority: int | None
    software: str | None
    relayed: bool
    copy_of: int | None
    time_guessed: bool | None


class BindingRow(NamedTuple):
    """One row per STUN Binding transaction of a capture, by transaction ID, whatever the addresses."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    purpose: Purpose
    direction: Direction
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    username: str | None
    role: IceRole | None
    transaction_id: str
    requests: int
    last_time: pd.Timestamp | None
    outcome: Outcome
    error_code: int | None
    rtt_ms: float | None
    response_frame: int | None
    mapped_addr: str | None
    mapped_port: int | None
    icmp: int | None
    error_seen: int | None
    copies: int
    relayed: bool | None
    counted_in: str | None


class PairRow(NamedTuple):
    """One row per candidate pair seen in checks."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    local_addr: str
    local_port: int
    local_type: str | None
    remote_addr: str
    remote_port: int
    remote_type: str | None
    sent: int
    answered: int
    errors: int
    first_time: pd.Timestamp | None
    last_time: pd.Timestamp | None
    nominated: bool
    dtls: HandshakeState | None
    media_packets: int
    state: PairState | None
    counted_in: str | None


class DtlsMessageRow(NamedTuple):
    """One row per DTLS message (RFC 6347, RFC 9147); fragments of one message in a frame are one row."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    content: str
    handshake_type: str | None
    message_seq: int | None
    alert: str | None
    epoch: int | None
    certificate: str | None
    relayed: bool
    copy_of: int | None
    time_guessed: bool | None


class DtlsRow(NamedTuple):
    """One row per DTLS handshake and 5-tuple."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    client_addr: str
    client_port: int
    server_addr: str
    server_port: int
    state: HandshakeState
    client_hellos: int
    alert: str | None
    started: pd.Timestamp | None
    completed: pd.Timestamp | None
    duration_ms: float | None
    certificate_sha256: str | None
    fingerprint_matches: bool | None
    relayed: bool
    counted_in: str | None


class IcmpErrorRow(NamedTuple):
    """One row per ICMP error that quotes a UDP or TCP packet (RFC 792, RFC 4443)."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    reporter: str
    version: int
    type: int
    code: int
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    transport: str
    transaction_id: str | None
    copy_of: int | None
    time_guessed: bool | None


class RtpStreamRow(NamedTuple):
    """One row per SSRC and direction on a 5-tuple (RFC 3550), and per call if it serves several:
    duplicates, reordered and reports are NA then."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    stream: int
    direction: Direction | None
    src_side: Side | None
    ssrc: int
    payload_type: int | None
    other_payload_types: str | None
    last_payload_type: int | None
    media: str | None
    codec: str | None
    clock_rate: int | None
    secured: bool | None
    packets: int
    expected: int | None
    lost: int | None
    duplicates: int | None
    reordered: int | None
    jitter_ms: float | None
    max_gap_ms: float | None
    first_time: pd.Timestamp
    last_time: pd.Timestamp
    bytes: int | None
    relayed: bool
    direct: bool | None
    counted_in: str | None
    reports: int | None
    reported_until: pd.Timestamp | None
    unreported: int | None
    report_frame: int | None
    reported_lost: int | None
    reported_expected: int | None
    sender_received: int | None


class RtpSecondRow(NamedTuple):
    """One row per stream and second."""

    capture: str
    frame: int
    time: pd.Timestamp
    stream: int
    second: int
    last_time: pd.Timestamp | None
    packets: int
    lost: int | None
    jitter_ms: float | None


class PhaseRow(NamedTuple):
    """One row per phase of a leg: from one answered offer/answer to the next, or to the end. ``client``
    is the leg's far end: the client, on a leg without one the gateway or who is there."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    phase: int | None
    kind: PhaseKind | None
    started: pd.Timestamp | None
    ended: pd.Timestamp | None
    opened_by: int | None
    may_send_client: bool | None
    may_send_server: bool | None
    local_addr: str | None
    local_port: int | None
    remote_addr: str | None
    remote_port: int | None
    packets_from_client: int | None
    first_from_client: pd.Timestamp | None
    last_from_client: pd.Timestamp | None
    silence_from_client_s: float | None
    packets_from_server: int | None
    first_from_server: pd.Timestamp | None
    last_from_server: pd.Timestamp | None
    silence_from_server_s: float | None
    packets_undirected: int | None
    dtls: HandshakeState | None
    verdict: CallVerdict | None


class TransactionRow(NamedTuple):
    """One row per SIP transaction (RFC 3261, section 17), an INVITE's ACK for non-2xx included."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    call_id: str
    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int
    branch: str | None
    cseq: int | None
    method: str
    initial: bool | None
    requests: int
    last_time: pd.Timestamp | None
    retransmissions: int | None
    progress_time: pd.Timestamp | None
    final_status: int | None
    final_reason: str | None
    final_frame: int | None
    final_time: pd.Timestamp | None
    response_retransmissions: int | None


class LegRow(NamedTuple):
    """One row per recording and Call-ID."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int
    leg: int
    call_id: str
    uac_addr: str | None
    uac_port: int | None
    uas_addr: str | None
    uas_port: int | None
    transport: SipTransport | None
    from_user: str | None
    to_user: str | None
    uac_agent: str | None
    uas_agent: str | None
    role: LegRole
    invite_time: pd.Timestamp | None
    progress_time: pd.Timestamp | None
    ringing_time: pd.Timestamp | None
    answer_time: pd.Timestamp | None
    end_time: pd.Timestamp | None
    final_status: int | None
    final_reason: str | None
    ended_by: EndedBy | None
    end_reason: str | None
    retransmissions: int | None
    state: LegState


class CallRow(NamedTuple):
    """One row per call: the legs a B2BUA joins, or an ICE session without SIP."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int
    legs: int | None
    from_user: str | None
    to_user: str | None
    cause: str | None
    joined_by: str | None
    joined_confidence: float | None
    ambiguous: bool | None
    start: pd.Timestamp | None
    answer: pd.Timestamp | None
    end: pd.Timestamp | None
    final_status: int | None
    verdict: CallVerdict | None
    confidence: float | None
    headline: str | None
    media_ok: bool | None
    call_uid: str | None


class JoinRow(NamedTuple):
    """One row per pair of legs considered as one call."""

    capture: str
    frame: int
    time: pd.Timestamp
    call_id_a: str
    call_id_b: str
    evidence: str | None
    score: float
    accepted: bool


class TimelineRow(NamedTuple):
    """One row per event of a call, in time order."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    lane: Lane
    kind: str
    label: str
    src: str | None
    dst: str | None
    severity: EventSeverity


class NatMappingRow(NamedTuple):
    """One row per base and the address seen outside."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    base_addr: str
    base_port: int
    mapped_addr: str
    mapped_port: int
    learned_from: LearnedFrom
    seen_by_addr: str | None
    seen_by_port: int | None
    port_preserved: bool | None


class ClockRow(NamedTuple):
    """One row per capture that shows the same packets as another, by the capture whose clock it is
    compared with: the reference is the capture with the call's SIP (of several the one with SIP of most
    legs, then of most packets), else the first by name. It has a row of its own, with 0. frame and time:
    of the first packet matched."""

    capture: str
    frame: int | None
    time: pd.Timestamp | None
    reference: str
    place: Place | None
    position: int | None
    offset_ms: float | None
    drift_ppm: float | None
    matched: int
    residual_ms: float | None
    bound_ms: float | None
    certainty: float | None
    drift_bound_ppm: float | None


class PassageRow(NamedTuple):
    """One row per call, leg, kind, direction, stretch between two captures and flow: what was seen at the
    one and of these at the other."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    kind: PassageKind
    direction: Direction | None
    from_capture: str
    to_capture: str
    from_src_addr: str | None
    from_src_port: int | None
    from_dst_addr: str | None
    from_dst_port: int | None
    to_src_addr: str | None
    to_src_port: int | None
    to_dst_addr: str | None
    to_dst_port: int | None
    sent: int
    arrived: int
    lost: int
    first_lost: pd.Timestamp | None
    last_lost: pd.Timestamp | None
    delay_ms: float | None
    reordered: int | None
    smallest_lost: int | None
    largest_arrived: int | None


class LogEventRow(NamedTuple):
    """One row per relevant line of a FreeSWITCH log about the calls; capture is the log, frame its line,
    time by the captures' clock."""

    capture: str
    frame: int
    time: pd.Timestamp
    call: int | None
    leg: int | None
    level: str | None
    source: str | None
    text: str
    uuid: str | None
    call_id: str | None
    kind: LogKind
    offset_ms: float | None


class LogRow(NamedTuple):
    """One row per log given with --fs-log; capture is the log."""

    capture: str
    frame: int | None
    time: pd.Timestamp | None
    path: str
    lines: int
    used: int
    calls: int | None
    first_time: pd.Timestamp | None
    last_time: pd.Timestamp | None
    offset_ms: float | None
    spread_ms: float | None
    anchors: int | None
    warnings: str | None


class FindingRow(NamedTuple):
    """One row per rule and place."""

    capture: str
    frame: int | None
    time: pd.Timestamp | None
    code: str
    name: str
    severity: Severity
    verdict: Verdict
    confidence: float
    call: int | None
    leg: int | None
    caused_by: str | None
    supported_by: str | None
    refuted_by: str | None
    frames: str
    title: str
    detail: str
    facts: str
    causes: str
    remedies: str
    reference: str

"""The tables handed from stage to stage: names, types and meaning in one place.

They are a contract: other programs read the Parquet files made from them.
``postproc tables`` prints this module, ``docs`` are checked against it, and
every table is conformed to it before it is written.

A row leads back to Wireshark by ``(capture, frame)``; ``time`` is UTC with
nanoseconds; durations end in ``_ms`` or ``_s``; NA means "not in the message".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

from postproc.model import constants
from postproc.model.columns import (
    DTYPES,
    FLAG,
    INTEGER,
    NOTHING,
    REAL,
    TEXT,
    TIME,
    array,
    behind,
    in_order,
    repeated,
    schema,
)
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
    Refresher,
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
    words,
)
from postproc.model.errors import SchemaError

NAME = b"legshark.table"  # key in a schema's metadata
# Rows that are Python objects at a time: about 20 MB of findings, the widest. A choice
ROWS_AT_ONCE = 5_000
T = TypeVar("T")


class Column(NamedTuple):
    """A column; ``words``: its enumeration, if it has one; ``always``: it is never NA."""

    name: str
    dtype: str
    doc: str
    words: Any = None
    always: bool = False


@dataclass(frozen=True)
class Table:
    """A table's declaration: rows enter a table only through ``conform``.

    ``row`` names the row type in ``postproc.model.rows``, which is generated from this module.
    """

    name: str
    row: str
    doc: str
    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @cached_property
    def labels(self) -> "pd.Index[str]":
        """The names as objects: pandas holds them in arrow, where looking one up takes ten times as long."""
        return pd.Index(self.names, dtype=object)

    @cached_property
    def dtypes(self) -> dict[str, str]:
        return {column.name: column.dtype for column in self.columns}

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow's schema of the table, with its name in the metadata."""
        return schema(self.dtypes, {NAME: self.name.encode()})

    def conform(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with exactly these columns, in this order and these types.

        Raises SchemaError when a column is missing or holds another type.
        """
        if rows.empty and rows.columns.tolist() == self.names:
            return self.empty()
        if rows.columns.tolist() != self.names:
            if missing := sorted(set(self.names) - set(rows.columns)):
                raise SchemaError(f"{self.name}: missing columns {missing}")
            rows = rows[self.names]
        conformed = rows.copy(deep=False) if _is_counted(rows.index) else rows.reset_index(drop=True)
        types = zip(self.dtypes.items(), conformed.dtypes, strict=True)
        other = {
            name: dtype
            for (name, dtype), type_ in types
            if type_ is not DTYPES[dtype] and str(type_) != dtype
        }
        try:
            conformed = conformed.astype(other) if other else conformed
            conformed.columns = self.labels
            return conformed
        except (TypeError, ValueError) as error:
            raise SchemaError(f"{self.name}: {error}") from error

    def rows(self, records: Iterable[Mapping[str, Any]], *, by: Sequence[str] = ()) -> pd.DataFrame:
        """Build the table from records; missing keys become NA, unknown ones raise SchemaError.

        ``by``: columns of whole numbers or times to sort by, NA as 0; equal rows stay in their order.
        """
        return self._in_blocks(map(self.columns_of, _blocks(records)), by)

    def columns_of(self, records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """Return the values of records by column, None where one has no such key."""
        if unknown := sorted(set().union(*records) - set(self.names)):
            raise SchemaError(f"{self.name}: unknown columns {unknown}")
        return {name: _values(records, name) for name in self.names}

    def of_tuples(self, rows: Iterable[tuple[Any, ...]], *, by: Sequence[str] = ()) -> pd.DataFrame:
        """Build the table from rows that have all its columns, in their order; ``by`` as in ``rows``."""
        columns = (zip(*block, strict=True) for block in _blocks(rows))
        return self._in_blocks((dict(zip(self.names, each, strict=True)) for each in columns), by)

    def _in_blocks(self, blocks: Iterable[Mapping[str, Sequence[Any]]], by: Sequence[str]) -> pd.DataFrame:
        """Build the table from the columns of some rows at a time: as Python objects all take much more."""
        pieces: dict[str, list[ExtensionArray]] = {name: [] for name in self.names}
        for block in blocks:
            for name, piece in self._arrays(block).items():
                pieces[name].append(piece)
        if not any(pieces.values()):
            return self.empty()
        order = in_order([behind(pieces[name]) for name in by]) if by else None
        columns = {}
        for name in self.names:
            column = behind(pieces.pop(name))  # nothing is held twice
            columns[name] = column if order is None else column.take(order)
        return self.of(columns)

    def of(self, columns: Mapping[str, Sequence[Any] | ExtensionArray]) -> pd.DataFrame:
        """Build the table from columns: sequences of Python values, or arrays of the declared type.

        Raises SchemaError as ``conform`` does.
        """
        arrays = self._arrays(columns)
        made = pd.DataFrame(arrays, copy=False)
        if len(arrays) != len(self.columns) or made.empty or not _is_counted(made.index):
            return self.conform(made)
        made.columns = self.labels
        return made

    def _arrays(self, columns: Mapping[str, Any]) -> dict[str, ExtensionArray]:
        try:
            return {
                name: values if str(getattr(values, "dtype", "")) == dtype else array(list(values), dtype)
                for name, dtype in self.dtypes.items()
                if (values := columns.get(name)) is not None
            }
        except (TypeError, ValueError) as error:
            raise SchemaError(f"{self.name}: {error}") from error

    def captured(self, rows: pd.DataFrame, capture: str) -> pd.DataFrame:
        """Return rows of this table with their capture set."""
        copy = rows.copy(deep=False)
        copy["capture"] = repeated(capture, len(rows), TEXT)
        return copy

    def undeclared(self, rows: pd.DataFrame) -> list[str]:
        """Return the violations of the declaration: NA and enumeration values that it does not allow."""
        violations = []
        for column in self.columns:
            values = rows[column.name]
            if column.always and values.isna().any():
                violations.append(f"{self.name}.{column.name} is NA")
            if column.words is not None:
                strange = set(values.dropna()) - set(words(column.words))
                violations += [f"{self.name}.{column.name} is {word!r}" for word in sorted(strange)]
        return violations

    def empty(self) -> pd.DataFrame:
        return self._empty.copy(deep=False)

    @cached_property
    def _empty(self) -> pd.DataFrame:
        made = pd.DataFrame({name: NOTHING[dtype] for name, dtype in self.dtypes.items()}, copy=False)
        made.columns = self.labels
        return made


def _is_counted(index: pd.Index) -> bool:
    """Whether the rows are already numbered from 0."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None


def _blocks(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while block := list(islice(waiting, ROWS_AT_ONCE)):
        yield block


def _values(records: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), records))  # twice as fast as asking each
    except KeyError:
        return [record.get(name) for record in records]


# Seconds before a call's first and after its last packet in which packets on its addresses still belong to
# it: early media, RTCP BYE, and ICMP errors, which usually come up to 3 s after their packet (Linux asks
# three times, a second apart, for a neighbor's link address before it reports "host unreachable"). Below
# 3.1 s those are lost; the larger it is, the more likely the port belongs to another call by then.
SLACK_S = constants.count("whose.margin_s")

# Columns that many tables share.
CAPTURE = Column("capture", TEXT, "File the frame is in, relative to the inputs' common folder.", always=True)
FRAME = Column("frame", INTEGER, "Frame number in that file: of the thing's first frame.", always=True)
AT = Column("time", TIME, "Arrival of that frame.", always=True)
KEY = (CAPTURE, FRAME, AT)
FILE_KEY = (CAPTURE, FRAME._replace(always=False), AT._replace(always=False))  # of a file as a whole
CALL = Column("call", INTEGER, "Call's number in the run, by time of its first INVITE; NA if none.")
LEG = Column("leg", INTEGER, "Leg's number in its call, from 1.")
IN_CALL, IN_LEG = CALL._replace(always=True), LEG._replace(always=True)
OWNER = (
    Column("call", INTEGER, "Call it belongs to; NA if none, or if that is not sure."),
    Column("leg", INTEGER, "Leg it belongs to; NA if none, or if that is not sure."),
)
TUPLE = (
    Column("src_addr", TEXT, "Sender's address on the wire.", always=True),
    Column("src_port", INTEGER, "Sender's port.", always=True),
    Column("dst_addr", TEXT, "Receiver's address on the wire.", always=True),
    Column("dst_port", INTEGER, "Receiver's port.", always=True),
)
# A second frame of a row is counted from the row's file on, into the next files of its recording.
COPY_OF = Column("copy_of", INTEGER, "Frame of which this one is a second capture; NA if none.")
COUNTED_IN = Column(
    "counted_in",
    TEXT,
    "Capture that shows the same where it counts: a stream where its receiver is nearest, a check where its "
    "answer has to arrive, all else at the reference of ``clocks``; NA if it counts here.",
)
GUESSED = Column(
    "time_guessed",
    FLAG,
    "Its clock shows a time outside 1970 to 2200: ``time`` is of the frame before.",
)
RELAYED = Column("relayed", FLAG, "Carried inside TURN (ChannelData, Send or Data indication).", always=True)

CAPTURES = Table(
    "captures",
    "CaptureRow",
    "One row per capture file.",
    (
        *FILE_KEY,
        Column("path", TEXT, "The file as found on this machine; of a ticket, its member."),
        Column("sha256", TEXT, "Hash of the file's bytes."),
        Column("format", TEXT, "pcap, pcapng or what the conversion started from (gzip, snoop, ...)."),
        Column("packets", INTEGER, "Whole packets in the file."),
        Column("first_time", TIME, "Earliest packet."),
        Column("last_time", TIME, "Latest packet."),
        Column("interfaces", TEXT, "Names of the interfaces, comma-joined; empty where unnamed."),
        Column("link_types", TEXT, "Their link types (LINKTYPE names), comma-joined."),
        Column("media_packets", INTEGER, "RTP packets measured here and not shown to tshark."),
        Column(
            "foreign_packets", INTEGER, "Packets left out: RTCP, TCP without SIP, QUIC, ARP and the like."
        ),
        Column(
            "dissected_packets",
            INTEGER,
            "The others: given to tshark, or read without it.",
        ),
        Column(
            "packets_not_looked_at",
            INTEGER,
            "Packets in which media would not be found: unknown tunnels and link layers, fragments alone.",
        ),
        Column("not_looked_at", TEXT, "What those were, each with its number: ESP 120; ethertype 0x8906 3."),
        Column(
            "messages_cut",
            INTEGER,
            "SIP, STUN and DTLS messages of which the snapshot length left only the beginning.",
        ),
        Column("cut_short", FLAG, "The file ends inside a packet."),
        Column(
            "missing",
            TEXT,
            "Between the file before it and this one, if packets are missing there: an ISO 8601 interval.",
        ),
        Column("recording", INTEGER, "Number of its recording, by time: files of a ring buffer have one."),
        Column("warnings", TEXT, "What to know about the reading, newline-joined."),
    ),
)
SIP_MESSAGES = Table(
    "sip_messages",
    "SipMessageRow",
    "One row per SIP message on the wire (RFC 3261, section 7); a frame may hold several.",
    (
        *KEY,
        *OWNER,
        Column("call_id", TEXT, "Call-ID.", always=True),
        *TUPLE,
        Column("transport", TEXT, "udp, tcp, tls, sctp, ws or wss.", SipTransport),
        Column("method", TEXT, "Method of a request; NA in responses."),
        Column("status", INTEGER, "Status code of a response; NA in requests."),
        Column("reason", TEXT, "Reason phrase of a response."),
        Column("cseq", INTEGER, "CSeq number."),
        Column("cseq_method", TEXT, "CSeq method."),
        Column("branch", TEXT, "Branch of the topmost Via."),
        Column("from_uri", TEXT, "URI of From."),
        Column("from_tag", TEXT, "Tag of From."),
        Column("to_uri", TEXT, "URI of To."),
        Column("to_tag", TEXT, "Tag of To; NA in an initial request."),
        Column("request_uri", TEXT, "Request-URI."),
        Column("user_agent", TEXT, "User-Agent, in a response else Server."),
        Column("contact", TEXT, "URI of the first Contact."),
        Column(
            "reason_header",
            TEXT,
            "Reason header (RFC 3326), else the Q.850 cause in X-Asterisk-HangupCauseCode.",
        ),
        Column("warning", TEXT, "Warning header (RFC 3261, section 20.43)."),
        Column("record_route", TEXT, "URIs of Record-Route in their order, comma-joined."),
        Column("session_expires", INTEGER, "Seconds of Session-Expires (RFC 4028)."),
        Column("refresher", TEXT, "Who refreshes the session by that header: uac or uas.", Refresher),
        Column("min_se", INTEGER, "Seconds of Min-SE."),
        Column("rseq", INTEGER, "RSeq of a provisional response that wants a PRACK (RFC 3262)."),
        Column("refer_to", TEXT, "URI of Refer-To (RFC 3515)."),
        Column("fragment_status", INTEGER, "Status code in a NOTIFY's message/sipfrag (RFC 3420)."),
        Column("dtmf", FLAG, "An INFO that signals a pressed key; NA if it is no INFO."),
        Column(
            "expires",
            INTEGER,
            "Seconds of Expires, else of the first Contact, else of Min-Expires; 0 ends a registration.",
        ),
        Column(
            "challenge",
            TEXT,
            "Algorithms of WWW- and Proxy-Authenticate, comma-joined; stale: only the nonce is too old.",
        ),
        Column("authorized", FLAG, "Carries credentials (Authorization, Proxy-Authorization).", always=True),
        Column("has_sdp", FLAG, "Carries a session description.", always=True),
        Column("sdp_lost", FLAG, "Announces a session description, of which Content-Length leaves nothing."),
        Column("size", INTEGER, "Bytes of the message, as far as they are in the capture."),
        Column(
            "cut_short",
            FLAG,
            "The capture lacks its end: further IP fragments, what exceeds the snapshot length, "
            "or in TCP what Content-Length announces.",
            always=True,
        ),
        COPY_OF,
        GUESSED,
    ),
)
CONNECTION_EVENTS = Table(
    "connection_events",
    "ConnectionEventRow",
    "One row per event of a TCP connection that carries SIP, or is on a port where SIP is expected.",
    (
        *KEY,
        *TUPLE,
        Column(
            "event",
            TEXT,
            "fin, reset; of TLS client_hello, server_hello, alert, keyed (a record under the agreed keys).",
            ConnectionEvent,
            always=True,
        ),
        Column("alert", TEXT, "Description of a TLS alert, or encrypted."),
        COPY_OF,
        GUESSED,
    ),
)
ENDS = (
    Column("client_addr", TEXT, "Address of the end that opens the connection.", always=True),
    Column("client_port", INTEGER, "Its port.", always=True),
    Column("server_addr", TEXT, "Address of the other end.", always=True),
    Column("server_port", INTEGER, "Its port.", always=True),
)
CONNECTIONS = Table(
    "connections",
    "ConnectionRow",
    "One row per TCP connection to a web server, to the application's server (2230, 2231), or on a SIP port.",
    (
        *KEY,
        *ENDS,
        Column("attempts", INTEGER, "SYNs of the client, those captured twice counted once.", always=True),
        Column(
            "outcome",
            TEXT,
            "established; refused (RST to the SYN); unanswered; reset (by the server before it said "
            "anything); one_sided (only packets of the client, which show that it was answered); midstream "
            "(opened before).",
            TcpOutcome,
            always=True,
        ),
        Column("answer_ms", REAL, "From the first SYN to SYN-ACK."),
        Column(
            "ended_by",
            TEXT,
            "What closed it first: client_fin, server_fin, client_reset, server_reset.",
            TcpEnd,
        ),
        Column("lasted_s", REAL, "From the first packet to what closed it, else to the last.", always=True),
        Column("client_bytes", INTEGER, "Bytes of the client's stream, by sequence numbers.", always=True),
        Column("server_bytes", INTEGER, "Bytes of the server's stream.", always=True),
        Column("longest_pause_s", REAL, "Longest time in which neither sent data.", always=True),
        Column("pause_before_end", FLAG, "That pause lasted until the connection was closed.", always=True),
        Column(
            "unheard_client",
            INTEGER,
            "Segments with data from the client since the last packet of the server; with many the way back, "
            "or the server, is gone.",
            always=True,
        ),
        Column("unheard_server", INTEGER, "The same of the server's.", always=True),
        Column("unheard_s", REAL, "For how long such were sent."),
        Column("last_time", TIME, "Its last packet.", always=True),
        COPY_OF,
    ),
)
TLS = Table(
    "tls",
    "TlsRow",
    "One row per TLS handshake that the capture shows, of the connections in ``connections``.",
    (
        *KEY,
        *ENDS,
        Column("server_name", TEXT, "Name the client asks for (SNI)."),
        Column("oldest_offered", TEXT, "Oldest version the client speaks."),
        Column("newest_offered", TEXT, "Newest version the client speaks."),
        Column("version", TEXT, "Version the server chose; NA without a readable ServerHello."),
        Column("cipher", TEXT, "Cipher suite it chose, 0x and four hex digits (IANA)."),
        Column("offered_protocols", TEXT, "ALPN of the client, comma-joined."),
        Column("protocol", TEXT, "ALPN of the server."),
        Column("answered", FLAG, "The server sent a handshake message.", always=True),
        Column("resumed", FLAG, "A session of before goes on: there is no certificate.", always=True),
        Column("certificates", INTEGER, "Certificates the server sent; NA where they cannot be read."),
        Column("subject", TEXT, "Common name of the server's certificate."),
        Column("names", TEXT, "Names and addresses it is for (subjectAltName), comma-joined."),
        Column("issuer", TEXT, "Common name of who issued it."),
        Column("not_before", TEXT, "Valid from, ISO 8601 in UTC."),
        Column("not_after", TEXT, "Valid until."),
        Column("self_signed", FLAG, "Issued by itself."),
        Column("ca_issuers", FLAG, "Says where its issuer's certificate is to be had, so that is no root."),
        Column("chain_breaks", FLAG, "A certificate sent is not issued by the one behind it."),
        Column("fits_name", FLAG, "It is for the name asked for; NA without a name."),
        Column("in_date", FLAG, "The capture's clock was within its validity."),
        Column(
            "outcome",
            TEXT,
            "complete; alert (one broke it off); closed (the connection, amid it); unfinished.",
            TlsOutcome,
            always=True,
        ),
        Column("broken_by", TEXT, "client or server: who sent that alert or closed.", TcpSide),
        Column("alert", TEXT, "Description of that alert, or encrypted."),
        Column("alert_frame", INTEGER, "Its frame, or the one that closed the connection."),
        Column("requested", FLAG, "The client sent data after the handshake.", always=True),
        COPY_OF,
    ),
)
HTTP = Table(
    "http",
    "HttpRow",
    "One row per HTTP request that can be read: in clear, or with the keys; its answer beside it.",
    (
        *KEY,
        *ENDS,
        Column("secured", FLAG, "Decrypted.", always=True),
        Column("host", TEXT, "Host asked for."),
        Column("method", TEXT, "Method.", always=True),
        Column("url_path", TEXT, "Path, without the query.", always=True),
        Column("upgrade", TEXT, "Protocol that Upgrade asks for, or CONNECT of HTTP/2 (RFC 8441)."),
        Column(
            "subprotocols", TEXT, "Protocols inside a WebSocket that are asked for (Sec-WebSocket-Protocol)."
        ),
        Column("authorization", TEXT, "Scheme of Authorization."),
        Column(
            "forwarded",
            FLAG,
            "Passed on by a proxy (Forwarded, X-Forwarded-For, X-Real-IP, Via).",
            always=True,
        ),
        Column("status", INTEGER, "Status code of the answer; NA if none is seen."),
        Column("response_frame", INTEGER, "Frame of the answer."),
        Column("duration_ms", REAL, "From the request to its answer."),
        Column("software", TEXT, "Server of the answer."),
        Column("challenge", TEXT, "Schemes of WWW-Authenticate, comma-joined."),
        Column("challenge_goes_on", FLAG, "It bears a token: a handshake of NTLM or Negotiate goes on."),
        Column(
            "signalr",
            TEXT,
            "What it is to SignalR: negotiate, websocket, events (server-sent), poll, send, end.",
            SignalrRequest,
        ),
        Column("lasted_s", REAL, "Of a WebSocket, from the answer until the connection was closed."),
        Column(
            "goodbye", TEXT, "Who closed a WebSocket with a Close frame first: client or server.", TcpSide
        ),
        COPY_OF,
    ),
)
SIP_HEADERS = Table(
    "sip_headers",
    "SipHeaderRow",
    "One row per header that may identify a call or its parties across a B2BUA.",
    (
        *KEY,
        *OWNER,
        Column("call_id", TEXT, "Call-ID of the message.", always=True),
        Column("method", TEXT, "Method of the request (responses are not listed)."),
        Column("name", TEXT, "Header name, lower case, long form.", always=True),
        Column("value", TEXT, "Header value, unfolded.", always=True),
    ),
)
SDP_MEDIA = Table(
    "sdp_media",
    "SdpMediaRow",
    "One row per m= section of a session description (RFC 8866, section 5.14).",
    (
        *KEY,
        *OWNER,
        Column("call_id", TEXT, "Call-ID of the message that carries it.", always=True),
        Column("sdp_owner", TEXT, "o= username: who wrote the description."),
        Column("session_id", TEXT, "o= session id."),
        Column("session_version", TEXT, "o= session version."),
        Column("mid", TEXT, "a=mid (RFC 5888)."),
        Column("media", TEXT, "audio, video, ..."),
        Column("port", INTEGER, "Port of the m= line; 0 = refused."),
        Column("proto", TEXT, "RTP/AVP, UDP/TLS/RTP/SAVPF, ..."),
        Column("direction", TEXT, "sendrecv, sendonly, recvonly or inactive.", MediaDirection),
        Column("connection_addr", TEXT, "Address of the section's c= line, else the session's."),
        Column(
            "alternatives",
            TEXT,
            "Other addresses for the same media (a=altc, RFC 6947): address and port, comma-joined.",
        ),
        Column("ufrag", TEXT, "a=ice-ufrag."),
        Column("pwd_present", FLAG, "a=ice-pwd is there (the password itself is not kept).", always=True),
        Column("setup", TEXT, "a=setup: active, passive, actpass, holdconn."),
        Column("fingerprint", TEXT, "a=fingerprint: hash and value."),
        Column("rtcp_mux", FLAG, "a=rtcp-mux.", always=True),
        Column("rtcp_mux_only", FLAG, "a=rtcp-mux-only (RFC 8858): RTCP on a port of its own is refused."),
        Column("crypto", TEXT, "Suites of a=crypto (RFC 4568), comma-joined; keys are not kept."),
        Column("crypto_tags", TEXT, "Their tags, by which an answer names the suite that it takes."),
        Column(
            "crypto_keys",
            TEXT,
            "Digests of their keys (8 hex digits of SHA-256), which tell only whether two are the same.",
        ),
        Column("ice_lite", FLAG, "a=ice-lite (RFC 8839)."),
        Column(
            "ice_mismatch",
            FLAG,
            "a=ice-mismatch (RFC 8839): the other's default address is none of its candidates.",
        ),
        Column("ice_options", TEXT, "a=ice-options: trickle, ice2, ..., as written."),
        Column("formats", TEXT, "Format list of the m= line, comma-joined."),
        Column("codecs", TEXT, "format=name/clock of each format known, comma-joined."),
        Column(
            "packing",
            TEXT,
            "format=parameters of each AMR format that shape its payload (RFC 4867), or plain; comma-joined.",
        ),
        Column(
            "fax_packets",
            INTEGER,
            "Of a section for fax (m=image): datagrams that may be UDPTL to its address (ITU-T T.38).",
        ),
        Column("fax_packets_sent", INTEGER, "The same from its address."),
        Column("zrtp_packets", INTEGER, "ZRTP packets (RFC 6189) from its address; NA: none."),
    ),
)
CANDIDATES = Table(
    "candidates",
    "CandidateRow",
    "One row per a=candidate line on the wire (RFC 8839, section 5.1).",
    (
        *KEY,
        CALL,
        LEG,
        Column("call_id", TEXT, "Call-ID of the message that carries it.", always=True),
        Column("side", TEXT, "Whose candidate: client, server or other.", Side),
        Column("sdp_owner", TEXT, "o= username of the description."),
        Column(
            "offer_answer",
            TEXT,
            "offer, answer (RFC 3264), or trickle: in INFO after them (RFC 8840).",
            OfferAnswer,
        ),
        Column("mid", TEXT, "a=mid of the section, else its index."),
        Column("foundation", TEXT, "Foundation."),
        Column("component", INTEGER, "1 RTP, 2 RTCP."),
        Column("transport", TEXT, "udp or tcp."),
        Column("priority", INTEGER, "Priority."),
        Column("addr", TEXT, "Connection address: IP address or mDNS name."),
        Column("port", INTEGER, "Port."),
        Column("type", TEXT, "host, srflx, prflx or relay."),
        Column("related_addr", TEXT, "raddr."),
        Column("related_port", INTEGER, "rport."),
        Column("ufrag", TEXT, "a=ice-ufrag it belongs to."),
        Column("cseq", INTEGER, "CSeq number of the message."),
        Column(
            "addr_class",
            TEXT,
            "private, public, cgnat, link_local, loopback, mdns, ula, documentation, multicast, "
            "unspecified or invalid.",
            AddressClass,
        ),
        Column("side_by", TEXT, "How the side is known: marker, b2bua or role.", SideBy),
        Column(
            "acl_verdict",
            TEXT,
            "allowed, denied or unknown, by the access lists; NA for the server's own and without lists.",
            AclVerdict,
        ),
        COPY_OF,
        GUESSED,
    ),
)
STUN_MESSAGES = Table(
    "stun_messages",
    "StunMessageRow",
    "One row per STUN message on the wire (RFC 8489, section 5; RFC 3489 without cookie too).",
    (
        *KEY,
        *OWNER,
        *TUPLE,
        Column("transport", TEXT, "udp or tcp: of TURN or ICE over TCP (RFC 8656, RFC 6544).", IceTransport),
        Column("method", TEXT, "binding, allocate, refresh, ... else the number in hex.", always=True),
        Column("kind", TEXT, "request, indication, success or error.", StunClass, always=True),
        Column(
            "transaction_id",
            TEXT,
            "Transaction ID in hex: 96 bit, 128 bit without magic cookie.",
            always=True,
        ),
        Column("username", TEXT, "USERNAME: in a check receiver's ufrag:sender's ufrag."),
        Column("mapped_addr", TEXT, "XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS."),
        Column("mapped_port", INTEGER, "Its port."),
        Column("relay_addr", TEXT, "XOR-RELAYED-ADDRESS: what a TURN server gives a client (RFC 8656)."),
        Column("relay_port", INTEGER, "Its port."),
        Column("peer_addr", TEXT, "XOR-PEER-ADDRESS, of a message in an indication that of the indication."),
        Column("peer_port", INTEGER, "Its port."),
        Column("channel", INTEGER, "CHANNEL-NUMBER, of a message in ChannelData that of the channel."),
        Column("error_code", INTEGER, "ERROR-CODE."),
        Column("role", TEXT, "controlling or controlled.", IceRole),
        Column("use_candidate", FLAG, "USE-CANDIDATE present: a nomination.", always=True),
        Column("priority", INTEGER, "PRIORITY."),
        Column("software", TEXT, "SOFTWARE."),
        RELAYED,
        COPY_OF,
        GUESSED,
    ),
)
BINDINGS = Table(
    "bindings",
    "BindingRow",
    "One row per STUN Binding transaction of a capture, by transaction ID, whatever the addresses.",
    (
        *KEY,
        CALL,
        LEG,
        Column("purpose", TEXT, "check, discovery or keepalive.", Purpose, always=True),
        Column(
            "direction",
            TEXT,
            "server_to_client, client_to_server or other: the requests' way.",
            Direction,
            always=True,
        ),
        *TUPLE,
        Column("username", TEXT, "USERNAME of the request."),
        Column("role", TEXT, "ICE role that the request claims: controlling or controlled.", IceRole),
        Column("transaction_id", TEXT, "Transaction ID in hex.", always=True),
        Column("requests", INTEGER, "Requests on the wire, copies not counted.", always=True),
        Column("last_time", TIME, "Last request: retransmissions bear the same transaction ID."),
        Column(
            "outcome", TEXT, "success, error, unanswered, pending or response_only.", Outcome, always=True
        ),
        Column("error_code", INTEGER, "ERROR-CODE of the outcome error."),
        Column("rtt_ms", REAL, "Last request before the first response, to that response."),
        Column(
            "response_frame",
            INTEGER,
            "Frame of the response that decided the outcome, counted on where it is in the next file.",
        ),
        Column("mapped_addr", TEXT, "Requester's address as the responder saw it."),
        Column("mapped_port", INTEGER, "Its port."),
        Column("icmp", INTEGER, "Code of an ICMP error that quotes a request (3 = port unreachable)."),
        Column("error_seen", INTEGER, "Error code also seen, where the outcome is success."),
        Column("copies", INTEGER, "Second captures of its messages, not counted above.", always=True),
        Column(
            "relayed",
            FLAG,
            "Inside TURN: the addresses are those beyond the relay, relayed address and peer.",
        ),
        COUNTED_IN,
    ),
)
PAIRS = Table(
    "pairs",
    "PairRow",
    "One row per candidate pair seen in checks.",
    (
        *KEY,
        CALL,
        LEG,
        Column(
            "local_addr", TEXT, "Server's side (else first sender's) as on the wire: the base.", always=True
        ),
        Column("local_port", INTEGER, "Its port.", always=True),
        Column("local_type", TEXT, "Type of the candidate it belongs to."),
        Column("remote_addr", TEXT, "The other side as on the wire.", always=True),
        Column("remote_port", INTEGER, "Its port.", always=True),
        Column("remote_type", TEXT, "Type of the candidate offered there; prflx if none."),
        Column("sent", INTEGER, "Checks sent on the pair, either way (transactions).", always=True),
        Column("answered", INTEGER, "Those with a success response.", always=True),
        Column("errors", INTEGER, "Those with an error response only.", always=True),
        Column("first_time", TIME, "First check."),
        Column("last_time", TIME, "Last check or response."),
        Column("nominated", FLAG, "USE-CANDIDATE was acknowledged.", always=True),
        Column("dtls", TEXT, "State of the DTLS handshake on it; NA if none.", HandshakeState),
        Column("media_packets", INTEGER, "RTP packets on it, either way.", always=True),
        Column(
            "state",
            TEXT,
            "succeeded (answered both ways), half, failed or never_checked.",
            PairState,
        ),
        COUNTED_IN,
    ),
)
DTLS_MESSAGES = Table(
    "dtls_messages",
    "DtlsMessageRow",
    "One row per DTLS message (RFC 6347, RFC 9147); fragments of one message in a frame are one row.",
    (
        *KEY,
        *OWNER,
        *TUPLE,
        Column(
            "content",
            TEXT,
            "handshake, change_cipher_spec, alert, application_data, ack or its number.",
            always=True,
        ),
        Column("handshake_type", TEXT, "client_hello, certificate, ...; encrypted after the cipher change."),
        Column("message_seq", INTEGER, "Handshake message_seq."),
        Column("alert", TEXT, "Alert description, encrypted if unreadable."),
        Column("epoch", INTEGER, "Record epoch: above 0 is encrypted."),
        Column("certificate", TEXT, "First certificate (DER, hex) where it becomes complete."),
        RELAYED,
        COPY_OF,
        GUESSED,
    ),
)
DTLS = Table(
    "dtls",
    "DtlsRow",
    "One row per DTLS handshake and 5-tuple.",
    (
        *KEY,
        CALL,
        LEG,
        Column("client_addr", TEXT, "DTLS client (sender of the ClientHello).", always=True),
        Column("client_port", INTEGER, "Its port.", always=True),
        Column("server_addr", TEXT, "DTLS server.", always=True),
        Column("server_port", INTEGER, "Its port.", always=True),
        Column(
            "state",
            TEXT,
            "none, client_hello_only, incomplete, complete or alert.",
            HandshakeState,
            always=True,
        ),
        Column("client_hellos", INTEGER, "ClientHello messages seen.", always=True),
        Column("alert", TEXT, "Alert that ended the handshake."),
        Column("started", TIME, "First ClientHello, else first message."),
        Column("completed", TIME, "Last Finished, else first protected record of both; NA if not complete."),
        Column("duration_ms", REAL, "started to completed."),
        Column("certificate_sha256", TEXT, "SHA-256 of the DTLS server's certificate, else the client's."),
        Column("fingerprint_matches", FLAG, "Certificates seen match the SDP fingerprints; NA if unknown."),
        RELAYED,
        COUNTED_IN,
    ),
)
ICMP_ERRORS = Table(
    "icmp_errors",
    "IcmpErrorRow",
    "One row per ICMP error that quotes a UDP or TCP packet (RFC 792, RFC 4443).",
    (
        *KEY,
        *OWNER,
        Column("reporter", TEXT, "Who says so: sender of the ICMP message.", always=True),
        Column("version", INTEGER, "4 or 6.", always=True),
        Column("type", INTEGER, "ICMP type.", always=True),
        Column("code", INTEGER, "ICMP code.", always=True),
        *TUPLE,
        Column(
            "transport", TEXT, "udp or tcp: of the quoted packet, whose addresses these are.", always=True
        ),
        Column("transaction_id", TEXT, "STUN transaction ID in the quote."),
        COPY_OF,
        GUESSED,
    ),
)
RTP_STREAMS = Table(
    "rtp_streams",
    "RtpStreamRow",
    "One row per SSRC and direction on a 5-tuple (RFC 3550), and per call if it serves several:"
    " duplicates, reordered and reports are NA then.",
    (
        *KEY,
        CALL,
        LEG,
        *TUPLE,
        Column("stream", INTEGER, "Stream's number in the run.", always=True),
        Column("direction", TEXT, "server_to_client, client_to_server or other.", Direction),
        Column("src_side", TEXT, "Whose end sends: client, server or other; NA if that is not known.", Side),
        Column("ssrc", INTEGER, "SSRC.", always=True),
        Column("payload_type", INTEGER, "Payload type most often seen."),
        Column(
            "other_payload_types",
            TEXT,
            "Others of 3 packets or more, comma-joined: comfort noise, DTMF events.",
        ),
        Column("last_payload_type", INTEGER, "Payload type of the last packet."),
        Column("media", TEXT, "audio, video ...: of the m= line that describes it; NA if none does."),
        Column("codec", TEXT, "Codec by SDP, else by static payload type."),
        Column("clock_rate", INTEGER, "Clock used for jitter, Hz."),
        Column("secured", FLAG, "SRTP by SDP, or DTLS on the 5-tuple."),
        Column("packets", INTEGER, "Distinct packets.", always=True),
        Column("expected", INTEGER, "Last minus first extended sequence number, plus 1."),
        Column("lost", INTEGER, "Expected minus packets, not below 0."),
        Column("duplicates", INTEGER, "Copies within 1 s."),
        Column("reordered", INTEGER, "Packets that came after a later sequence number."),
        Column("jitter_ms", REAL, "Interarrival jitter (RFC 3550, section 6.4.1), mean over the stream."),
        Column("max_gap_ms", REAL, "Longest time without a packet."),
        Column("first_time", TIME, "First packet.", always=True),
        Column("last_time", TIME, "Last packet.", always=True),
        Column("bytes", INTEGER, "UDP payload bytes."),
        RELAYED,
        Column(
            "direct",
            FLAG,
            "Goes directly between the far ends of two legs, past the server: it is the media of both.",
        ),
        COUNTED_IN,
        Column(
            "reports",
            INTEGER,
            "RTCP reports of its receiver (RFC 3550, section 6.4); NA if the capture has none at all. "
            "Of SRTCP only the number of sources heard is in clear.",
        ),
        Column("reported_until", TIME, "Last one by which packets had arrived since the one before."),
        Column("unreported", INTEGER, "Those after it by which none had, though enough had passed here."),
        Column("report_frame", INTEGER, "Frame of the last one, counted on where it is in the next file."),
        Column("reported_lost", INTEGER, "Packets lost between the first and the last one in clear."),
        Column("reported_expected", INTEGER, "Packets that should have arrived between these two."),
        Column(
            "sender_received",
            INTEGER,
            "Packets that its sender reports as received from there, of sources not in the capture.",
        ),
    ),
)
RTP_SECONDS = Table(
    "rtp_seconds",
    "RtpSecondRow",
    "One row per stream and second.",
    (
        *KEY,
        Column("stream", INTEGER, "Stream's number in the run.", always=True),
        Column("second", INTEGER, "Whole seconds since the stream's first packet.", always=True),
        Column("last_time", TIME, "Last packet of that second."),
        Column("packets", INTEGER, "Distinct packets in that second.", always=True),
        Column("lost", INTEGER, "Sequence numbers skipped and not seen later in that second."),
        Column("jitter_ms", REAL, "Running jitter at the end of that second."),
    ),
)
TRANSACTIONS = Table(
    "transactions",
    "TransactionRow",
    "One row per SIP transaction (RFC 3261, section 17), an INVITE's ACK for non-2xx included.",
    (
        *KEY,
        *OWNER,
        Column("call_id", TEXT, "Call-ID.", always=True),
        *TUPLE,
        Column("branch", TEXT, "Branch of the topmost Via."),
        Column("cseq", INTEGER, "CSeq number."),
        Column("method", TEXT, "CSeq method.", always=True),
        Column("initial", FLAG, "The request has no To tag: it opens a dialog."),
        Column("requests", INTEGER, "Requests on the wire, copies not counted.", always=True),
        Column("last_time", TIME, "Last request: retransmissions bear the same transaction ID."),
        Column("retransmissions", INTEGER, "Requests beyond the first."),
        Column("progress_time", TIME, "First provisional response above 100."),
        Column("final_status", INTEGER, "Final response."),
        Column("final_reason", TEXT, "Its reason phrase."),
        Column("final_frame", INTEGER, "Its frame, counted on where it is in the next file."),
        Column("final_time", TIME, "Its time."),
        Column("response_retransmissions", INTEGER, "Final responses sent again."),
    ),
)
PHASES = Table(
    "phases",
    "PhaseRow",
    "One row per phase of a leg: from one answered offer/answer to the next, or to the end. "
    "``client`` is the leg's far end: the client, on a leg without one the gateway or who is there.",
    (
        *KEY,
        CALL,
        LEG,
        Column("phase", INTEGER, "Phase's number in its leg, from 1."),
        Column(
            "kind",
            TEXT,
            "early (before the 2xx), answered (from the 2xx on, or changed later), hold (not both sides may "
            "send), resumed (both may again) or restart (of ICE: other ufrags).",
            PhaseKind,
        ),
        Column("started", TIME, "Answer that opens it; without one first media, or first message."),
        Column("ended", TIME, "Next phase, else end of the leg, else last packet."),
        Column("opened_by", INTEGER, "Frame of the offer; where none was seen, as ``frame``: what opens it."),
        Column("may_send_client", FLAG, "SDP lets the client send audio; NA without offer and answer."),
        Column("may_send_server", FLAG, "SDP lets the server send audio; NA without offer and answer."),
        Column("local_addr", TEXT, "Server's media address in SDP."),
        Column("local_port", INTEGER, "Its port; 0 = refused."),
        Column("remote_addr", TEXT, "Client's media address in SDP."),
        Column("remote_port", INTEGER, "Its port; 0 = refused."),
        Column("packets_from_client", INTEGER, "RTP from the client, seen anywhere, counted once."),
        Column("first_from_client", TIME, "First of them."),
        Column("last_from_client", TIME, "Last of them."),
        Column("silence_from_client_s", REAL, "Longest time without one, from the phase's start to its end."),
        Column("packets_from_server", INTEGER, "RTP from the server, seen anywhere, counted once."),
        Column("first_from_server", TIME, "First of them."),
        Column("last_from_server", TIME, "Last of them."),
        Column("silence_from_server_s", REAL, "Longest time without one, from the phase's start to its end."),
        Column("packets_undirected", INTEGER, "RTP of the leg of which it is not known who sent it."),
        Column("dtls", TEXT, "State of the handshakes begun in it, else before; NA if none.", HandshakeState),
        Column(
            "verdict",
            TEXT,
            "ok, fault, suspect or cannot_tell: did media come from who should send? NA: nobody need.",
            CallVerdict,
        ),
    ),
)
LEGS = Table(
    "legs",
    "LegRow",
    "One row per recording and Call-ID.",
    (
        *KEY,
        IN_CALL,
        IN_LEG,
        Column("call_id", TEXT, "Call-ID.", always=True),
        Column("uac_addr", TEXT, "First hop's sender of the INVITE that counts: the last initial one."),
        Column("uac_port", INTEGER, "Its port."),
        Column("uas_addr", TEXT, "Last hop's receiver of that INVITE."),
        Column("uas_port", INTEGER, "Its port."),
        Column("transport", TEXT, "Of that INVITE.", SipTransport),
        Column("from_user", TEXT, "User part of From."),
        Column("to_user", TEXT, "User part of To."),
        Column("uac_agent", TEXT, "User-Agent of the caller."),
        Column("uas_agent", TEXT, "User-Agent or Server of the called party."),
        Column("role", TEXT, "inbound (the B2BUA is UAS), outbound or single.", LegRole, always=True),
        Column("invite_time", TIME, "First INVITE without To tag."),
        Column("progress_time", TIME, "First provisional response above 100."),
        Column("ringing_time", TIME, "First 180."),
        Column("answer_time", TIME, "First 2xx of the INVITE."),
        Column("end_time", TIME, "BYE, CANCEL or final failure, else NA."),
        Column("final_status", INTEGER, "Last final response to the last initial INVITE; a 2xx wins."),
        Column("final_reason", TEXT, "Its reason phrase."),
        Column("ended_by", TEXT, "uac, uas, or NA.", EndedBy),
        Column("end_reason", TEXT, "Reason header of BYE, CANCEL or failure."),
        Column("retransmissions", INTEGER, "SIP requests and final responses sent again."),
        Column(
            "state",
            TEXT,
            "trying, ringing, answered, completed, cancelled, failed or starts_mid_call.",
            LegState,
            always=True,
        ),
    ),
)
CALLS = Table(
    "calls",
    "CallRow",
    "One row per call: the legs a B2BUA joins, or an ICE session without SIP.",
    (
        *KEY,
        IN_CALL,
        Column("legs", INTEGER, "Number of legs."),
        Column("from_user", TEXT, "Caller, from the first leg."),
        Column("to_user", TEXT, "Called party, from the first leg."),
        Column("cause", TEXT, "Name of the rule that is the root cause; NA if none."),
        Column(
            "joined_by",
            TEXT,
            "single, or header, ice, causality, number+time, log, ... comma-joined.",
        ),
        Column("joined_confidence", REAL, "How sure the joining is, 0 to 1."),
        Column("ambiguous", FLAG, "Another leg fits as well; see joins."),
        Column("start", TIME, "First INVITE, else first check."),
        Column("answer", TIME, "2xx of the first leg, else of another."),
        Column("end", TIME, "End of the last leg."),
        Column("final_status", INTEGER, "Of the first leg."),
        Column("verdict", TEXT, "ok, fault, suspect or cannot_tell.", CallVerdict),
        Column(
            "confidence",
            REAL,
            "How sure the verdict is, 0 to 1; NA if nobody can tell why.",
        ),
        Column("headline", TEXT, "The verdict in one sentence."),
        Column("media_ok", FLAG, "Media both ways on the client's leg; NA if that leg is unknown."),
        Column(
            "call_uid",
            TEXT,
            "Identity from the first message: the same in every run, however captures are cut, named or "
            "ordered.",
        ),
    ),
)
JOINS = Table(
    "joins",
    "JoinRow",
    "One row per pair of legs considered as one call.",
    (
        *KEY,
        Column("call_id_a", TEXT, "Earlier leg.", always=True),
        Column("call_id_b", TEXT, "Later leg.", always=True),
        Column("evidence", TEXT, "name=score of each piece, comma-joined."),
        Column("score", REAL, "Sum, log-odds.", always=True),
        Column("accepted", FLAG, "The legs are one call.", always=True),
    ),
)
TIMELINE = Table(
    "timeline",
    "TimelineRow",
    "One row per event of a call, in time order.",
    (
        *KEY,
        CALL,
        LEG,
        Column("lane", TEXT, "sip, sdp, stun, dtls, media, icmp or log.", Lane, always=True),
        Column(
            "kind",
            TEXT,
            "request, response, offer, answer, check, success, error, handshake, ...",
            always=True,
        ),
        Column("label", TEXT, "What it says, short.", always=True),
        Column("src", TEXT, "addr:port of the sender."),
        Column("dst", TEXT, "addr:port of the receiver."),
        Column("severity", TEXT, "normal, note, warning or error.", EventSeverity, always=True),
    ),
)
NAT_MAPPINGS = Table(
    "nat_mappings",
    "NatMappingRow",
    "One row per base and the address seen outside.",
    (
        *KEY,
        CALL,
        LEG,
        Column("base_addr", TEXT, "Address before the NAT.", always=True),
        Column("base_port", INTEGER, "Its port.", always=True),
        Column("mapped_addr", TEXT, "Address after the NAT.", always=True),
        Column("mapped_port", INTEGER, "Its port.", always=True),
        Column("learned_from", TEXT, "stun_server, check or candidate.", LearnedFrom, always=True),
        Column("seen_by_addr", TEXT, "Who saw it: responder's address; NA for a candidate."),
        Column("seen_by_port", INTEGER, "Its port."),
        Column("port_preserved", FLAG, "The NAT kept the port."),
    ),
)
CLOCKS = Table(
    "clocks",
    "ClockRow",
    "One row per capture that shows the same packets as another, by the capture whose clock it is compared "
    "with: the reference is the capture with the call's SIP (of several the one with SIP of most legs, then "
    "of most packets), else the first by name. It has a row of its own, with 0. frame and time: of the first "
    "packet matched.",
    (
        *FILE_KEY,
        Column("reference", TEXT, "Capture whose clock is taken as right.", always=True),
        Column(
            "place", TEXT, "server, wan or client: where along the way; NA where it cannot be told.", Place
        ),
        Column("position", INTEGER, "The same as a number along the way, from 1 at the server."),
        Column("offset_ms", REAL, "Its clock minus the reference's, at the first packet matched."),
        Column(
            "drift_ppm",
            REAL,
            "Positive where its clock runs fast: the likeliest of what a clock may drift by; NA where fewer "
            "than 8 packets were matched, or where it seems to drift by more than 500.",
        ),
        Column("matched", INTEGER, "Packets seen in both.", always=True),
        Column("residual_ms", REAL, "Median of what offset and drift do not explain."),
        Column(
            "bound_ms",
            REAL,
            "The offset may be wrong by so much, as a way that takes longer in one direction looks the same; "
            "NA where packets of one direction only were matched.",
        ),
        Column("certainty", REAL, "How sure it is that both show the same packets, 0 to 1."),
        Column(
            "drift_bound_ppm",
            REAL,
            "The drift is wrong by more than that in 5 of 100; about 100 where the packets tell nothing.",
        ),
    ),
)
PASSAGES = Table(
    "passages",
    "PassageRow",
    "One row per call, leg, kind, direction, stretch between two captures and flow: what was seen at the one "
    "and of these at the other.",
    (
        *KEY,
        CALL,
        LEG,
        Column("kind", TEXT, "stun, dtls, rtp, rtcp or sip.", PassageKind, always=True),
        Column("direction", TEXT, "server_to_client, client_to_server or other.", Direction),
        Column(
            "from_capture", TEXT, "Nearer to the sender; of a ring buffer its first … last file.", always=True
        ),
        Column("to_capture", TEXT, "Nearer to the receiver, named like that.", always=True),
        Column("from_src_addr", TEXT, "Sender as seen at from_capture."),
        Column("from_src_port", INTEGER, "Its port."),
        Column("from_dst_addr", TEXT, "Receiver as seen at from_capture."),
        Column("from_dst_port", INTEGER, "Its port."),
        Column("to_src_addr", TEXT, "Sender as seen at to_capture; NA where nothing arrived."),
        Column("to_src_port", INTEGER, "Its port."),
        Column("to_dst_addr", TEXT, "Receiver as seen at to_capture; NA where nothing arrived."),
        Column("to_dst_port", INTEGER, "Its port."),
        Column("sent", INTEGER, "Packets seen at from_capture while both captures ran.", always=True),
        Column("arrived", INTEGER, "Of these seen at to_capture.", always=True),
        Column("lost", INTEGER, "Of these not seen there.", always=True),
        Column("first_lost", TIME, "First of the lost, by from_capture's clock."),
        Column("last_lost", TIME, "Last of the lost, by from_capture's clock."),
        Column("delay_ms", REAL, "Median, after the clocks were corrected; NA where that is below zero."),
        Column("reordered", INTEGER, "Of the arrived, those that came after a later one."),
        Column("smallest_lost", INTEGER, "IP bytes of the smallest datagram lost; NA where nothing was."),
        Column("largest_arrived", INTEGER, "IP bytes of the largest that arrived; NA where nothing did."),
    ),
)
LOG_EVENTS = Table(
    "log_events",
    "LogEventRow",
    "One row per relevant line of a FreeSWITCH log about the calls; capture is the log, frame its line, "
    "time by the captures' clock.",
    (
        *KEY,
        *OWNER,
        Column("level", TEXT, "DEBUG ... CRIT."),
        Column("source", TEXT, "Source file of the message, without line number."),
        Column("text", TEXT, "The message; of a description its o=, m= and a=ice-ufrag lines.", always=True),
        Column("uuid", TEXT, "Channel."),
        Column("call_id", TEXT, "Call-ID it belongs to; the bridged leg's where its own is not captured."),
        Column(
            "kind",
            TEXT,
            "invite, channel, peer, originate_failed, acl, candidate, ice, ice_move, rtp_move, stun, dtls, "
            "media, codec, srtp, sdp, pre_answer, ringing, answered, response, hangup, or "
            "warning: any other line of level WARNING or worse.",
            LogKind,
            always=True,
        ),
        Column("offset_ms", REAL, "Log clock minus capture clock, time zone included, as learnt."),
    ),
)
LOGS = Table(
    "logs",
    "LogRow",
    "One row per log given with --fs-log; capture is the log.",
    (
        *FILE_KEY,
        Column("path", TEXT, "As given on the command line; of a ticket, its member.", always=True),
        Column("lines", INTEGER, "Lines in it.", always=True),
        Column("used", INTEGER, "Lines of it in log_events.", always=True),
        Column("calls", INTEGER, "Call-IDs of the captures in it; 0: nothing of it is used."),
        Column("first_time", TIME, "First line used; of an unused log its first about a call, as written."),
        Column("last_time", TIME, "Last of those."),
        Column("offset_ms", REAL, "As in log_events; the median where it changed."),
        Column("spread_ms", REAL, "Largest minus smallest offset among the lines it was learnt from."),
        Column("anchors", INTEGER, "Lines it was learnt from: INVITEs, else answers or ends of calls."),
        Column("warnings", TEXT, "Newline-joined."),
    ),
)
FINDINGS = Table(
    "findings",
    "FindingRow",
    "One row per rule and place.",
    (
        *FILE_KEY,
        Column("code", TEXT, "Rule's code, like ICE004.", always=True),
        Column("name", TEXT, "Rule's name, like no-binding-success.", always=True),
        Column("severity", TEXT, "error, warning, note or info.", Severity, always=True),
        Column("verdict", TEXT, "fault, suspect, note, ok or cannot_tell.", Verdict, always=True),
        Column("confidence", REAL, "0 to 1.", always=True),
        CALL,
        LEG,
        Column("caused_by", TEXT, "Name of the rule whose finding explains this one; NA if none."),
        Column(
            "supported_by",
            TEXT,
            "Nearest calls that show the same, comma-joined: of one NAT, network, list, codec set or party.",
        ),
        Column(
            "refuted_by",
            TEXT,
            "Calls beside for which what is blamed here works, comma-joined; a suspicion is then a note.",
        ),
        Column("frames", TEXT, "Evidence, comma-joined frame numbers.", always=True),
        Column("title", TEXT, "One line.", always=True),
        Column("detail", TEXT, "What was seen.", always=True),
        Column("facts", TEXT, "The same as JSON.", always=True),
        Column("causes", TEXT, "What brings it about, newline-joined.", always=True),
        Column("remedies", TEXT, "What to do, newline-joined.", always=True),
        Column("reference", TEXT, "RFC section or guide chapter.", always=True),
    ),
)

TABLES = (
    CAPTURES,
    SIP_MESSAGES,
    CONNECTION_EVENTS,
    CONNECTIONS,
    TLS,
    HTTP,
    SIP_HEADERS,
    SDP_MEDIA,
    CANDIDATES,
    STUN_MESSAGES,
    BINDINGS,
    PAIRS,
    DTLS_MESSAGES,
    DTLS,
    ICMP_ERRORS,
    RTP_STREAMS,
    RTP_SECONDS,
    PHASES,
    TRANSACTIONS,
    LEGS,
    CALLS,
    JOINS,
    TIMELINE,
    NAT_MAPPINGS,
    CLOCKS,
    PASSAGES,
    LOG_EVENTS,
    LOGS,
    FINDINGS,
)
BY_NAME = {table.name: table for table in TABLES}


def counting(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count, without duplicates counted in another capture."""
    return rows[rows["counted_in"].isna()]


def _table(table: Table) -> pd.DataFrame:
    empty: pd.DataFrame = field(default_factory=table.empty)
    return empty


@dataclass(frozen=True)
class Tables:
    """All tables of a run; those not yet built are empty."""

    captures: pd.DataFrame = _table(CAPTURES)
    sip_messages: pd.DataFrame = _table(SIP_MESSAGES)
    connection_events: pd.DataFrame = _table(CONNECTION_EVENTS)
    connections: pd.DataFrame = _table(CONNECTIONS)
    tls: pd.DataFrame = _table(TLS)
    http: pd.DataFrame = _table(HTTP)
    sip_headers: pd.DataFrame = _table(SIP_HEADERS)
    sdp_media: pd.DataFrame = _table(SDP_MEDIA)
    candidates: pd.DataFrame = _table(CANDIDATES)
    stun_messages: pd.DataFrame = _table(STUN_MESSAGES)
    bindings: pd.DataFrame = _table(BINDINGS)
    pairs: pd.DataFrame = _table(PAIRS)
    dtls_messages: pd.DataFrame = _table(DTLS_MESSAGES)
    dtls: pd.DataFrame = _table(DTLS)
    icmp_errors: pd.DataFrame = _table(ICMP_ERRORS)
    rtp_streams: pd.DataFrame = _table(RTP_STREAMS)
    rtp_seconds: pd.DataFrame = _table(RTP_SECONDS)
    phases: pd.DataFrame = _table(PHASES)
    transactions: pd.DataFrame = _table(TRANSACTIONS)
    legs: pd.DataFrame = _table(LEGS)
    calls: pd.DataFrame = _table(CALLS)
    joins: pd.DataFrame = _table(JOINS)
    timeline: pd.DataFrame = _table(TIMELINE)
    nat_mappings: pd.DataFrame = _table(NAT_MAPPINGS)
    clocks: pd.DataFrame = _table(CLOCKS)
    passages: pd.DataFrame = _table(PASSAGES)
    log_events: pd.DataFrame = _table(LOG_EVENTS)
    logs: pd.DataFrame = _table(LOGS)
    findings: pd.DataFrame = _table(FINDINGS)

    def with_(self, **tables: pd.DataFrame) -> "Tables":
        """Return a copy with some tables replaced, each conformed to its schema."""
        return replace(self, **{name: BY_NAME[name].conform(rows) for name, rows in tables.items()})

    def items(self) -> list[tuple[Table, pd.DataFrame]]:
        return [(BY_NAME[item.name], getattr(self, item.name)) for item in fields(self)]


def concat(parts: Iterable[Tables]) -> Tables:
    """Concatenate the tables of several captures."""
    table_sets = list(parts)
    return Tables(
        **{
            table.name: table.conform(pd.concat(frames, ignore_index=True))
            for table in TABLES
            if (frames := [rows for part in table_sets if len(rows := getattr(part, table.name))])
        }
    )

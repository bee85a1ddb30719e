"""SIP messages and session descriptions with a canary in every part that somebody fills in."""

from tests.canaries.seeds import Canaries

LONG = (
    "Accept",
    "Accept-Contact",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Answer-Mode",
    "Authentication-Info",
    "Authorization",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Transfer-Encoding",
    "CSeq",
    "Date",
    "Diversion",
    "Error-Info",
    "Event",
    "Expires",
    "Feature-Caps",
    "Flow-Timer",
    "From",
    "Geolocation",
    "History-Info",
    "Identity",
    "Identity-Info",
    "In-Reply-To",
    "Info-Package",
    "Join",
    "MIME-Version",
    "Max-Forwards",
    "Min-Expires",
    "Min-SE",
    "Organization",
    "P-Access-Network-Info",
    "P-Asserted-Identity",
    "P-Associated-URI",
    "P-Called-Party-ID",
    "P-Charging-Vector",
    "P-Early-Media",
    "P-Preferred-Identity",
    "P-Profile-Key",
    "P-Served-User",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "RSeq",
    "Reason",
    "Record-Route",
    "Recv-Info",
    "Refer-To",
    "Referred-By",
    "Reject-Contact",
    "Remote-Party-ID",
    "Replaces",
    "Reply-To",
    "Request-Disposition",
    "Require",
    "Retry-After",
    "Route",
    "SIP-ETag",
    "Security-Client",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Session-ID",
    "Subject",
    "Subscription-State",
    "Supported",
    "Target-Dialog",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "User-to-User",
    "Via",
    "WWW-Authenticate",
    "Warning",
    "X-Own",
    "P-Own",
)
COMPACT = "abcdefijkmnorstuvxy"


def messages(canaries: Canaries, sdp: str) -> list[bytes]:
    """Requests and answers: every header as text and in one other shape, the compact forms; bodies."""
    made = [_message(name, _text(canaries, name)) for name in LONG]
    made += [_message(name, SHAPES[n % len(SHAPES)](canaries, name)) for n, name in enumerate(LONG)]
    made += [_message(name, _party(canaries, name)) for name in COMPACT]
    return [*made, *_whole(canaries, sdp)]


def _message(name: str, value: str) -> bytes:
    return f"OPTIONS sip:a@example.com SIP/2.0\r\n{name}: {value}\r\nContent-Length: 0\r\n\r\n".encode()


def _text(canaries: Canaries, name: str) -> str:
    word = canaries.word
    return f"{word(name)} ({word(name)}) {word(name)}/1.0 {canaries.extension(name)}"


def _party(canaries: Canaries, name: str) -> str:
    word, host = canaries.word, canaries.host
    return (
        f'"{word(name)}" <sip:{canaries.number(name)}:{word("password")}@{host(name)};{word("name")}={word("value")}'
        f";transport={word('transport')}?{word('header')}={word('header value')}>;tag={word('tag')};{word('flag')}"
        f";reason={word('reason')};purpose={word('purpose')}"
    )


def _parameters(canaries: Canaries, name: str) -> str:
    word = canaries.word
    return (
        f'token;id={word(name)};text="{word(name)}";filename={word("file")}.pcap;boundary={word("boundary")}'
    )


def _credentials(canaries: Canaries, name: str) -> str:
    word = canaries.word
    return (
        f'Digest username="{word(name)}", realm="{word("realm")}", nonce="{word("nonce")}", algorithm={word("alg")}, '
        f'qop={word("qop")}, uri="sip:{word("uri")}", {word("name")}="{word("own")}"'
    )


def _way(canaries: Canaries, name: str) -> str:
    word, addr = canaries.word, canaries.addr
    return (
        f"SIP/2.0/{word('transport')} {addr(name)}:5060;received={addr(name)};alias={addr(name)}~5060~2"
        f";branch=z9hG4bK{word('branch')}"
    )


def _method(canaries: Canaries, name: str) -> str:
    return f"1 {canaries.word(name)}"


def _bare(canaries: Canaries, name: str) -> str:
    return canaries.word(name)


SHAPES = (_party, _parameters, _credentials, _way, _method, _bare)


def _whole(canaries: Canaries, sdp: str) -> list[bytes]:
    word = canaries.word
    start = f"{word('method').upper()} sip:{word('request user')}@{canaries.host('request host')} SIP/2.0\r\n"
    boundary = word("boundary")
    parts = (
        f"{word('preamble')}\r\n--{boundary}\r\nContent-Type: application/sdp\r\nContent-ID: <{word('content id')}>\r\n"
        f"Content-Description: {word('description')}\r\n\r\n{sdp}\r\n--{boundary}\r\n"
        f"Content-Disposition: attachment; filename={word('part file')}\r\nContent-Type: text/{word('part type')}\r\n\r\n"
        f"{word('part body')}\r\n--{boundary} {word('behind boundary')}\r\n\r\n{word('headless')}\r\n"
        f"--{boundary}--\r\n{word('epilogue')}\r\n"
    )
    kind = f"Content-Type: multipart/mixed;boundary={boundary}\r\n"
    quoted = kind.replace(boundary, f'"{boundary}"')
    text = "MESSAGE sip:a@b.de SIP/2.0\r\nContent-Type: {kind}\r\n\r\n{body}"
    return [
        f"{start}{word('header name')}-Id: 1\r\nX-{word('private header')}: 1\r\n{word('no header')}\r\n\r\n".encode(),
        f"SIP/2.0 403 {word('phrase')} for {canaries.extension('phrase number')}\r\n\r\n".encode(),
        f"INVITE sip:a@b.de SIP/2.0\r\n{kind}\r\n{parts}".encode(),
        f"INVITE sip:a@b.de SIP/2.0\n{quoted}\n{parts}".replace("\r\n", "\n").encode(),
        f"INVITE sip:a@b.de SIP/2.0\r\n{kind.replace(boundary, 'other')}\r\n{word('mismatch')} {parts}".encode(),
        f"INVITE sip:a@b.de SIP/2.0\r\nContent-Type: multipart/mixed\r\n\r\n{word('no boundary')}".encode(),
        f"INVITE sip:a@b.de SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n{sdp}".encode(),
        f"INVITE sip:a@b.de SIP/2.0\r\n\r\nv=0\r\ns={word('untyped')}\r\n".encode(),
        text.format(kind="text/plain", body=f"{word('message')} {canaries.number('message')}").encode(),
        text.format(kind="application/pidf+xml", body=f"<note>{word('xml')}</note>").encode(),
        text.format(kind="application/sdp", body="").encode() + word("UTF-16 body").encode("utf-16-le"),
        text.format(kind="text/plain", body="").encode() + b"\xfc\xe4" + word("latin-1 body").encode(),
        f"OPTIONS sip:a@b.de SIP/2.0\r\nContent-Length: 4 {word('length')}\r\n\r\n".encode(),
        f"OPTIONS sip:a@b.de SIP/2.0\r\nSubject: a\r\n {word('folded')}\r\nFrom: <sip:{word('cut')}@{word('cut')}".encode(),
        f"OPTIONS tel:{canaries.number('tel')};phone-context={word('context')} SIP/2.0\r\n\r\n".encode(),
        f"OPTIONS urn:service:{word('urn')} SIP/2.0\r\nCall-ID: {word('call id')}@{canaries.host('call id')}\r\n\r\n".encode(),
    ]


def description(canaries: Canaries) -> str:
    """A description with each kind of line, and each attribute that is known, filled by somebody."""
    word = canaries.word
    attributes = (
        "label",
        "mid",
        "lang",
        "sdplang",
        "content",
        "fmtp:96",
        "extmap:3",
        "rid",
        "group:LS",
        "msid",
        "tool",
        "cat",
        "keywds",
        "charset",
        "type",
        "msid-semantic:WMS",
        "rtcp-fb:96",
        "imageattr:96",
        "simulcast",
        "ssrc:1 cname",
        "ssrc-group:FID",
        "setup",
        "rtpmap:96",
        "ice-ufrag",
        "ice-pwd",
        "ice-options",
        "crypto:1",
        "key-mgmt",
        "identity",
        "fingerprint:sha-256",
        "tls-id",
        "zrtp-hash",
        "source-filter",
        "path",
        "accept-types",
        "x-own",
        "ptime",
        "framerate",
        "candidate:1 1 udp 1",
        "remote-candidates:1",
        "rtcp:5",
        "sctpmap:5000",
        "dcmap:0",
        "curr:qos",
        "des:qos",
        "conf:qos",
        "T38FaxRateManagement",
        "silenceSupp",
    )
    lines = [
        "v=0",
        f"o={word('o=')} 1 1 IN IP4 {canaries.addr('o=')}",
        f"s={word('s=')}",
        f"i={word('i=')}",
        f"u=http://{canaries.host('u=')}/{word('u= path')}",
        f"e={word('e=')}@{canaries.host('e=')} ({word('e= name')})",
        f"p=+{canaries.number('p=')} ({word('p= name')})",
        f"k=clear:{word('k=')}",
        f"b={word('b=')}:1",
        f"z={word('z=')}",
        f"r={word('r=')}",
        f"t=0 0 {word('t=')}",
        f"{word('no line')}",
        f"c=IN IP4 {canaries.addr('c=')}",
        f"c=IN IP6 {canaries.addr6('c= IPv6')}",
        f"c=IN {word('c= net')} {word('c=')}",
        f"m=audio 4000 RTP/AVP 0 96 {word('format')}",
        f"m={word('media')} 4000 RTP/{word('proto')} 0",
        f"o={canaries.extension('o= number')} 1 1 IN IP4 {canaries.host('o= host')}",
        f"a={word('flag')}",
        f"a={word('attribute')}:{word('attribute value')}",
        *(f"a={name}{' ' if ':' in name else ':'}{word('a=' + name)}" for name in attributes),
        *(
            f"a={name}{' ' if ':' in name else ':'}{canaries.extension('a=' + name)} 1"
            for name in ("label", "mid", "x-n")
        ),
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{word('key')}|2^20 {word('session parameter')}",
        f"a=candidate:{word('foundation')} 1 udp 1 {canaries.addr('candidate')} 5 typ srflx raddr {canaries.addr('raddr')}"
        f" rport 5 ufrag {word('extension')} {word('extension name')} {word('extension value')}",
        f"a=candidate:1 1 udp 1 {canaries.host('mdns')}.local 5 typ host",
        f"a=rtcp:5 IN IP4 {canaries.addr('rtcp')}",
    ]
    return "".join(f"{line}\r\n" for line in lines)

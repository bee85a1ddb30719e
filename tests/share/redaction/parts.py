"""Helpers shared by the tests of redaction."""

from postproc.share.redaction.pseudonyms import Pseudonyms

CALLER, CALLEE, CLIENT, SERVER = "721", "+498984079810", "192.168.178.34", "10.0.50.118"


def pseudonyms(products: tuple[str, ...] = ("IceLink", "FreeSWITCH")) -> Pseudonyms:
    return Pseudonyms(b"a key", products)


INVITE = (
    "INVITE sip:+498984079810@10.0.50.118:4900;transport=tcp SIP/2.0\r\n"
    "Via: SIP/2.0/TCP 10.0.50.118:4901;branch=z9hG4bK8b63d5f18a0f46;rport;received=10.0.50.118\r\n"
    'From: "Anna Mobil" <sip:721@pbx.kunde.de:4901>;tag=WJPCATBDTQ\r\n'
    "To: <sip:+498984079810@10.0.50.118:4900>\r\n"
    "Call-ID: 9f1884c7ff0a4be68a40378784d939b3\r\n"
    "CSeq: 123139772 INVITE\r\n"
    "X-CID: 9f1884c7ff0a4be68a40378784d939b3\r\n"
    'Authorization: Digest username="721", realm="kunde.de", nonce="abcdef123", '
    'response="0123456789abcdef"\r\n'
    "User-Agent: sipsorcery_v4.0.79.1\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: {length}\r\n"
    "\r\n"
)
SDP = (
    "v=0\r\no=IceLink-3.14.3 3661197036236693474 0 IN IP4 192.168.178.34\r\ns=Anna\r\nt=0 0\r\n"
    "m=audio 33246 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.168.178.34\r\na=rtcp:33246 IN IP4 192.168.178.34\r\n"
    "a=ice-ufrag:Q0Ny\r\na=ice-pwd:vGPBP5qiYyaIHeOqY5amUf\r\na=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0\r\n"
    "a=fingerprint:sha-256 75:40:06:D0:63:46:93:D1:73:1D:AA:C2:4E:1E:9F:3D:1E:68:01:F0:07:07:28:39:57\r\n"
    "a=candidate:Hc0a8b222 1 udp 2130706431 192.168.178.34 33246 typ host generation 0\r\n"
    "a=candidate:2 1 udp 1694498815 91.10.20.30 33246 typ srflx raddr 192.168.178.34 rport 33246\r\n"
)
PERSONAL = (
    "498984079810",
    "Anna",
    "Mobil",
    "kunde",
    "10.0.50.118",
    "192.168.178.34",
    "91.10.20.30",
    "WJPCATBDTQ",
    "9f1884c7ff0a4be68a40378784d939b3",
    "8b63d5f18a0f46",
    "0123456789abcdef",
    "vGPBP5qiYyaIHeOqY5amUf",
    "c2VjcmV0c2VjcmV0",
    "75:40:06",
    "c0a8b222",
    '"721"',
    ":721@",
)


def invite(sdp: str = SDP) -> bytes:
    return (INVITE.format(length=len(sdp)) + sdp).encode()

import subprocess
from dataclasses import replace
from ipaddress import ip_network

import pytest
from pandas.testing import assert_frame_equal

from postproc import pipeline
from postproc.model.acl import built
from postproc.model.deployment import GENERIC
from postproc.model.errors import SetupError
from postproc.read import deployment as deployments
from postproc.read.records import Described, Other, Record, pieces
from postproc.share.redact import Source, Work, disguised, products, redact
from postproc.share.redaction import leaks
from postproc.share.redaction.leaks import Originals
from postproc.share.search import check
from postproc.wire.pcapng import option
from tests.read import wire
from tests.share.redaction.parts import pseudonyms
from tests.share.same import without_names

TABLES = (
    "calls",
    "legs",
    "candidates",
    "bindings",
    "pairs",
    "dtls",
    "rtp_streams",
    "rtp_seconds",
    "icmp_errors",
    "transactions",
    "sip_messages",
    "sdp_media",
    "stun_messages",
    "dtls_messages",
    "findings",
    "log_events",
)
KNOWN = (*products(deployments.read(deployments.DEFAULT)), "LabPBX", "^labpbx$")
LAYERS = (
    "vendor_no_binding_success.pcapng",
    "icmp_quotes_stun.pcapng",
    "turn_channel.pcapng",
    "vlan.pcapng",
    "sip_udp_fragments.pcapng",
    "tcp_segments.pcapng",
    "ipv6.pcapng",
    "sll.pcap",
    "sll2.pcapng",
    "raw_ip.pcap",
)
CASES = [
    *((f"{name}.pcapng", True) for name in ("acl_403", "no_binding_success", "two_calls")),
    *(pytest.param(f"made/{name}", False, marks=pytest.mark.slow) for name in LAYERS),
]
SOUND = (
    "_ws.malformed || ip.checksum.status==0 || udp.checksum.status==0 || tcp.checksum.status==0"
    " || icmp.checksum.status==0 || tcp.analysis.lost_segment || tcp.analysis.out_of_order"
    " || stun.att.crc32.status==0"
)
CHECKED = [part for name in ("ip", "udp", "tcp") for part in ("-o", f"{name}.check_checksum:TRUE")]


@pytest.mark.parametrize(("name", "with_log"), CASES)
def test_a_run_on_what_is_redacted_finds_the_same(run_of, pcaps, tmp_path, name, with_log):
    log = name.replace(".pcapng", ".freeswitch.log") if with_log else None
    run = run_of(name, log)
    work = Work(
        [Source(pcaps / name, tmp_path / "a.pcapng")], {pcaps / log: tmp_path / "a.log"} if log else {}, KNOWN
    )
    redact(work)
    again = pipeline.run([tmp_path / "a.pcapng"], fs_logs=[tmp_path / "a.log"] if log else ())
    for table in TABLES:
        before, after = getattr(run, table), getattr(again, table)
        assert_frame_equal(without_names(before), without_names(after), obj=table)
    assert run.findings.empty == (name in ("two_calls.pcapng",) or again.findings.empty)


@pytest.mark.parametrize(("name", "_"), CASES)
def test_no_packet_changes_its_size(pcaps, tmp_path, name, _):
    redact(Work([Source(pcaps / name, tmp_path / "a.pcapng")], products=KNOWN))
    with pieces(pcaps / name) as old, pieces(tmp_path / "a.pcapng") as new:
        sizes = [[(len(p.data), p.original) for p in found if isinstance(p, Record)] for found in (old, new)]
    assert sizes[0] == sizes[1] and sizes[0]


@pytest.mark.parametrize(("name", "_"), CASES)
def test_lengths_and_checksums_are_right(pcaps, tmp_path, name, _):
    redact(Work([Source(pcaps / name, tmp_path / "a.pcapng")], products=KNOWN))
    command = ["tshark", "-r", tmp_path / "a.pcapng", *CHECKED, "-Y", SOUND]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize("name", ["acl_403", "no_binding_success", "two_calls"])
def test_no_address_number_or_name_of_the_original_is_left(run_of, pcaps, tmp_path, name):
    run = run_of(f"{name}.pcapng", f"{name}.freeswitch.log")
    redact(
        Work(
            [Source(pcaps / f"{name}.pcapng", tmp_path / "a.pcapng")],
            {pcaps / f"{name}.freeswitch.log": tmp_path / "a.log"},
            KNOWN,
        )
    )
    tokens = {
        *run.legs["call_id"],
        *run.calls["to_user"],
        "Anna Mobil",
        *run.sip_messages["from_tag"].dropna(),
    }
    addresses = {*run.sip_messages["src_addr"], *run.candidates["addr"], *run.stun_messages["dst_addr"]} - {
        "127.0.0.1"
    }
    for written in (tmp_path / "a.pcapng", tmp_path / "a.log"):
        content = written.read_bytes()
        assert not [
            token for token in tokens if token.encode() in content or token.encode().hex().encode() in content
        ]
        for addr in addresses:
            packed = bytes(map(int, addr.split(".")))
            masked = bytes(a ^ b for a, b in zip(packed, bytes.fromhex("2112a442"), strict=True))
            assert addr.encode() not in content, addr
            assert packed not in content and masked not in content, addr


def test_media_is_silent_and_comments_names_and_secrets_are_gone(tmp_path):
    speech = [wire.rtp(number, payload=b"speech" * 10) for number in (1, 2, 3)]
    packets = [wire.enhanced(7, wire.datagram(each)) for each in speech]
    content = wire.pcapng(
        wire.interface(name="Annas Laptop", resolution=9),
        wire.interface(name="eth0"),
        *packets,
        wire.block(10, b"secretkeys"),
        wire.block(4, b"names of hosts"),
    )
    (tmp_path / "a").write_bytes(content)
    redact(Work([Source(tmp_path / "a", tmp_path / "b")]))
    with pieces(tmp_path / "b") as found:
        held = list(found)
    assert [piece for piece in held if isinstance(piece, Described)] == [
        Described(1, 262144, option(9, b"\x09")),
        Described(1, 262144, option(2, b"eth0")),
    ]
    assert [piece.kind for piece in held if isinstance(piece, Other)] == [0x0A0D0D0A]
    assert b"speech" not in held[-1].data
    assert held[-1].data[42:54] == speech[2][:12]


@pytest.mark.parametrize(
    "packet",
    [
        wire.datagram(b"Anna unknown payload"),
        wire.segment(b"GET /anna HTTP/1.1"),
        wire.ethernet(b"Anna" * 20, kind=0x88CC),
        wire.datagram(b"Anna", options=b"Anna"),
        wire.ethernet(wire.ipv4(b"Anna" * 9, protocol=47)),
        b"Anna",
        b"",
        wire.ethernet(wire.ipv6(b"\x11\0AnnaAn" + wire.udp(b"Anna"), protocol=0)),
        wire.datagram(b"Anna" * 8, fragment=0x2000),
        wire.ethernet(wire.ipv4(b"\x08\0\0\0\0\0\0\0Anna", protocol=1)),
        wire.ethernet(wire.ipv4(b"\3\3\0\0Anna", protocol=1)),
        wire.datagram(wire.channel_data(b"Anna" * 5)),
        wire.datagram(b"\x16\xfe\xfd" + b"Anna" * 9),
        wire.ethernet(wire.ipv4(b"x")) + b"Anna",
        wire.datagram(b"Anna", length=9),
        wire.datagram(b"", length=3),
    ],
)
@pytest.mark.parametrize("link_type", [1, 0, 101, 113, 276, 127])
def test_what_is_not_understood_is_null_and_harms_nothing(tmp_path, packet, link_type):
    (tmp_path / "a").write_bytes(wire.pcap([(1, packet), (2, packet)], link_type=link_type))
    redact(Work([Source(tmp_path / "a", tmp_path / "b")]))
    with pieces(tmp_path / "b") as found:
        held = [piece for piece in found if isinstance(piece, Record)]
    assert [len(piece.data) for piece in held] == [len(packet)] * 2
    assert not any(b"anna" in piece.data.lower() for piece in held)


def test_arp_names_pseudonyms_only(tmp_path):
    macs, addr = bytes.fromhex("001122334455"), bytes([10, 0, 50, 118])
    arp = bytes.fromhex("0001080006040001") + macs + addr + bytes(6) + bytes([10, 0, 50, 20])
    (tmp_path / "a").write_bytes(wire.pcap([(1, macs + macs + b"\x08\x06" + arp)]))
    redact(Work([Source(tmp_path / "a", tmp_path / "b")]))
    content = (tmp_path / "b").read_bytes()
    assert macs not in content and addr not in content
    assert b"\x08\x06\0\1\x08\0\6\4\0\1" in content


def test_the_same_key_gives_the_same_pseudonyms_and_none_gives_others(pcaps, tmp_path):
    source = pcaps / "made/busy_486.pcapng"
    for number, key in enumerate(("one", "one", None, None)):
        redact(Work([Source(source, tmp_path / str(number))]), key)
    contents = [(tmp_path / str(number)).read_bytes() for number in range(4)]
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_if_an_original_is_left_nothing_is_written(pcaps, tmp_path, monkeypatch):
    monkeypatch.setattr(leaks, "in_text", lambda *_: ["10.0.50.118"])
    with pytest.raises(SetupError, match="an original value is left"):
        redact(Work([Source(pcaps / "made/busy_486.pcapng", tmp_path / "b.pcapng")]))
    assert not list(tmp_path.iterdir())


def test_a_file_with_an_original_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"call 10.0.50.118 now")
    with pytest.raises(SetupError, match=r"a\.txt: an original value is left"):
        check([tmp_path / "a.txt"], Originals(addresses=frozenset({"10.0.50.118"})))
    check([tmp_path / "a.txt"], Originals(addresses=frozenset({"10.0.50.11"})))


def test_a_whole_network_of_phones_is_redacted(tmp_path):
    """The network stays: of 90 addresses with two digits at the end, 80 cannot all get one of nobody's."""
    addresses = [f"192.168.43.{number}" for number in range(10, 90)]
    (tmp_path / "a.log").write_text("".join(f"from {addr}:5060\n" for addr in addresses))
    done = redact(Work(logs={tmp_path / "a.log": tmp_path / "b.log"}), "key")
    after = (tmp_path / "b.log").read_text().splitlines()
    assert len(set(filter(None, after))) == 80
    assert not [addr for addr, line in zip(addresses, after, strict=False) if line == f"from {addr}:5060"]
    assert 60 < done.originals.ambiguous < 80


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x89PNG\0\0\x01\x02")
    with pytest.raises(SetupError, match="no text"):
        redact(Work(texts={tmp_path / "a.bin": tmp_path / "b.txt"}))
    with pytest.raises(SetupError, match="missing"):
        redact(Work(texts={tmp_path / "missing": tmp_path / "b.txt"}))


ADDRESSES = ("10.0.50.118", "10.0.51.1", "10.9.0.1", "192.168.178.34", "91.20.30.40", "2001:db8:50::1")


def test_access_lists_decide_alike_about_the_pseudonyms_and_name_nobody():
    held = built(
        "zauberwald",
        False,
        allow=("10.0.50.0/24", "91.20.30.40/32", "2001:db8:50::/48"),
        deny=("10.0.0.0/8",),
    )
    known = replace(
        GENERIC,
        lists={held.name: held},
        candidate_acl=(held.name, "wan.auto"),
        public_addresses=(ip_network("91.20.30.0/24"),),
    )
    made = pseudonyms()
    new = {addr: made.addresses.text(addr) for addr in ADDRESSES}
    other = disguised(known, made)
    (name,) = other.lists
    assert other.candidate_acl == (name, "wan.auto")
    for addr, pseudonym in new.items():
        before, after = held.decide(addr), other.lists[name].decide(pseudonym)
        assert (before.verdict, before.why) == (after.verdict, after.why), addr
        assert known.is_own_public(addr) == other.is_own_public(pseudonym)
    told = repr(other).lower()
    assert not [each for each in ("zauberwald", "10.0.50.", "91.20.30", "2001:db8:50:") if each in told]


def call_of(user: str, host: str) -> bytes:
    """An INVITE in which a name stands as user, as display name, and in hosts, which come first."""
    return (
        f"INVITE sip:{user}@{host} SIP/2.0\r\nVia: SIP/2.0/UDP sip.{host};branch=z9hG4bKabcdef77\r\n"
        f'From: "{user}" <sip:{user}@{host}>;tag=abc77x\r\nTo: <sip:{user}@{host};user=phone>\r\n'
        f"Call-ID: a7b8c9d0e1@{host}\r\nCSeq: 1 INVITE\r\nReason: Q.850;cause=16;text={host}\r\n\r\n"
    ).encode()


CALLED_LIKE = {
    "example": "pbx.example",
    "Example": "pbx.EXAMPLE",
    "phone": "pbx.phone",
    "intranet": "a.intranet",
    "localdomain": "localdomain",
    "docker0": "pbx.de",
    "legshark": "pbx.legshark",
    "anna": "pbx.anna",
}


@pytest.mark.parametrize(("user", "host"), CALLED_LIKE.items())
def test_who_is_called_like_a_word_that_stays_elsewhere_is_replaced_and_stops_nothing(tmp_path, user, host):
    before = wire.enhanced(7, wire.datagram(call_of("721", f"first.{host}")))
    packets = wire.enhanced(7, wire.datagram(call_of(user, host)))
    (tmp_path / "a").write_bytes(wire.pcapng(wire.interface(name="docker0"), before, packets))
    redact(Work([Source(tmp_path / "a", tmp_path / "b")]), "key")
    with pieces(tmp_path / "b") as found:
        content = b"".join(piece.data for piece in found if isinstance(piece, Record)).lower()
    assert user.lower().encode() not in content.replace(b"user=phone", b"")


def test_a_top_level_domain_that_nobody_is_called_like_stays(tmp_path):
    (tmp_path / "a").write_bytes(
        wire.pcapng(wire.interface(), wire.enhanced(7, wire.datagram(call_of("721", "x.example"))))
    )
    redact(Work([Source(tmp_path / "a", tmp_path / "b")]), "key")
    assert (tmp_path / "b").read_bytes().count(b".example") == 6

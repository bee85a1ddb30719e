import struct

from postproc.present.redaction.media import media


def test_rtp_keeps_header_contributors_and_padding_length():
    head = struct.pack(">BBHII", 0x80 | 0x20 | 1, 8, 7, 160, 1) + b"\1\2\3\4"
    assert media(head + b"speech" + b"\0\0\3") == head + bytes(8) + b"\3"


def test_a_header_extension_keeps_its_own_header():
    head = struct.pack(">BBHII", 0x90, 8, 7, 160, 1) + b"\xbe\xde\0\1"
    assert media(head + b"levl" + b"speech") == head + bytes(10)


def test_reports_stay_and_names_in_rtcp_do_not():
    report = struct.pack(">BBHI", 0x81, 201, 7, 1) + bytes(range(24))
    names = struct.pack(">BBHI", 0x81, 202, 4, 1) + b"\1\7a@b.com\0\0\0"
    assert media(report + names) == report + names[:8] + bytes(12)


def test_of_encrypted_rtcp_eight_bytes_stay():
    report = struct.pack(">BBHI", 0x81, 200, 6, 1) + b"secret" * 9
    assert media(report) == report[:8] + bytes(len(report) - 8)


def test_cut_packets_keep_their_length():
    packet = struct.pack(">BBHII", 0x9F, 8, 7, 160, 1) + b"speech" * 20
    assert all(len(media(packet[:size])) == size for size in range(8, len(packet)))

import hashlib

import pytest

from postproc.correlate.dtls import matches, of_sender, offered_fingerprints, parse, sha256
from postproc.correlate.dtls import verdict as verdict_of
from tests import builders as b
from tests.correlate.evidence_of import leg

DER = "3082aa55"
LEG, OTHER = (1, 1), ("198.51.100.77", 50000)


def line(name, certificate=DER):
    """An a=fingerprint value as SDP has it."""
    digest = hashlib.new(name.replace("sha-", "sha"), bytes.fromhex(certificate)).hexdigest().upper()
    return f"{name} " + ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def section(**columns):
    return {"call_id": "leg 1 of 1", "connection_addr": OTHER[0], "port": OTHER[1]} | columns


def offered(*sections):
    return offered_fingerprints(b.sdp_media(*sections), b.legs(leg()))


@pytest.mark.parametrize("name", ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"])
def test_a_certificate_is_compared_by_the_hash_function_of_sdp(name):
    assert matches(DER, parse(line(name))) is True
    assert matches("3082aa56", parse(line(name))) is False


def test_hash_function_and_digits_may_be_in_either_case():
    assert matches(DER, parse(line("sha-256").lower())) is True
    assert matches(DER, parse(line("sha-256").upper())) is True


def test_any_of_several_fingerprints_will_do():
    assert matches(DER, parse(f"{line('sha-256', '00')}, {line('sha-1')}")) is True


@pytest.mark.parametrize("text", ["md5 AA:BB:CC", "md2 AA:BB", "sha-256", "", "sha-999 AA:BB", "nonsense"])
def test_a_line_that_proves_nothing_is_passed_over(text):
    assert parse(text) == set()
    assert matches(DER, parse(text)) is None


def test_a_damaged_certificate_is_not_judged():
    assert matches("not hex", parse(line("sha-256"))) is None
    assert sha256("not hex") is None


def test_the_hash_of_a_certificate_is_of_its_der():
    assert sha256(DER) == hashlib.sha256(bytes.fromhex(DER)).hexdigest()
    assert sha256(None) is None


def test_the_sender_s_ufrag_names_its_fingerprints():
    known = offered(
        section(ufrag="C", fingerprint=line("sha-256")), section(ufrag="S", fingerprint=line("sha-256", "00"))
    )
    assert of_sender(known, LEG, "S", OTHER) == (parse(line("sha-256", "00")), True)


def test_a_ufrag_whose_description_was_not_seen_has_none():
    assert of_sender(offered(section(ufrag="C", fingerprint=line("sha-1"))), LEG, "S", OTHER) == (
        set(),
        True,
    )


def test_without_ufrag_the_sender_s_address_names_them():
    known = offered(section(fingerprint=line("sha-1")), section(port=9, fingerprint=line("sha-1", "00")))
    assert of_sender(known, LEG, None, OTHER) == (parse(line("sha-1")), True)


def test_else_any_of_the_leg_may_match_and_must_only_if_both_sides_are_known():
    one, two = section(port=9, fingerprint=line("sha-1")), section(port=8, fingerprint=line("sha-1", "00"))
    assert of_sender(offered(one), LEG, None, OTHER) == (parse(line("sha-1")), False)
    assert of_sender(offered(one, two), LEG, None, OTHER)[1] is True


def test_a_call_whose_leg_is_unknown_has_the_fingerprints_of_all_its_legs():
    assert of_sender(offered(section(fingerprint=line("sha-1"))), (1, None), None, ("x", 1))[0]


def test_another_call_s_fingerprints_do_not_count():
    known = offered(section(call_id="other", fingerprint=line("sha-1")), section(fingerprint=None))
    assert of_sender(known, LEG, None, OTHER) == (set(), False)


def test_no_match_is_no_proof_where_the_other_side_s_description_alone_was_seen():
    assert matches(DER, parse(line("sha-1", "00")), must=False) is None
    assert matches(DER, parse(line("sha-1")), must=False) is True


@pytest.mark.parametrize(
    ("matched", "verdict"),
    [
        ([], None),
        ([True], True),
        ([True, True], True),
        ([True, None], None),
        ([True, False], False),
        ([None, False], False),
    ],
)
def test_one_mismatch_is_a_mismatch_and_all_must_be_known_to_match(matched, verdict):
    assert verdict_of(matched) is verdict

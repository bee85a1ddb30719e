"""User parts of URIs (RFC 3261, section 19.1.1; RFC 3966)."""

import pytest

from postproc.correlate.sip import user_part


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:721@10.0.50.118:4901", "721"),
        ("sips:anna@example.org;transport=tls?x=1", "anna"),
        ("SIP:721@example.org", "721"),
        ("sip:+49891234;phone-context=+49;npdi@example.org", "+49891234"),
        ("sip:%2B49891234@example.org", "+49891234"),
        ("sip:721:secret@example.org", "721"),
        ("sip:anna@corp.example@10.0.0.1", "anna@corp.example"),
        ("tel:+49-89-1234;phone-context=example.org", "+49-89-1234"),
        ("sip:721@[2001:db8::1]:5060", "721"),
        (" sip:721@example.org ", "721"),
        ("sip:10.0.50.118:5060", None),
        ("sip:@example.org", None),
        ("sip:;x=1@example.org", None),
        ("sip:%20@example.org", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_the_user_is_what_is_left_without_scheme_password_parameters_and_host(uri, user):
    assert user_part(uri) == user

"""References as links."""

import pytest

from postproc.diagnose.rules import RULES
from postproc.show.report.findings import references

EDITOR = "https://www.rfc-editor.org/rfc/"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("RFC 792", f"{EDITOR}rfc792"),
        ("RFC 8445, section 7.2.5.2.4", f"{EDITOR}rfc8445#section-7.2.5.2.4"),
        ("RFC 8445, sections 6 and 7", f"{EDITOR}rfc8445#section-6"),
        ("RFC 3550, appendix A.3", f"{EDITOR}rfc3550#appendix-A.3"),
        ("RFC 4787, REQ-3", f"{EDITOR}rfc4787"),
        (
            "draft-ietf-mmusic-mdns-ice-candidates",
            "https://datatracker.ietf.org/doc/draft-ietf-mmusic-mdns-ice-candidates",
        ),
        ("Vendor, https://support.example.com/a/1", "https://support.example.com/a/1"),
        ("FreeSWITCH sofia.c: Rejected by acl", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_reference_leads_to_its_source(text, link):
    assert [(each.text, each.link) for each in references([text])] == [(text, link)]


def test_every_rfc_that_a_rule_names_has_a_link():
    named = {text for rule in RULES for text in rule.references if text.startswith(("RFC", "draft-"))}
    assert named and all(each.link for text in named for each in references([text]))

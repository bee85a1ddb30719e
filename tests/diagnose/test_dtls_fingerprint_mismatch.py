"""A DTLS certificate whose fingerprint differs from the SDP's."""

import pytest

from postproc.diagnose.rules.dtls_fingerprint_mismatch import RULE
from tests.diagnose.scenes import asked, good, told_both

ROW = dict(good()["dtls"][0])


def test_a_certificate_without_a_fingerprint_of_its_own_is_a_fault():
    (found,) = asked(RULE, dtls=[ROW | {"fingerprint_matches": False, "certificate_sha256": "ab" * 32}])
    assert found.verdict == "fault"
    assert "ab" * 32 in told_both(found, RULE)["de"]["detail"]


@pytest.mark.parametrize("matches", [True, None])
def test_silent_when_it_matches_or_nobody_knows(matches):
    assert asked(RULE, dtls=[ROW | {"fingerprint_matches": matches}]) == []

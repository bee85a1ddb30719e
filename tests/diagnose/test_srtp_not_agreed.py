"""An offer refused for the way in which it asks for SRTP."""

import pytest

from postproc.diagnose.rules.srtp_not_agreed import RULE
from tests.builders import SERVER
from tests.diagnose.refusals import CAUSE_88, at_once, log, offer
from tests.diagnose.scenes import asked, told_both, verdict

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEYS = {"ufrag": None, "fingerprint": None, "setup": None, "crypto": SUITE}
OPTIONAL = at_once(488, reason_header=CAUSE_88, candidates=[], sdp_media=[offer(proto="RTP/AVP", **KEYS)])
DEMANDED = OPTIONAL | {"sdp_media": [offer(proto="RTP/SAVP", **KEYS)]}
PLAIN = OPTIONAL | {"sdp_media": [offer(proto="RTP/AVP", ufrag=None, fingerprint=None, setup=None)]}


@pytest.mark.parametrize(
    ("scene", "tag", "asks"),
    [
        (OPTIONAL, "optional", "RTP/AVP, a=crypto"),
        (DEMANDED, "demanded", "RTP/SAVP, a=crypto"),
    ],
)
def test_an_offer_with_crypto_that_is_refused_is_a_suspicion(scene, tag, asks):
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.6, {tag})
    assert f"{SERVER} refuses the offer (488 No)" in told_both(found, RULE)["en"]["title"]
    assert found.facts["asked"] == asks
    assert verdict(**scene).cause == "srtp-not-agreed"


@pytest.mark.parametrize(
    ("scene", "line", "tag"),
    [
        (OPTIONAL, "a=crypto in RTP/AVP, refer to rfc3711", "optional"),
        (PLAIN, "Crypto not negotiated but required.", "missing"),
    ],
)
def test_the_log_makes_it_certain(scene, line, tag):
    (found,) = asked(RULE, **scene, log_events=[log("media", line)])
    assert (found.verdict, found.tags) == ("fault", {tag})
    assert f"The log says: {line}" in told_both(found, RULE)["en"]["detail"]
    assert verdict(**scene, log_events=[log("media", line)]).cause == "srtp-not-agreed"


@pytest.mark.parametrize(
    "scene",
    [
        PLAIN,
        PLAIN | {"log_events": [log("media", "a=crypto in RTP/AVP, refer to rfc3711")]},  # of another offer
        at_once(488, candidates=[]),  # DTLS-SRTP is offered: there are likelier reasons
        at_once(503, candidates=[], sdp_media=[offer(proto="RTP/SAVP", **KEYS)]),
        OPTIONAL
        | {"sdp_media": [offer(proto="RTP/AVP", **KEYS) | {"formats": "96", "codecs": "96=AMR-WB/16000"}]},
        {},
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []

"""Two calls to the same number in lockstep: whatever one leg does, its twin does in the same microsecond.

Nothing on the wire tells which first leg belongs to which second leg. The truth
knows, and says ``ambiguous``: a joining that claims to be sure is wrong.
"""

from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.two_calls_same_number import OTHER, anonymous_call, begin, end

WHAT = "two calls to one number in lockstep: which legs belong together cannot be told"


def make() -> Files:
    recording = Recording("2026-12-02T16:00:00")
    calls = [
        anonymous_call(recording, "same_second_ambiguous 1"),
        anonymous_call(recording, "same_second_ambiguous 2", OTHER),
    ]
    for call in calls:
        begin(call, invite=0.1, second_leg=0.1165, ring=0.4)
        end(call, answer=0.9, bye=1.9)
    truths = [call.truth(nth, ambiguous=True) for nth, call in enumerate(calls, start=1)]
    capture = pcapng(recording)
    return product(
        "same_second_ambiguous", {"same_second_ambiguous.pcapng": capture}, WHAT, truths, view="server: eth0"
    )

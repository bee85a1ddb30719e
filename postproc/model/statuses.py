"""Classes of SIP status codes (RFC 3261, section 7.2). None, as a request has, belongs to none of them."""

from typing import TypeGuard

TRYING, RINGING = 100, 180
FORBIDDEN = 403
REQUEST_TIMEOUT = 408  # to a request in a call: its sender then ends the call (RFC 3261, section 12.2.1.2)
INTERVAL_TOO_SMALL = 422  # RFC 4028, section 6
TERMINATED = 487  # response to a cancelled INVITE (RFC 3261, section 9.2)
REQUEST_PENDING = 491  # two offers at a time (RFC 3261, section 14.2)
CHALLENGES = frozenset({401, 407})
# After these the requester tries again (RFC 3261, section 14.1; RFC 4028, section 7.3).
ASKED_AGAIN = CHALLENGES | {INTERVAL_TOO_SMALL, REQUEST_PENDING}
# Of a description: it is not acceptable (RFC 3261, sections 21.4.13, 21.4.26 and 21.6.4).
UNSUITED = frozenset({415, 488, 606})


def is_progress(status: int | None) -> TypeGuard[int]:
    """Whether it is a provisional response of the far end; 100 Trying is the next hop's."""
    return status is not None and TRYING < status < 200


def is_success(status: int | None) -> TypeGuard[int]:
    return status is not None and 200 <= status < 300


def is_redirection(status: int | None) -> TypeGuard[int]:
    return status is not None and 300 <= status < 400


def is_final(status: int | None) -> TypeGuard[int]:
    return status is not None and status >= 200


def is_refusal(status: int | None) -> TypeGuard[int]:
    """Whether it is final and no success: a redirection, too."""
    return status is not None and status >= 300


def is_failure(status: int | None) -> TypeGuard[int]:
    """Whether it is final and neither a success nor a redirection."""
    return status is not None and status >= 400

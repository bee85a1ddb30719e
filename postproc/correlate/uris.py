"""User parts of SIP and tel URIs (RFC 3261, section 19.1.1; RFC 3966, section 3)."""

from urllib.parse import unquote


def user_part(uri: str | None) -> str | None:
    """Return who is called by a URI, percent-decoded; None if it names only a host.

    Password and parameters (``;phone-context=``) are left out.
    """
    scheme, _, rest = (uri or "").strip().partition(":")
    # The last @ counts: some phones send a whole mail address as user.
    userinfo = rest if scheme.lower() == "tel" else rest.rpartition("@")[0]
    return unquote(userinfo.partition(";")[0].partition(":")[0]).strip() or None

"""What addresses are."""

import pytest

from postproc.model.addresses import ip_version


@pytest.mark.parametrize(
    ("addr", "version"),
    [
        ("192.0.2.1", 4),
        ("2001:db8::1", 6),
        ("::ffff:192.0.2.1", 6),
        ("fe80::1%eth0", None),
        ("a.local", None),
        ("", None),
    ],
)
def test_the_ip_version_of_an_address_that_a_display_filter_can_name(addr, version):
    assert ip_version(addr) == version

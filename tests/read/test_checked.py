"""Numbers and addresses of strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.read.checked import host, number


@given(st.integers(-(2**70), 2**70), st.integers(0, 3), st.integers(0, 2**64))
def test_a_number_within_its_limits_is_read_and_no_other(value, zeros, most):
    written = "0" * zeros + str(value)
    assert number(written, most) == (value if 0 <= value <= most else None)


@pytest.mark.parametrize("digits", ["", "+1", " 1", "1 ", "1_0", "\u0663", "0x1", "1e3", "-1", "1" * 5000])
def test_what_is_no_number_is_none(digits):
    assert number(digits, 2**64) is None


def test_zeros_in_front_are_no_reason():
    assert (number("0" * 5000 + "7", 9), number("000", 9), number("2", 9, 3)) == (7, 0, None)


@given(st.ip_addresses().map(str))
def test_every_address_is_one(addr):
    assert host(addr) == addr


@pytest.mark.parametrize("name", ["a", "host.example", "x_1-y.local", "fe80::1%eth0", "pbx.", "xn--p1ai"])
def test_names_of_hosts_are_kept(name):
    assert host(name) == name


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3", "0x7f.1", "999.1.1.1", "1.2.3.4/24", "a b", "a<b", "-a", "a..b", ".", "x" * 64, "a." * 130,
     "fe80::1%" + "a" * 300, "\u0661\u0660.0.0.1", "\uff11.1.1.1", "10.0.0.1\n", "h\u00f6st", "1.2.3.4%x y"],
)  # fmt: skip
def test_anything_else_is_no_host(text):
    assert host(text) is None

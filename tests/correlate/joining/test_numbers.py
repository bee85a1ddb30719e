import pytest

from postproc.correlate.joining.words import Number, number, users


@pytest.mark.parametrize(
    "user", ["+498984079810", "00498984079810", "08984079810", "(089) 840-79810", "+49 89 84079810"]
)
def test_one_number_has_one_key_however_it_is_written(user):
    assert number(user, "DE") == Number("+498984079810", "4079810")


def test_a_national_number_is_read_by_the_rules_of_the_region():
    assert number("020 7183 8750", "GB").exact == "+442071838750"


def test_a_number_without_prefix_may_be_local_or_foreign_and_has_only_a_tail():
    assert number("984079810", "DE") == Number(None, "4079810")
    assert number("2125551212", "DE") == Number(None, "5551212")


def test_without_region_only_what_says_its_country_is_whole():
    assert number("08984079810", None) == Number(None, "4079810")
    assert number("+498984079810", None).exact == "+498984079810"


@pytest.mark.parametrize("user", ["721", "110", "anna.mobil"])
def test_short_numbers_and_names_have_no_tail(user):
    assert number(user, "DE") == Number(f"={user}", None)


@pytest.mark.parametrize("user", [None, "", "anonymous", "Anonymous", "unavailable", "x" * 65])
def test_who_withholds_the_number_has_no_key(user):
    assert number(user, "DE") == Number(None, None)


@pytest.mark.parametrize("user", ["0" * 60, "9" * 40, "00000000", "٣٣٣٣٣٣٣٣", "+" + "1" * 40])
def test_absurd_numbers_do_no_harm(user):
    assert isinstance(number(user, "DE"), Number)


def test_an_unknown_region_reads_no_national_numbers():
    assert number("08984079810", "XX").exact is None


def test_users_of_all_uris_in_a_header():
    header = '"A, B" <sip:+4989123@x.org;user=phone>;index=1, <tel:+4930555;phone-context=x>, <sips:bob:pw@h>'
    assert users(header) == ["+4989123", "+4930555", "bob:pw"]


def test_an_endless_header_costs_no_endless_time():
    assert users("sip:" * 20_000) == []
    assert users('"no uri" <mailto:a@b>') == []

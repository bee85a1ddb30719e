"""Words that Python and the plug-in must read alike: addresses, ids, numbers, candidates, STUN.

Agreement on captures shows only what captures hold; here the same functions of both are
asked about words nobody has sent yet.
"""

import string
from collections.abc import Callable
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.correlate.joining.identities import LEG_SUFFIX
from postproc.correlate.joining.words import is_named_id, looks_random, number, users
from postproc.correlate.sip import user_part
from postproc.model.addresses import addr_class, endpoint
from postproc.read import stun
from postproc.wire import stun as wire
from tests.plugins import plain

pytestmark = plain.needs_lua

Answer = Callable[..., str]
BATCH = 200  # words that one Lua is asked about
few = settings(max_examples=25, deadline=None)

ASCII = st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=40)
PIECES = st.sampled_from(
    [
        "b2bua",
        "b2b",
        "pbx",
        "leg",
        "out",
        "in",
        "a",
        "b",
        "-",
        "_",
        "@",
        ":",
        ".",
        "::",
        "0",
        "00",
        "1",
        "12345678",
        "deadbeef1",
        "2026-11-28",
        "10.0.0.1",
        "sip:",
        "SIPS:",
        "xtel:",
        "tel:",
        "urn:",
        "+49",
        "(0)",
        "host",
        "aB",
        "0011223344ff",
        "00:11:22:33:44:ff",
        "anonymous",
        "550e8400-e29b-41d4-a716-446655440000",
        ">",
        "<",
        ";",
        ",",
        "%41",
        " ",
        "x" * 63,
        "y" * 65,
    ]
)
PUT_TOGETHER = st.lists(PIECES, max_size=6).map("".join)
WORDS = st.lists(ASCII | PUT_TOGETHER, min_size=1, max_size=BATCH)
NUMBERS = st.integers(0, 299).map(str) | st.sampled_from(["00", "01", "255"])
ADDRESSES = (
    st.ip_addresses().map(str)
    | st.ip_addresses(network="::ffff:0:0/96").map(lambda addr: f"::ffff:{addr.ipv4_mapped}")
    | st.sampled_from(["192.0.2.0", "203.0.113.255", "172.15.255.255", "172.32.0.0", "0.0.0.0", "::"])
    | st.sampled_from(["fe80::1%eth0", "x.local", "x.LOCAL", "local", ".local"])
    | st.lists(NUMBERS, min_size=3, max_size=5).map(".".join)
    | st.ip_addresses(v=4).map(lambda addr: f"[{addr}]")
    | st.from_regex(r"([0-9a-f]{0,5}:){2,8}[0-9a-f]{0,5}", fullmatch=True)
)


def asked(name: str, *questions: tuple[str | bytes, ...]) -> list[list[str]]:
    """What the plug-in's function says to each list of arguments."""
    lines = [" ".join(_hex(word) for word in (name, *question)) for question in questions]
    printed = plain.run(
        plain.NEWEST, plain.TESTS / "answers.lua", given="\n".join(lines).encode(), succeeds=True
    )
    return [
        bytes.fromhex(line).decode("latin-1").split("\1") for line in printed.split("\n")[: len(questions)]
    ]


def _hex(word: str | bytes) -> str:
    return (word.encode() if isinstance(word, str) else word).hex()


def said(*values: object) -> list[str]:
    """The same answer of Python's, as Lua writes it."""
    names = {None: "nil", True: "true", False: "false"}
    return [names[value] if value is None or isinstance(value, bool) else str(value) for value in values]


def compare(name: str, words: list[str], of_python: Callable[[str], list[str]], *more: str) -> None:
    found = dict(zip(words, asked(name, *((word, *more) for word in words)), strict=True))
    assert found == {word: of_python(word) for word in words}


@few
@given(st.lists(ADDRESSES, min_size=1, max_size=BATCH))
def test_the_class_of_an_address(words: list[str]) -> None:
    compare("class", words, lambda word: said(addr_class(word)))


@few
@given(WORDS)
def test_what_looks_like_an_id(words: list[str]) -> None:
    compare("id", words, lambda word: said(is_named_id(word), looks_random(word)))


@few
@given(WORDS)
def test_a_call_id_without_the_suffix_of_its_leg(words: list[str]) -> None:
    compare("base", words, lambda word: said(LEG_SUFFIX.sub("", word)))


@few
@given(st.lists(st.text("0123456789+ ()-./", max_size=18) | ASCII | PUT_TOGETHER, min_size=1, max_size=BATCH))
def test_the_keys_of_a_number_without_country(words: list[str]) -> None:
    compare("number", words, lambda word: said(*number(word, None)), "")


# National with a trunk prefix, international both ways, without any prefix; of usual lengths. libphonenumber
# may take leading digits like the country's for the country although no prefix says so; the plug-in does not.
GERMAN = st.from_regex(r"(0|0049|\+49)[2-9][0-9]{7,9}|(?!49)[2-9][0-9]{7,9}", fullmatch=True)


@few
@given(st.lists(GERMAN, min_size=1, max_size=BATCH))
def test_the_keys_of_a_german_number(words: list[str]) -> None:
    compare("number", words, lambda word: said(*number(word, "DE")), "49")


@few
@given(st.lists(ASCII | PUT_TOGETHER, min_size=1, max_size=BATCH))
def test_the_users_that_a_header_names(words: list[str]) -> None:
    compare("users", words, lambda word: said(*users(word)) or [""])


@few
@given(st.lists(PUT_TOGETHER, min_size=1, max_size=BATCH))
def test_the_user_of_a_uri(words: list[str]) -> None:
    compare("user", words, lambda word: said(user_part(word)))


ATTRIBUTES = st.lists(
    st.tuples(
        st.sampled_from([0x0001, 0x0006, 0x0009, 0x0020, 0x8020, 0x0024, 0x0025, 0x8022]),
        st.binary(max_size=24)
        | st.binary(min_size=6, max_size=6).map(lambda b: b"\0\1" + b)
        | st.binary(min_size=18, max_size=18).map(lambda b: b"\0\2" + b),
    ),
    max_size=4,
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """STUN messages, some of them cut short."""
    held = b"".join(
        code.to_bytes(2) + len(value).to_bytes(2) + value + b"\0" * (-len(value) % 4)
        for code, value in draw(ATTRIBUTES)
    )
    kind = draw(st.integers(0, 0x03FF))  # first byte 0 to 3 (RFC 7983)
    whole = (
        kind.to_bytes(2)
        + len(held).to_bytes(2)
        + wire.COOKIE
        + draw(st.binary(min_size=12, max_size=12))
        + held
    )
    return whole[: draw(st.integers(20, len(whole)))]


def of_stun(message: bytes) -> list[str]:
    found = wire.parse(message)
    method, kind = stun.names(found.method, found.kind)
    mapped = next((found.get(each) for each in stun.MAPPED if found.has(each)), None)
    error = found.get(wire.ERROR_CODE)
    place = endpoint(str(ip_address(mapped.addr)), mapped.port) if mapped else None
    return said(
        kind,
        method == "binding",
        message[8:20].decode("latin-1"),
        error.code if error else None,
        found.has(wire.USE_CANDIDATE),
        place,
    )


@few
@given(st.lists(messages(), min_size=1, max_size=BATCH))
def test_stun_messages(found: list[bytes]) -> None:
    answers = asked("stun", *((message,) for message in found))
    assert [(m.hex(), "\1".join(a)) for m, a in zip(found, answers, strict=True)] == [
        (m.hex(), "\1".join(of_stun(m))) for m in found
    ]

import pytest

from postproc.share.packing import LONGEST, distinct, safe_name, shortened


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a b\n.pcap", "a_b_.pcap"),
        ("..", "unnamed"),
        ("-rf.pcapng", "rf.pcapng"),
        ("CON", "_CON"),
        ("nul.pcapng", "_nul.pcapng"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("console.log", "console.log"),
        ("CONOUT$.log", "_CONOUT_.log"),
        ("trace.", "trace"),
        ("trace . . ", "trace_._._"),
        ("St\udcf6rung\u202egpj.pcap", "St_rung_gpj.pcap"),
    ],
)
def test_a_strangers_name_is_harmless_on_every_system(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("ending", [".pcapng", ".pcap.gz", ".log", ".tar.zst"])
def test_a_long_name_keeps_its_ending(ending):
    cut = safe_name("x" * 240 + ending)
    assert len(cut) == LONGEST and cut.endswith(f"x{ending}")
    assert shortened("a" * 9 + "." * 9 + "b" * 99, 12) == "a" * 9


def test_names_are_told_apart_whatever_their_case_and_length():
    long = "y" * 54 + ".pcapng"
    made = distinct(["a.log", "A.LOG", "a-2.log", "a.log", *[safe_name(long)] * 11])
    assert made[:4] == ["a.log", "A-2.LOG", "a-2-2.log", "a-3.log"]
    assert len({name.casefold() for name in made}) == len(made)
    assert all(len(name) <= LONGEST and name.endswith(".pcapng") for name in made[4:])

"""The last search opens what is packed, and reads tables by their values."""

import bz2
import gzip
import io
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd
import pyarrow as pa
import pytest

from postproc.model.errors import SetupError
from postproc.share import search as searched
from postproc.share.copying import SECTION
from postproc.share.redaction.leaks import Originals
from postproc.share.redaction.vocabulary import Known
from postproc.share.search import check, unjudged_in_capture
from postproc.wire import pcapng

HELD = Originals(words=frozenset({b"zauberwald"}))


def zipped(data: bytes, name: str = "a", comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.comment = comment
    return made.getvalue()


def table(**columns: object) -> bytes:
    made = io.BytesIO()
    pd.DataFrame(columns).to_parquet(made, compression="zstd")
    return made.getvalue()


TEXT = b"some of it, and Zauberwald, and more of it " * 40
PACKED = {
    "zip": zipped(TEXT),
    "zip in zip": zipped(zipped(TEXT)),
    "name in zip": zipped(b"", "zauberwald.txt"),
    "comment of zip": zipped(b"", comment=b"from Zauberwald"),
    "gzip": gzip.compress(TEXT),
    "bz2": bz2.compress(TEXT),
    "zstd": pa.compress(TEXT, "zstd", asbytes=True),
    "table": table(a=[1, 2], b=["x", "Zauberwald"]),
    "table of categories": table(b=pd.Categorical(["x", "Zauberwald"])),
    "table of bytes": table(b=[b"x", b"Zauberwald"]),
    "name of a column": table(Zauberwald=[1]),
    "table in gzip in zip": zipped(gzip.compress(table(b=["Zauberwald"] * 9))),
}


@pytest.mark.parametrize("form", PACKED)
def test_an_original_is_found_in_what_is_packed(tmp_path, form):
    (tmp_path / "a").write_bytes(PACKED[form])
    with pytest.raises(SetupError, match="an original value is left"):
        check([tmp_path / "a"], HELD)


def test_what_is_damaged_is_searched_as_it_is(tmp_path):
    for number, data in enumerate(
        (b"PK\3\4 and Zauberwald", b"\x1f\x8b and Zauberwald", b"BZh Zauberwald", b"PAR1 Zauberwald")
    ):
        (tmp_path / str(number)).write_bytes(data)
        with pytest.raises(SetupError, match="left"):
            check([tmp_path / str(number)], HELD)


def test_what_lies_across_two_pieces_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(searched, "CHUNK", 1 << 13)
    (tmp_path / "a").write_bytes(b" " * ((1 << 13) - 4) + b"Zauberwald" + b" " * 99)
    with pytest.raises(SetupError, match="left"):
        check([tmp_path / "a"], HELD)


def test_places_in_pictures_of_a_report_are_nobodys_numbers(tmp_path):
    """A text at x="721" is no user 721; the user in quotes still is, as a page writes them."""
    held = Originals(words=frozenset({b'"721"'}))
    page = tmp_path / "report.html"
    page.write_text('<text x="721" y="721">XCC</text><tr data-call="721"><td data-value="721">')
    check([page], held)
    for told in ("&#34;721&#34;", '"721"', 'username="721"'):
        page.write_text(f'<text x="721" y="49.1">{told}</text>')
        with pytest.raises(SetupError, match="an original value is left"):
            check([page], held)
    (tmp_path / "a.txt").write_text('x="721"')
    with pytest.raises(SetupError):
        check([tmp_path / "a.txt"], held)


def test_the_cookie_of_a_branch_is_no_part_of_the_word_behind_it(tmp_path):
    """A pseudonym that begins like another branch of the input made a word "bKHa" with the cookie."""
    taken, left = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    taken.write_bytes(section(b"Via: SIP/2.0/UDP x;branch=z9hG4bKhafen7, Zauberwald"))
    left.write_bytes(section(b"Via: SIP/2.0/UDP x;branch=z9hG4bKHa3b9xq, Zauberwald"))
    assert unjudged_in_capture(taken, left, Known(), set()) == {"Zauberwald": 1}


def section(payload: bytes) -> bytes:
    """A capture of one packet."""
    parts = pcapng.Interface(1, 0), pcapng.Packet(0, 0, payload, len(payload))
    return SECTION + b"".join(map(bytes, parts))

"""The account of a redaction."""

from collections import Counter

import pytest

from postproc.share.account import Account, Kind, Tally, lines, markdown


@pytest.mark.parametrize(
    ("lang", "count", "sentence"),
    [
        ("en", 3, "not looked for at the end: 3 originals that are also the pseudonym of another"),
        ("de", 3, "am Ende nicht gesucht: 3 Originale, die zugleich Pseudonym eines anderen sind"),
        ("en", 1, "not looked for at the end: 1 original that is also the pseudonym of another"),
        ("de", 1, "am Ende nicht gesucht: 1 Original, das zugleich Pseudonym eines anderen ist"),
    ],
)
def test_originals_that_cannot_be_looked_for_are_counted(lang, count, sentence):
    account = Account(ambiguous=count)
    assert lines(account, lang)[-1] == sentence
    assert f"- {sentence}\n" in markdown(account, lang)
    assert sentence.partition(":")[0] not in markdown(Account(), lang)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "replaced: host names (1), IP addresses (2)"),
        ("de", "ersetzt: Hostnamen (1), IP-Adressen (2)"),
    ],
)
def test_kinds_stand_with_their_counts_so_that_one_reads_well_too(lang, said):
    tally = Tally(replaced=Counter({Kind.HOST: 1, Kind.ADDRESS: 2}))
    assert lines(Account(tally), lang)[0] == said

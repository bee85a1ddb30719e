"""What redaction says it did."""

import pytest

from postproc.share.account import Account, lines, markdown


@pytest.mark.parametrize(("lang", "sentence"), [
    ("en", "not looked for at the end: 3 originals that are also the pseudonym of another"),
    ("de", "am Ende nicht gesucht: 3 Originale, die zugleich Pseudonym eines anderen sind"),
])  # fmt: skip
def test_originals_that_cannot_be_looked_for_are_counted(lang, sentence):
    account = Account(ambiguous=3)
    assert lines(account, lang)[-1] == sentence
    assert f"- {sentence}\n" in markdown(account, lang)
    assert sentence.partition(":")[0] not in markdown(Account(), lang)

"""What access lists say, in words: of addresses, of candidates offered, of peers that signal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from postproc.model.acl import AccessList, Choice, Decision, Overall, Peer, decide, decide_by
from postproc.model.addresses import endpoint
from postproc.model.text import Lang
from postproc.model.vocabulary import ACL_VERDICTS
from postproc.show import acl_texts as texts
from postproc.show.terminal import clean


def address(
    asked: str, names: Sequence[str], lists: Mapping[str, AccessList], lang: Lang, *, together: bool
) -> Iterator[str]:
    """Explain what each list, and all together, say of an address."""
    yield clean(asked)
    yield from _decisions([decide_by(name, asked, lists) for name in names], lang, names)
    if together and len(names) > 1:
        overall = decide(asked, names, lists)
        first = overall.deciding.list if overall.deciding else ""
        told = texts.OVERALL[overall.verdict].of(lang, list=clean(first))
        yield f"  {texts.TOGETHER.of(lang)}: {ACL_VERDICTS[overall.verdict].of(lang)}, {told}"


def _decisions(found: Iterable[Decision], lang: Lang, names: Sequence[str]) -> Iterator[str]:
    width = max(map(cell_len, map(clean, names)), default=0)
    for each in found:
        verdict = f"{ACL_VERDICTS[each.verdict].of(lang):8}"
        yield f"  {set_cell_size(clean(each.list), width)}  {verdict}  {_why(each, lang)}"


def _why(decision: Decision, lang: Lang) -> str:
    default = texts.DEFAULTS[decision.default].of(lang) if decision.default is not None else ""
    told = texts.WHY[decision.why].of(lang, text=clean(decision.text or ""), default=default)
    passed = clean(", ".join(decision.passed))
    return f"{told}; {texts.PASSED.of(lang, passed=passed)}" if passed else told


def choice(found: Choice, lang: Lang) -> Iterator[str]:
    """Explain what becomes of one offer, and what the server did."""
    yield texts.OFFER.of(
        lang, call=found.call, leg=_known(found.leg), frame=found.frame, capture=clean(found.capture)
    )
    cells = [f"{each.type or '–'} {endpoint(each.address, each.port)}" for each in found.offered]
    width = max(map(cell_len, map(clean, cells)), default=0)
    for place, (cell, verdict) in enumerate(zip(cells, found.verdicts, strict=True), 1):
        told = f"{ACL_VERDICTS[verdict.verdict].of(lang):8}  {_because(verdict, lang)}"
        yield f"  {place} {set_cell_size(clean(cell), width)}  {told}"
    yield from (f"  {line}" for line in _outcome(found, lang))


def _because(overall: Overall, lang: Lang) -> str:
    asked = overall.decisions if overall.verdict == "denied" else filter(None, [overall.deciding])
    return "; ".join(f"{clean(each.list)}: {_why(each, lang)}" for each in asked)


def _outcome(found: Choice, lang: Lang) -> Iterator[str]:
    if found.taken:
        sentence = texts.TAKES if found.taken.sure else texts.TAKES_PERHAPS
        yield sentence.of(lang, place=found.taken.place + 1, list=clean(found.taken.list))
        if found.taken.sure and found.first_allowed != found.taken.place:
            yield texts.LIST_BY_LIST.of(lang, place=(found.first_allowed or 0) + 1)
    elif all(each.verdict == "denied" for each in found.verdicts):
        yield texts.TAKES_NONE.of(lang, status=_known(found.status))
    else:
        yield texts.TAKES_UNKNOWN.of(lang)
    if found.sent:
        target = clean(endpoint(found.sent.address, found.sent.port))
        sentence = texts.CALLED if found.sent.called and not found.agrees else texts.SENT[found.agrees]
        yield sentence.of(lang, frame=_known(found.sent.frame), target=target)
    elif found.taken:
        yield (texts.REJECTED if found.status == 488 else texts.NOT_SENT).of(lang)


def peer(found: Peer, lang: Lang) -> Iterator[str]:
    """Explain whether a peer may signal, and how it was answered."""
    yield texts.PEER.of(
        lang, call=found.call, leg=found.leg, address=clean(found.address), frame=_known(found.frame),
        capture=clean(found.capture), status=_known(found.status),
    )  # fmt: skip
    asked = found.verdict.decisions
    yield from _decisions(asked, lang, [each.list for each in asked])
    if found.verdict.verdict == "denied" and found.status not in (None, *texts.REFUSALS):
        yield f"  {texts.LET_IN.of(lang)}"


def note(kind: str, text: str, lang: Lang) -> str:
    """Say what was odd in a file of access lists."""
    return texts.NOTES[kind].of(lang, text=clean(text))


def _known(value: int | None) -> str:
    return "–" if value is None else str(value)

"""Tickets: a zip with trace, logs, results, the checklist with answers, and a list of hashes.

In a redacted ticket the results are those of the redacted trace, so they cannot reveal more than it does.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson
import pandas as pd

from postproc import pipeline
from postproc.files import scratch
from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.model.tables import CALLS
from postproc.model.text import Lang, clean
from postproc.pipeline import Run
from postproc.read import deployment as deployments
from postproc.read import inputs, logfiles, option_files
from postproc.read.inputs import Unread
from postproc.share.account import Account, Look, goes_on, markdown
from postproc.share.export import JUDGED
from postproc.share.packing import linked, members, pack, placed
from postproc.share.redact import Redacted, Source, Work, disguised, products, redact
from postproc.share.search import check, own_words
from postproc.show import checklist
from postproc.show.checklist import KEYS
from postproc.version import __version__

NUL = "\0"
LARGEST = 1 << 20  # bytes of a file of answers, which is written by hand
AS_GIVEN = ("customer_id",)  # not redacted: the vendor must know the sender


def read_answers(path: Path) -> dict[str, str]:
    """Read answers from a JSON or TOML file, by the questions' keys; SetupError if it is neither."""
    content = option_files.content(path, LARGEST, "file of answers")
    try:
        text = content.decode("utf-8-sig")
        answers = tomllib.loads(text) if path.suffix.lower() == ".toml" else orjson.loads(text)
    except RecursionError as error:
        raise SetupError(f"{path}: neither JSON nor TOML: nested too deeply") from error
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{path}: neither JSON nor TOML: {error}") from error
    if isinstance(answers, list):  # a checklist.json
        answers = {str(each.get("key")): each.get("answer") for each in answers if isinstance(each, dict)}
    if not isinstance(answers, dict) or (unknown := sorted(map(str, set(answers) - set(KEYS)))):
        hint = f"unknown: {clean(', '.join(unknown))}; " if isinstance(answers, dict) else ""
        raise SetupError(f"{path}: {hint}the answers are {', '.join(KEYS)}")
    return {key: str(value) for key, value in answers.items() if value not in (None, "")}


def as_lines(answers: Mapping[str, str]) -> str:
    """Return the answers to redact as text, one per line in order of their keys, without NUL."""
    return "".join(
        f"{' '.join(answers[key].replace(NUL, ' ').split())}\n" for key in _with_pseudonyms(answers)
    )


def of_lines(text: str, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers after redaction of ``as_lines`` to ``text``, with those not redacted."""
    new = dict(zip(_with_pseudonyms(answers), text.split("\n"), strict=False))
    return new | as_given(answers)


def as_given(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that are not redacted."""
    return {key: answers[key] for key in AS_GIVEN if key in answers}


def words_as_given(answers: Mapping[str, str]) -> frozenset[str]:
    """Return these answers, and each word of them, in lower case."""
    return frozenset(
        word
        for text in as_given(answers).values()
        for word in (text.lower(), *re.findall(r"\w+|\S+", text.lower()))
    )


def _with_pseudonyms(answers: Mapping[str, str]) -> list[str]:
    return sorted(set(answers) - set(AS_GIVEN))


FOUND = ["call", "leg", "code", "verdict", "severity"]
CHANGED = "the redacted trace does not lead to the same findings as the original"


@dataclass(frozen=True)
class Order:
    """The input of a ticket.

    If ``redacted``, ``hidden`` are words to replace wherever they occur, and ``look`` is called with the
    account before anything is packed: it raises SetupError to stop.
    """

    captures: Sequence[Path]
    logs: Sequence[Path] = ()
    attachments: Sequence[Path] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    deployment: Deployment | None = None
    lang: Lang = "en"
    redacted: bool = False
    key: str | None = None
    hidden: Collection[str] = ()
    look: Look = goes_on


@dataclass(frozen=True)
class Ticket:
    """Members packed with their sizes; open questions; warnings for the user."""

    path: Path
    members: dict[str, int]
    open: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    account: Account | None = None  # of what was redacted
    calls: pd.DataFrame = field(default_factory=CALLS.empty)  # with the numbers used in the ticket


class _Packed(NamedTuple):
    """The files of the ticket, the run whose results are packed, and notes on both."""

    files: Mapping[str, Path]
    run: Run
    answers: Mapping[str, str]
    changed: tuple[str, ...] = ()
    lost: tuple[Unread, ...] = ()
    redacted: Redacted | None = None
    account: Account | None = None


def ticket(order: Order, target: Path) -> Ticket:
    """Pack the ticket into ``target``.

    Raises SetupError, without writing ``target``, if no capture can be read, a file cannot be packed, or
    an original is left after redaction.
    """
    captures, left_out = inputs.find(list(order.captures))
    if not captures:
        reason = f": {left_out[0].path}: {left_out[0].reason}" if left_out else ""
        raise SetupError(f"no capture to make a ticket of{reason}")
    logs, refused = logfiles.find(list(order.logs))
    if refused:
        raise SetupError(f"{refused[0].path}: {refused[0].reason}")
    if strange := [path for path in order.attachments if not path.is_file()]:
        raise SetupError(f"{strange[0]}: not a regular file")
    groups = [capture.path for capture in captures], [log.path for log in logs], order.attachments
    with scratch.folder() as place:
        files = members(groups, numbered=order.redacted)
        packed = _redacted(files, order, place) if order.redacted else _plain(files, order, place)
        unread = (*left_out, *packed.lost)
        names = {name: path.name for name, path in files.items()}
        answered = checklist.answers(packed.run.tables, names, packed.answers, order.lang)
        documents = _written(_made(answered, packed.account, order.lang), place / "made")
        about = {
            "version": __version__,
            "redacted": order.redacted,
            "warnings": [*_told(unread, redacted=order.redacted), *packed.changed],
        }
        ours = {**_below(place / "results", place), **documents}
        if packed.redacted:
            exempt = own_words() | words_as_given(order.answers)
            check(ours.values(), packed.redacted.originals.besides(exempt))
        sizes = pack({**packed.files, **ours}, about, target, dated=not order.redacted)
    here = (f"{inputs.readable(str(each.path))}: {each.reason}" for each in unread)
    still_open = tuple(key for key, answer in answered.items() if not answer)
    return Ticket(target, sizes, still_open, (*here, *packed.changed), packed.account, packed.run.calls)


def _told(unread: Sequence[Unread], *, redacted: bool) -> list[str]:
    """Return the manifest's lines on files left out: names without folders; if redacted only their number."""
    if redacted:
        return [f"files that were not read: {len(unread)}"] if unread else []
    return [f"{inputs.readable(each.path.name)}: {_placeless(each.reason)}" for each in unread]


def _placeless(reason: str) -> str:
    """Return a reason up to the first path in it."""
    before, _, behind = reason.replace("\\", "/").partition("/")
    return f"{before.rstrip()} ..." if behind else reason


def _plain(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    run = _judged(linked(files, place), order, order.deployment)
    pipeline.write(placed(run, place), place / "results", csv=True)
    return _Packed(files, run, order.answers)


def _redacted(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    """Redact all files, and run the analysis on the redacted ones."""
    staged = linked(files, place)
    run = _judged(staged, order, order.deployment)
    unread = {each.path: each.reason for each in run.unread}
    lost = tuple(Unread(path, unread[staged[name]]) for name, path in files.items() if staged[name] in unread)
    files = {name: path for name, path in files.items() if staged[name] not in unread}
    new = {name: place / "redacted" / name for name in files}
    for path in new.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    rules = order.deployment or deployments.read(deployments.DEFAULT)
    plain_answers, redacted_answers = place / "answers.txt", place / "answers.redacted.txt"
    plain_answers.write_text(as_lines(order.answers), encoding="utf-8", errors="surrogateescape")
    work = Work(
        [Source(files[name], new[name]) for name in files if name.startswith("trace/")],
        {files[name]: new[name] for name in files if name.startswith("logs/")},
        products(rules),
        {
            **{files[name]: new[name] for name in files if name.startswith("attachments/")},
            plain_answers: redacted_answers,
        },
        order.hidden,
    )
    redacted = redact(work, order.key)
    account = _account(
        redacted, {**{path: name for name, path in new.items()}, redacted_answers: "checklist.md"}, order
    )
    order.look(account)
    rerun = _judged(new, order, disguised(rules, redacted.pseudonyms))
    pipeline.write(placed(rerun, place / "redacted"), place / "results", csv=True)
    answers = of_lines(redacted_answers.read_text(encoding="utf-8"), order.answers)
    changed = () if _same(run, rerun) else (CHANGED,)
    return _Packed(new, rerun, answers, changed, lost, redacted, account)


def _account(redacted: Redacted, names: Mapping[Path, str], order: Order) -> Account:
    unjudged = {names[path]: words for path, words in redacted.unjudged.items()}
    return Account(
        redacted.pseudonyms.tally,
        unjudged,
        tuple(as_given(order.answers).values()),
        redacted.originals.ambiguous,
    )


def _judged(files: Mapping[str, Path], order: Order, deployment: Deployment | None) -> Run:
    """Return a run over the files; SetupError if no capture can be read."""
    run = pipeline.run(
        [path for name, path in files.items() if name.startswith("trace/")],
        fs_logs=[path for name, path in files.items() if name.startswith("logs/")],
        deployment=deployment,
        lang=order.lang,
    )
    if run.captures.empty:
        raise SetupError(
            f"no capture could be read: {run.unread[0].reason}" if run.unread else "no capture could be read"
        )
    return run


def _same(one: Run, other: Run) -> bool:
    """Return whether two runs have the same verdicts and findings."""
    calls = one.calls[JUDGED].equals(other.calls[JUDGED])
    first, second = (run.findings[FOUND].sort_values(FOUND).reset_index(drop=True) for run in (one, other))
    return calls and pd.DataFrame(first).equals(second)


def _made(answered: Mapping[str, str | None], account: Account | None, lang: Lang) -> dict[str, bytes]:
    document = checklist.document(answered, lang)
    documents = {
        "checklist.md": checklist.markdown(answered, lang).encode(errors="replace"),
        "checklist.json": orjson.dumps(document, option=orjson.OPT_INDENT_2),
    }
    return documents | ({"redaction.md": markdown(account, lang).encode(errors="replace")} if account else {})


def _written(documents: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """Write generated documents as files, to be searched and packed like the others."""
    folder.mkdir()
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    return _below(folder, folder)


def _below(folder: Path, base: Path) -> dict[str, Path]:
    """Return the files in a folder by their path relative to ``base``, without hidden ones."""
    all_files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    visible = (path for path in all_files if not path.relative_to(folder).parts[0].startswith("."))
    return {path.relative_to(base).as_posix(): path for path in visible}

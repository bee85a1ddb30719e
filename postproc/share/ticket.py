"""The support ticket: one zip with trace, logs, results, an answered checklist and a list of hashes.

When redacted, the results are those of the redacted trace, so that they cannot reveal more than it does.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
LARGEST = 1 << 20  # bytes of a file of answers; a choice: it is written by hand
AS_GIVEN = ("customer_id",)  # never redacted: the vendor must know who asks


def read_answers(path: Path) -> dict[str, str]:
    """Return answers by question from a JSON or TOML file; raises SetupError when it is neither."""
    content = option_files.content(path, LARGEST, "file of answers")
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text) if path.suffix.lower() == ".toml" else orjson.loads(text)
    except RecursionError as error:
        raise SetupError(f"{path}: neither JSON nor TOML: nested too deeply") from error
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{path}: neither JSON nor TOML: {error}") from error
    if isinstance(document, list):  # a checklist.json
        document = {
            str(entry.get("key")): entry.get("answer") for entry in document if isinstance(entry, dict)
        }
    if not isinstance(document, dict) or (unknown := sorted(map(str, set(document) - set(KEYS)))):
        complaint = f"unknown: {clean(', '.join(unknown))}; " if isinstance(document, dict) else ""
        raise SetupError(f"{path}: {complaint}the answers are {', '.join(KEYS)}")
    return {key: str(value) for key, value in document.items() if value not in (None, "")}


def as_lines(answers: Mapping[str, str]) -> str:
    """Return the answers to be redacted as a text, one per line, ordered by key; a text has no NUL."""
    return "".join(
        f"{' '.join(answers[key].replace(NUL, ' ').split())}\n" for key in _with_pseudonyms(answers)
    )


def of_lines(text: str, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers from the redacted lines of ``as_lines``, and those that stay as given."""
    new = dict(zip(_with_pseudonyms(answers), text.split("\n"), strict=False))
    return new | as_given(answers)


def as_given(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that are never redacted."""
    return {key: answers[key] for key in AS_GIVEN if key in answers}


def words_as_given(answers: Mapping[str, str]) -> frozenset[str]:
    """Return these answers and each word of them, in lower case."""
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
    """The contents of a ticket to be made.

    When it is ``redacted``, ``hidden`` are words to replace wherever they occur, and ``look`` is passed the
    account before anything is packed; it raises SetupError to stop.
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
    """What was packed: size in bytes by member, the keys of open questions, warnings for the user."""

    path: Path
    members: dict[str, int]
    open: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    account: Account | None = None  # of the redaction, if there was one
    calls: pd.DataFrame = field(default_factory=CALLS.empty)  # with the numbers of the ticket's results


@dataclass(frozen=True)
class _Packed:
    """The files of the ticket, the run whose results are packed, and warnings."""

    files: Mapping[str, Path]
    run: Run
    answers: Mapping[str, str]
    changed: tuple[str, ...] = ()
    lost: tuple[Unread, ...] = ()
    redacted: Redacted | None = None
    account: Account | None = None


def ticket(order: Order, target: Path) -> Ticket:
    """Pack the ticket into ``target``.

    Raises SetupError when no capture can be read, a file cannot be packed, or an original is left after
    redaction; ``target`` is then not written.
    """
    captures, unreadable = inputs.find(list(order.captures))
    if not captures:
        reason = f": {unreadable[0].path}: {unreadable[0].reason}" if unreadable else ""
        raise SetupError(f"no capture to make a ticket of{reason}")
    logs, refused = logfiles.find(list(order.logs))
    if refused:
        raise SetupError(f"{refused[0].path}: {refused[0].reason}")
    if irregular := [path for path in order.attachments if not path.is_file()]:
        raise SetupError(f"{irregular[0]}: not a regular file")
    groups = [capture.path for capture in captures], [log.path for log in logs], order.attachments
    with scratch.folder() as workspace:
        files = members(groups, numbered=order.redacted)
        packed = _redacted(files, order, workspace) if order.redacted else _plain(files, order, workspace)
        unread = (*unreadable, *packed.lost)
        names = {name: path.name for name, path in files.items()}
        answered = checklist.answers(packed.run.tables, names, packed.answers, order.lang)
        made_files = _written(_made(answered, packed.account, order.lang), workspace / "made")
        about = {
            "version": __version__,
            "redacted": order.redacted,
            "warnings": [*_unread_lines(unread, redacted=order.redacted), *packed.changed],
        }
        own_files = {**_below(workspace / "results", workspace), **made_files}
        if packed.redacted:
            exempt = own_words() | words_as_given(order.answers)
            check(own_files.values(), packed.redacted.originals.besides(exempt))
        sizes = pack({**packed.files, **own_files}, about, target, dated=not order.redacted)
    messages = (f"{inputs.readable(str(problem.path))}: {problem.reason}" for problem in unread)
    still_open = tuple(key for key, answer in answered.items() if not answer)
    return Ticket(target, sizes, still_open, (*messages, *packed.changed), packed.account, packed.run.calls)


def _unread_lines(unread: Sequence[Unread], *, redacted: bool) -> list[str]:
    """Return the manifest's lines on files left out: names without folders, or when redacted their number."""
    if redacted:
        return [f"files that were not read: {len(unread)}"] if unread else []
    return [f"{inputs.readable(problem.path.name)}: {_placeless(problem.reason)}" for problem in unread]


def _placeless(reason: str) -> str:
    """Cut a reason at the path in it."""
    before, _, behind = reason.replace("\\", "/").partition("/")
    return f"{before.rstrip()} ..." if behind else reason


def _plain(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    run = _judged(linked(files, place), order, order.deployment)
    pipeline.write(placed(run, place), place / "results", csv=True)
    return _Packed(files, run, order.answers)


def _redacted(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    """Redact all files, and run on the result."""
    staged = linked(files, place)
    run = _judged(staged, order, order.deployment)
    unread = {problem.path: problem.reason for problem in run.unread}
    failed = tuple(
        Unread(path, unread[staged[name]]) for name, path in files.items() if staged[name] in unread
    )
    files = {name: path for name, path in files.items() if staged[name] not in unread}
    targets = {name: place / "redacted" / name for name in files}
    for path in targets.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    deployment = order.deployment or deployments.read(deployments.DEFAULT)
    answers_file, redacted_answers = place / "answers.txt", place / "answers.redacted.txt"
    answers_file.write_text(as_lines(order.answers), encoding="utf-8", errors="surrogateescape")
    work = Work(
        [Source(files[name], targets[name]) for name in files if name.startswith("trace/")],
        {files[name]: targets[name] for name in files if name.startswith("logs/")},
        products(deployment),
        {
            **{files[name]: targets[name] for name in files if name.startswith("attachments/")},
            answers_file: redacted_answers,
        },
        order.hidden,
    )
    result = redact(work, order.key)
    account = _account(
        result, {**{path: name for name, path in targets.items()}, redacted_answers: "checklist.md"}, order
    )
    order.look(account)
    rerun = _judged(targets, order, disguised(deployment, result.pseudonyms))
    pipeline.write(placed(rerun, place / "redacted"), place / "results", csv=True)
    answers = of_lines(redacted_answers.read_text(encoding="utf-8"), order.answers)
    changed = () if _same(run, rerun) else (CHANGED,)
    return _Packed(targets, rerun, answers, changed, failed, result, account)


def _account(result: Redacted, names: Mapping[Path, str], order: Order) -> Account:
    unjudged = {names[path]: words for path, words in result.unjudged.items()}
    return Account(
        result.pseudonyms.tally, unjudged, tuple(as_given(order.answers).values()), result.originals.ambiguous
    )


def _judged(files: Mapping[str, Path], order: Order, deployment: Deployment | None) -> Run:
    """Return the run of the files; raises SetupError when no capture can be read."""
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
    """Tell whether two runs come to the same verdicts and findings."""
    calls = one.calls[JUDGED].equals(other.calls[JUDGED])
    first, second = (run.findings[FOUND].sort_values(FOUND).reset_index(drop=True) for run in (one, other))
    return calls and pd.DataFrame(first).equals(second)


def _made(answered: Mapping[str, str | None], account: Account | None, lang: Lang) -> dict[str, bytes]:
    document = checklist.document(answered, lang)
    made = {
        "checklist.md": checklist.markdown(answered, lang).encode(errors="replace"),
        "checklist.json": orjson.dumps(document, option=orjson.OPT_INDENT_2),
    }
    return made | ({"redaction.md": markdown(account, lang).encode(errors="replace")} if account else {})


def _written(made: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """Write the generated documents as files, to be searched and packed like all others."""
    folder.mkdir()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return _below(folder, folder)


def _below(folder: Path, base: Path) -> dict[str, Path]:
    """Return the files in a folder by their paths relative to ``base``, without hidden ones."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    visible = (path for path in files if not path.relative_to(folder).parts[0].startswith("."))
    return {path.relative_to(base).as_posix(): path for path in visible}

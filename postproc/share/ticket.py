"""The ticket: one zip with trace, logs, results, a checklist with its answers and a list of hashes.

With pseudonyms, the results are those of the redacted trace: what is in them cannot tell more than the
trace does.
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
from postproc.share.packing import linked, members, pack, placed
from postproc.share.redact import Redacted, Source, Work, disguised, products, redact
from postproc.share.search import check, own_words
from postproc.show import checklist
from postproc.show.checklist import KEYS
from postproc.version import __version__

NUL = "\0"
LARGEST = 1 << 20  # bytes of a file of answers, which somebody wrote by hand
AS_GIVEN = ("customer_id",)  # the vendor must know who asks


def read_answers(path: Path) -> dict[str, str]:
    """Answers from a JSON or TOML file, by the questions' keys; SetupError when it is neither."""
    content = option_files.content(path, LARGEST, "file of answers")
    try:
        text = content.decode("utf-8-sig")
        held = tomllib.loads(text) if path.suffix.lower() == ".toml" else orjson.loads(text)
    except RecursionError as error:
        raise SetupError(f"{path}: neither JSON nor TOML: nested too deeply") from error
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{path}: neither JSON nor TOML: {error}") from error
    if isinstance(held, list):  # a checklist.json
        held = {str(each.get("key")): each.get("answer") for each in held if isinstance(each, dict)}
    if not isinstance(held, dict) or (unknown := sorted(map(str, set(held) - set(KEYS)))):
        named = f"unknown: {clean(', '.join(unknown))}; " if isinstance(held, dict) else ""
        raise SetupError(f"{path}: {named}the answers are {', '.join(KEYS)}")
    return {key: str(value) for key, value in held.items() if value not in (None, "")}


def as_lines(answers: Mapping[str, str]) -> str:
    """The answers that are to be redacted as a text, one in a line, by their keys; no text has a NUL."""
    return "".join(
        f"{' '.join(answers[key].replace(NUL, ' ').split())}\n" for key in _with_pseudonyms(answers)
    )


def of_lines(text: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers of which the lines are what became of ``as_lines``, and those that stay as given."""
    new = dict(zip(_with_pseudonyms(answers), text.split("\n"), strict=False))
    return new | as_given(answers)


def as_given(answers: Mapping[str, str]) -> dict[str, str]:
    """What is not redacted."""
    return {key: answers[key] for key in AS_GIVEN if key in answers}


def words_as_given(answers: Mapping[str, str]) -> frozenset[str]:
    """That, and each word of it, in lower case."""
    return frozenset(
        word
        for text in as_given(answers).values()
        for word in (text.lower(), *re.findall(r"\w+|\S+", text.lower()))
    )


def _with_pseudonyms(answers: Mapping[str, str]) -> list[str]:
    return sorted(set(answers) - set(AS_GIVEN))


JUDGED = ["call", "legs", "verdict", "cause"]
FOUND = ["call", "leg", "code", "verdict", "severity"]
CHANGED = "the redacted trace does not lead to the same findings as the original"


@dataclass(frozen=True)
class Order:
    """What a ticket is to be made of.

    When it is ``redacted``, ``hidden`` are words to be replaced wherever they stand, and ``look``
    is shown what remains before anything is packed: it raises SetupError to stop.
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
    """What was packed: member and size; the questions still open; what the user should know."""

    path: Path
    members: dict[str, int]
    open: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    account: Account | None = None  # of what was redacted
    calls: pd.DataFrame = field(default_factory=CALLS.empty)  # as they are numbered in it


@dataclass(frozen=True)
class _Packed:
    """The files of the ticket, the run whose results are packed, and what there is to say of them."""

    files: Mapping[str, Path]
    run: Run
    answers: Mapping[str, str]
    changed: tuple[str, ...] = ()
    lost: tuple[Unread, ...] = ()
    redacted: Redacted | None = None
    account: Account | None = None


def ticket(order: Order, target: Path) -> Ticket:
    """Pack the ticket into ``target``.

    Raises SetupError when no capture can be read, a file cannot be packed, or something is
    left after redaction; ``target`` is then not written.
    """
    found, left_out = inputs.find(list(order.captures))
    if not found:
        reason = f": {left_out[0].path}: {left_out[0].reason}" if left_out else ""
        raise SetupError(f"no capture to make a ticket of{reason}")
    logs, refused = logfiles.find(list(order.logs))
    if refused:
        raise SetupError(f"{refused[0].path}: {refused[0].reason}")
    if strange := [path for path in order.attachments if not path.is_file()]:
        raise SetupError(f"{strange[0]}: not a regular file")
    held = [capture.path for capture in found], [log.path for log in logs], order.attachments
    with scratch.folder() as place:
        files = members(held, numbered=order.redacted)
        packed = _redacted(files, order, place) if order.redacted else _plain(files, order, place)
        unread = (*left_out, *packed.lost)
        names = {name: path.name for name, path in files.items()}
        answered = checklist.answers(packed.run.tables, names, packed.answers, order.lang)
        made = _written(_made(answered, packed.account, order.lang), place / "made")
        about = {
            "version": __version__,
            "redacted": order.redacted,
            "warnings": [*_told(unread, redacted=order.redacted), *packed.changed],
        }
        ours = {**_below(place / "results", place), **made}
        if packed.redacted:
            exempt = own_words() | words_as_given(order.answers)
            check(ours.values(), packed.redacted.originals.besides(exempt))
        sizes = pack({**packed.files, **ours}, about, target, dated=not order.redacted)
    here = (f"{inputs.readable(str(each.path))}: {each.reason}" for each in unread)
    still_open = tuple(key for key, answer in answered.items() if not answer)
    return Ticket(target, sizes, still_open, (*here, *packed.changed), packed.account, packed.run.calls)


def _told(unread: Sequence[Unread], *, redacted: bool) -> list[str]:
    """What the manifest says of files left out: names without folders; with pseudonyms only how many."""
    if redacted:
        return [f"files that were not read: {len(unread)}"] if unread else []
    return [f"{inputs.readable(each.path.name)}: {_placeless(each.reason)}" for each in unread]


def _placeless(reason: str) -> str:
    """A reason up to the path in it."""
    before, _, behind = reason.replace("\\", "/").partition("/")
    return f"{before.rstrip()} ..." if behind else reason


def _plain(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    run = _judged(linked(files, place), order, order.deployment)
    pipeline.write(placed(run, place), place / "results", csv=True)
    return _Packed(files, run, order.answers)


def _redacted(files: Mapping[str, Path], order: Order, place: Path) -> _Packed:
    """All of it with pseudonyms, and the results of a run on that: they cannot tell more."""
    staged = linked(files, place)
    run = _judged(staged, order, order.deployment)
    unread = {each.path: each.reason for each in run.unread}
    lost = tuple(Unread(path, unread[staged[name]]) for name, path in files.items() if staged[name] in unread)
    files = {name: path for name, path in files.items() if staged[name] not in unread}
    new = {name: place / "redacted" / name for name in files}
    for path in new.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    known = order.deployment or deployments.read(deployments.DEFAULT)
    told, retold = place / "answers.txt", place / "answers.redacted.txt"
    told.write_text(as_lines(order.answers), encoding="utf-8", errors="surrogateescape")
    work = Work(
        [Source(files[name], new[name]) for name in files if name.startswith("trace/")],
        {files[name]: new[name] for name in files if name.startswith("logs/")},
        products(known),
        {**{files[name]: new[name] for name in files if name.startswith("attachments/")}, told: retold},
        order.hidden,
    )
    done = redact(work, order.key)
    account = _account(done, {**{path: name for name, path in new.items()}, retold: "checklist.md"}, order)
    order.look(account)
    again = _judged(new, order, disguised(known, done.pseudonyms))
    pipeline.write(placed(again, place / "redacted"), place / "results", csv=True)
    answers = of_lines(retold.read_text(encoding="utf-8"), order.answers)
    changed = () if _same(run, again) else (CHANGED,)
    return _Packed(new, again, answers, changed, lost, done, account)


def _account(done: Redacted, names: Mapping[Path, str], order: Order) -> Account:
    unjudged = {names[path]: words for path, words in done.unjudged.items()}
    return Account(
        done.pseudonyms.tally, unjudged, tuple(as_given(order.answers).values()), done.originals.ambiguous
    )


def _judged(files: Mapping[str, Path], order: Order, deployment: Deployment | None) -> Run:
    """The run of the files; SetupError when no capture can be read."""
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
    """Whether two runs judge alike."""
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
    """What was made, as files: searched and packed like all others."""
    folder.mkdir()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return _below(folder, folder)


def _below(folder: Path, base: Path) -> dict[str, Path]:
    """The files in a folder, by their place below another; not those with which we keep order there."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    kept = (path for path in found if not path.relative_to(folder).parts[0].startswith("."))
    return {path.relative_to(base).as_posix(): path for path in kept}

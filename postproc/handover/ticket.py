"""The ticket: one zip with trace, logs, results, a checklist and a list of hashes.

With pseudonyms, the results are those of the redacted trace: what is in them
cannot tell more than the trace does.
"""

import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pandas as pd

from postproc import pipeline
from postproc.deployment import Deployment
from postproc.errors import SetupError
from postproc.handover.packing import Contents, pack
from postproc.handover.redact import Source, Work, check, products, redact
from postproc.handover.staged import linked, members, placed
from postproc.pipeline import Run
from postproc.present import checklist
from postproc.present.checklist import KEYS
from postproc.read import deployment as deployments
from postproc.read import inputs, logfiles
from postproc.read.inputs import Unread, said
from postproc.text import Lang
from postproc.version import __version__

JUDGED = ["call", "legs", "verdict", "cause"]
FOUND = ["call", "leg", "code", "verdict", "severity"]
CHANGED = "the redacted trace does not lead to the same findings as the original"


@dataclass(frozen=True)
class Order:
    """What a ticket is to be made of."""

    captures: Sequence[Path]
    logs: Sequence[Path] = ()
    attachments: Sequence[Path] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    deployment: Deployment | None = None
    lang: Lang = "en"
    redacted: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Ticket:
    """What was packed: member and size; the questions still open; what the user should know."""

    path: Path
    members: dict[str, int]
    open: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def ticket(order: Order, target: Path) -> Ticket:
    """Pack the ticket into ``target``.

    Raises SetupError when no capture can be read, a file cannot be packed, or something is
    left after redaction; ``target`` is then not written.
    """
    found, unread = inputs.find(list(order.captures))
    if not found:
        reason = f": {unread[0].path}: {unread[0].reason}" if unread else ""
        raise SetupError(f"no capture to make a ticket of{reason}")
    logs, refused = logfiles.find(list(order.logs))
    if refused:
        raise SetupError(f"{refused[0].path}: {refused[0].reason}")
    held = [capture.path for capture in found], [log.path for log in logs], order.attachments
    with tempfile.TemporaryDirectory(prefix="postproc-") as folder:
        place = Path(folder)
        files = members(held, numbered=order.redacted)
        packed, run, answers, changed, lost = _prepared(files, order, place)
        unread += lost
        names = {name: path.name for name, path in files.items()}
        answered = checklist.answers(run.tables, names, answers, order.lang)
        results = {path.relative_to(place).as_posix(): path for path in _results(place / "results")}
        about = {
            "version": __version__,
            "redacted": order.redacted,
            "warnings": [*_told(unread, redacted=order.redacted), *changed],
        }
        contents = Contents({**packed, **results}, _made(answered, order.lang))
        sizes = pack(contents, about, target, dated=not order.redacted)
    here = (f"{inputs.readable(str(each.path))}: {each.reason}" for each in unread)
    still_open = tuple(key for key, answer in answered.items() if not answer)
    return Ticket(target, sizes, still_open, (*here, *changed))


def read_answers(path: Path) -> dict[str, str]:
    """Answers from a JSON or TOML file, by the questions' keys; SetupError when it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        held = tomllib.loads(text) if path.suffix.lower() == ".toml" else orjson.loads(text)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{path}: neither JSON nor TOML: {error}") from error
    if isinstance(held, list):  # a checklist.json
        held = {each.get("key"): each.get("answer") for each in held if isinstance(each, dict)}
    if not isinstance(held, dict) or (unknown := sorted(map(str, set(held) - set(KEYS)))):
        named = f"unknown: {', '.join(unknown)}; " if isinstance(held, dict) else ""
        raise SetupError(f"{path}: {named}the answers are {', '.join(KEYS)}")
    return {key: str(value) for key, value in held.items() if value not in (None, "")}


def _told(unread: Sequence[Unread], *, redacted: bool) -> list[str]:
    """What the manifest says of files left out: names without folders; with pseudonyms only how many."""
    if redacted:
        return [f"files that were not read: {len(unread)}"] if unread else []
    return [f"{inputs.readable(each.path.name)}: {_placeless(each.reason)}" for each in unread]


def _placeless(reason: str) -> str:
    """A reason up to the path in it."""
    before, _, behind = reason.replace("\\", "/").partition("/")
    return f"{before.rstrip()} ..." if behind else reason


def _prepared(
    files: Mapping[str, Path], order: Order, place: Path
) -> tuple[Mapping[str, Path], Run, Mapping[str, str], list[str], list[Unread]]:
    """What to pack, the run whose results are packed, the answers, what to know, and files not read."""
    staged = linked(files, place)
    run = _run(staged, order)
    if run.captures.empty:
        raise SetupError(
            f"no capture could be read: {run.unread[0].reason}" if run.unread else "no capture could be read"
        )
    if not order.redacted:
        pipeline.write(placed(run, place), place / "results", csv=True)
        return files, run, order.answers, [], []
    unread = {each.path: each.reason for each in run.unread}
    lost = [Unread(path, unread[staged[name]]) for name, path in files.items() if staged[name] in unread]
    files = {name: path for name, path in files.items() if staged[name] not in unread}
    redacted = {name: place / "redacted" / name for name in files}
    for path in redacted.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    sources = [Source(path, redacted[name]) for name, path in files.items() if name.startswith("trace/")]
    texts = {path: redacted[name] for name, path in files.items() if not name.startswith("trace/")}
    known = order.deployment or deployments.read(deployments.DEFAULT)
    told = _answers(order.answers, place)
    done = redact(Work(sources, {**texts, **told}, products(known)), order.key)
    again = _run(redacted, order)
    pipeline.write(placed(again, place / "redacted"), place / "results", csv=True)
    check(_results(place / "results"), done.originals.numbered())  # prose may hold what is a name, too
    changed = [] if _same(run, again) else [CHANGED]
    return redacted, again, _retold(order.answers, told), changed, lost


def _answers(answers: Mapping[str, str], place: Path) -> dict[Path, Path]:
    """The answers as a text to be redacted, one in a line."""
    text, target = place / "answers.txt", place / "answers.redacted.txt"
    lines = (" ".join(answers[key].split()) for key in sorted(answers))
    text.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")
    return {text: target} if answers else {}


def _retold(answers: Mapping[str, str], told: Mapping[Path, Path]) -> dict[str, str]:
    """The answers after that; the customer's id stays, as the vendor must know who asks."""
    lines = [line for target in told.values() for line in target.read_text(encoding="utf-8").split("\n")]
    new = dict(zip(sorted(answers), lines, strict=False))
    return new | {key: answers[key] for key in ("customer_id",) if key in answers}


def _run(files: Mapping[str, Path], order: Order) -> Run:
    return pipeline.run(
        [path for name, path in files.items() if name.startswith("trace/")],
        fs_logs=[path for name, path in files.items() if name.startswith("logs/")],
        deployment=order.deployment, lang=order.lang,
    )  # fmt: skip


def _same(one: Run, other: Run) -> bool:
    """Whether two runs judge alike."""
    calls = one.calls[JUDGED].equals(other.calls[JUDGED])
    first, second = (run.findings[FOUND].sort_values(FOUND).reset_index(drop=True) for run in (one, other))
    return calls and pd.DataFrame(first).equals(second)


def _made(answered: Mapping[str, str | None], lang: Lang) -> dict[str, bytes]:
    document = checklist.document(answered, lang)
    return {
        "checklist.md": checklist.markdown(answered, lang).encode(errors="replace"),
        "checklist.json": orjson.dumps(document, option=orjson.OPT_INDENT_2),
    }


def _results(folder: Path) -> Iterator[Path]:
    """What the run wrote."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())

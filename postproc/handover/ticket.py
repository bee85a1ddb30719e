"""The ticket: one zip with trace, logs, results, a checklist and a list of hashes.

With pseudonyms, the results are those of the redacted trace: what is in them
cannot tell more than the trace does.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import pandas as pd

from postproc import pipeline
from postproc.deployment import Deployment
from postproc.errors import SetupError
from postproc.files import scratch
from postproc.handover.copying import replacing
from postproc.handover.export import safe_name
from postproc.handover.redact import Source, Work, check, products, redact
from postproc.pipeline import Run
from postproc.present import checklist
from postproc.present.checklist import KEYS
from postproc.read import deployment as deployments
from postproc.read import inputs, logfiles
from postproc.read.inputs import said
from postproc.text import Lang
from postproc.version import __version__

JUDGED = ["call", "legs", "verdict", "cause"]
FOUND = ["call", "leg", "code", "verdict", "severity"]
CACHE = "events"


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
    with scratch.folder() as place:
        files = {
            **_named("trace", [capture.path for capture in found], order, ".pcapng"),
            **_named("logs", [log.path for log in logs], order, ".log"),
            **_named("attachments", list(order.attachments), order, ".txt"),
        }
        warnings = [f"{inputs.readable(str(each.path))}: {each.reason}" for each in unread]
        packed, run, answers = _prepared(files, order, place, warnings)
        names = {name: path.name for name, path in files.items()}
        answered = checklist.answers(run.tables, names, answers, order.lang)
        results = {path.relative_to(place).as_posix(): path for path in _results(place / "results")}
        return _packed({**packed, **results}, answered, order, target, warnings)


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


def _named(folder: str, paths: Sequence[Path], order: Order, suffix: str) -> dict[str, Path]:
    """A member name for each file: its own, made harmless; when redacted only a number."""
    named: dict[str, Path] = {}
    for number, path in enumerate(dict.fromkeys(paths), 1):
        name = f"{number}{suffix}" if order.redacted else safe_name(path.name)
        if f"{folder}/{name}" in named:
            name = f"{number}-{name}"
        named[f"{folder}/{name}"] = path
    return named


def _prepared(
    files: Mapping[str, Path], order: Order, place: Path, warnings: list[str]
) -> tuple[dict[str, Path], Run, Mapping[str, str]]:
    """The files to pack, the run of which the results are packed, and the answers."""
    run = _run(files, order, place / ("original" if order.redacted else "results"))
    if run.captures.empty:
        raise SetupError(
            f"no capture could be read: {run.unread[0].reason}" if run.unread else "no capture could be read"
        )
    if not order.redacted:
        return dict(files), run, order.answers
    redacted = {name: place / "redacted" / name for name in files}
    for path in redacted.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    sources = [Source(path, redacted[name]) for name, path in files.items() if name.startswith("trace/")]
    texts = {path: redacted[name] for name, path in files.items() if not name.startswith("trace/")}
    known = order.deployment or deployments.read(deployments.DEFAULT)
    told = _told(order.answers, place)
    done = redact(Work(sources, {**texts, **told}, products(known)), order.key)
    again = _run(redacted, order, place / "results")
    check(_results(place / "results"), done.originals.numbered())  # prose may hold what is a name, too
    if not _same(run, again):
        warnings.append("the redacted trace does not lead to the same findings as the original")
    return redacted, again, _retold(order.answers, told)


def _told(answers: Mapping[str, str], place: Path) -> dict[Path, Path]:
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


def _run(files: Mapping[str, Path], order: Order, out: Path) -> Run:
    return pipeline.run(
        [path for name, path in files.items() if name.startswith("trace/")], out, csv=True,
        fs_logs=[path for name, path in files.items() if name.startswith("logs/")],
        deployment=order.deployment, lang=order.lang,
    )  # fmt: skip


def _same(one: Run, other: Run) -> bool:
    """Whether two runs judge alike."""
    calls = one.calls[JUDGED].equals(other.calls[JUDGED])
    first, second = (run.findings[FOUND].sort_values(FOUND).reset_index(drop=True) for run in (one, other))
    return calls and pd.DataFrame(first).equals(second)


def _packed(
    files: Mapping[str, Path],
    answered: Mapping[str, str | None],
    order: Order,
    target: Path,
    warnings: list[str],
) -> Ticket:
    hashes: dict[str, dict[str, Any]] = {}
    with replacing(target) as file, ZipFile(file, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name, path in files.items():
            hashes[name] = _add(archive, name, path)
        for name, content in _made(answered, order.lang).items():
            archive.writestr(name, content)
            hashes[name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        manifest = {"version": __version__, "redacted": order.redacted, "warnings": warnings, "files": hashes}
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    sizes = {name: each["size"] for name, each in hashes.items()}
    return Ticket(
        target, sizes, tuple(key for key, answer in answered.items() if not answer), tuple(warnings)
    )


def _made(answered: Mapping[str, str | None], lang: Lang) -> dict[str, bytes]:
    document = checklist.document(answered, lang)
    return {
        "checklist.md": checklist.markdown(answered, lang).encode(errors="replace"),
        "checklist.json": orjson.dumps(document, option=orjson.OPT_INDENT_2),
    }


def _add(archive: ZipFile, name: str, path: Path) -> dict[str, Any]:
    try:
        archive.write(path, name)
        return {"sha256": inputs.sha256(path), "size": path.stat().st_size}
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error


def _results(folder: Path) -> Iterator[Path]:
    """What the run wrote, without its cache and its lock."""
    for path in sorted(folder.rglob("*")):
        top = path.relative_to(folder).parts[0]
        if path.is_file() and top != CACHE and not top.startswith("."):
            yield path

"""A notebook about one capture: text cells, and code that loads the results and shows its calls.

Pure: summaries of the calls in, a notebook out. Untrusted names and values are repr'd in code cells and
escaped in Markdown.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from postproc.model.text import Lang
from postproc.show import notebook_texts as texts
from postproc.show.documents import code, inline
from postproc.show.notebook_texts import UNDECIDED, questions
from postproc.version import __version__

OURS = "legshark"  # key in the notebook's metadata
Cell = nbformat.NotebookNode


class Subject(NamedTuple):
    """What a notebook is about; paths as seen from the notebook's folder.

    ``name`` is what the tables call the capture, ``results`` the folder of the run
    (None: there is none), ``logs`` and ``keylog`` the FreeSWITCH logs and TLS keys it
    was given; ``call`` the one to look at, None for the worst.
    """

    name: str
    capture: PurePath
    results: PurePath | None = None
    logs: tuple[PurePath, ...] = ()
    keylog: PurePath | None = None
    lang: Lang = "en"
    call: int | None = None


class Seen(NamedTuple):
    """Summary of a call: its headline, the steps of its walk, whether several places captured it."""

    headline: str | None = None
    steps: Sequence[Mapping[str, Any]] = ()
    places: bool = False
    empty: frozenset[str] = frozenset()  # names of tables without a row of this call


def notebook(subject: Subject, calls: Sequence[Seen]) -> nbformat.NotebookNode:
    """Build the notebook; ``calls`` are the capture's: the requested one, then the worst first."""
    cells = [
        *_opening(subject, len(calls)),
        *(_body(calls, subject) if calls else _nothing(subject.lang)),
    ]
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number}"  # nbformat's are random: the same run would differ each time
    book: nbformat.NotebookNode = new_notebook(cells=cells)
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book.metadata.language_info = {"name": "python"}
    book.metadata[OURS] = {"version": __version__, "sources": sources(book)}
    return book


def sources(book: nbformat.NotebookNode) -> str:
    """Return a SHA-256 of the cells without their outputs, which shows whether somebody edited them."""
    contents = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in book.cells)
    return hashlib.sha256(contents.encode("utf-8", "surrogatepass")).hexdigest()


def _opening(subject: Subject, calls: int) -> Iterator[Cell]:
    lang = subject.lang
    intro = {0: texts.INTRO_NONE, 1: texts.INTRO_ONE}.get(calls, texts.INTRO)
    loading = texts.SETUP if subject.results else texts.SETUP_ANEW
    title = texts.TITLE.of(lang, name=code(subject.name))
    yield _text(title, intro.of(lang, calls=calls), loading.of(lang))
    yield _code(*_loading(subject))
    yield _code("run")


def _loading(subject: Subject) -> Iterator[str]:
    yield "import sys"
    yield "from pathlib import Path"
    yield ""
    yield "# A file beside the capture that is called like a module is not one."
    yield "sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path.cwd()]"
    yield ""
    yield "import pandas as pd"
    yield ""
    yield "import postproc"
    if subject.results is not None:
        yield "from postproc.model.errors import SetupError"
    yield ""
    yield f"CAPTURE = Path({_path(subject.capture)})"
    again = f"postproc.analyze(CAPTURE{_again(subject)})"
    yield 'pd.set_option("display.max_columns", 60, "display.max_colwidth", 100, "display.html.use_mathjax", False)'
    if subject.results is None:
        yield f"run = {again}"
    else:
        yield "try:"
        yield f"    run = postproc.load(Path({_path(subject.results)})).capture({subject.name!r})"
        yield "except (SetupError, KeyError):  # the results are gone, or are those of other captures"
        yield f"    run = {again}"
    yield "if run.captures.empty:"
    yield '    raise FileNotFoundError(f"{CAPTURE} cannot be read: {[each.reason for each in run.unread]}")'


def _again(subject: Subject) -> str:
    """Return the further arguments of ``analyze``, as code."""
    logs = f", fs_logs=[{', '.join(map(_path, subject.logs))}]" if subject.logs else ""
    keylog = f", keylog={_path(subject.keylog)}" if subject.keylog else ""
    return logs + keylog + (f", lang={subject.lang!r}" if subject.lang != "en" else "")


def _path(path: PurePath) -> str:
    return repr(path.as_posix())


def _nothing(lang: Lang) -> Iterator[Cell]:
    """Yield the cells for a capture without calls."""
    yield _code('run.captures[["capture", "packets", "first_time", "last_time", "interfaces", "warnings"]].T')
    yield _code('run.sip_messages.groupby(["method", "status"], dropna=False).size().rename("messages")')
    yield _code('run.stun_messages.groupby(["method", "kind"]).size().rename("messages")')
    yield _text(texts.NOTHING.of(lang))


def _body(calls: Sequence[Seen], subject: Subject) -> Iterator[Cell]:
    first, lang, number = calls[0], subject.lang, subject.call
    yield from _calls(lang, len(calls))
    title = texts.WORST.of(lang) if number is None else texts.WANTED.of(lang, call=number)
    yield _text(title, *_verdict(first, lang))
    yield from _call(lang, number, places=first.places)
    yield _text(texts.QUESTIONS.of(lang))
    for question in questions(first.steps, first.empty):
        yield _text(question.text.of(lang))
        yield _code(question.code)
    if len(calls) > 1:
        yield _text(texts.OTHERS.of(lang))
        yield _code(
            'for number in calls["call"][1:4]:',
            "    other = run.call(number)",
            "    display(other, other.ladder())",
        )


def _calls(lang: Lang, many: int) -> Iterator[Cell]:
    yield _text(texts.CALLS.of(lang))
    yield _code(
        "calls = run.worst_first()",
        'calls[["call", "start", "from_user", "to_user", "legs", "final_status", "media_ok", "verdict", "cause"]]',
    )
    if many > 1:
        yield _code("run.overview()")


def _verdict(call: Seen, lang: Lang) -> Iterator[str]:
    if call.headline:
        yield texts.RESULT.of(lang, headline=inline(call.headline))
    stopped = next((step for step in call.steps if step["state"] in UNDECIDED), None)
    if stopped:
        yield texts.STOPPED.of(lang, question=stopped["question"], said=inline(stopped["said"]))


def _call(lang: Lang, number: int | None, *, places: bool) -> Iterator[Cell]:
    """Yield the cells about one call, from legs down to single frames."""
    expression = 'calls["call"].iloc[0]' if number is None else number
    yield _code(f"call = run.call({expression})", "call")
    first, *others = SECTIONS
    for text, *cells in (first, *((OF_PLACES,) if places else ()), *others):
        yield _text(text.of(lang))
        for cell in cells:
            yield _code(cell)


OF_PLACES = (
    texts.PLACES,
    "call.places()",
    "call.route()",
    'call.passages[["leg", "kind", "direction", "from_capture", "to_capture", "sent", "arrived", "lost", "delay_ms"]]',
    'call.clocks[["capture", "place", "position", "offset_ms", "drift_ppm", "bound_ms", "matched", "certainty"]]',
)
SECTIONS = (
    (
        texts.LEGS,
        'call.legs[["leg", "role", "call_id", "uac_addr", "uas_addr", "transport", "from_user", "to_user", "uac_agent",\n'
        '           "uas_agent", "invite_time", "answer_time", "end_time", "final_status", "final_reason", "state"]].T',
    ),
    (texts.LADDER, "call.ladder()"),
    (texts.TIMES, "call.call_timeline()"),
    (
        texts.CANDIDATES,
        'call.candidates[["leg", "side", "offer_answer", "type", "addr", "port", "addr_class", "related_addr", "priority",\n'
        '                 "acl_verdict"]].drop_duplicates()',
    ),
    (
        texts.BINDINGS,
        "call.bindings_plot()",
        'call.pairs[["leg", "local_addr", "local_port", "local_type", "remote_addr", "remote_port", "remote_type", "sent",\n'
        '            "answered", "errors", "nominated", "state"]]',
    ),
    (
        texts.MEDIA,
        "call.media_plot()",
        'call.phases[["leg", "kind", "started", "ended", "opened_by", "may_send_client", "may_send_server",\n'
        '             "packets_from_client", "packets_from_server", "silence_from_client_s", "silence_from_server_s",\n'
        '             "verdict"]]',
        'call.dtls[["leg", "client_addr", "server_addr", "state", "client_hellos", "duration_ms", "alert",\n'
        '           "fingerprint_matches"]]',
        'call.rtp_streams[["leg", "direction", "src_addr", "src_port", "dst_addr", "dst_port", "codec", "packets", "lost",\n'
        '                  "jitter_ms", "max_gap_ms"]]',
    ),
    (
        texts.FINDINGS,
        'call.findings[["code", "name", "leg", "verdict", "confidence", "caused_by", "title", "detail"]]',
    ),
    (
        texts.PACKETS,
        "call.filter",
        "packets = call.packets(file=CAPTURE, limit=10) if CAPTURE.is_file() else []\n"
        'pd.DataFrame([(int(each.number), " ".join(layer.layer_name for layer in each.layers)) for each in packets],\n'
        '             columns=["frame", "layers"])',
        "last = packets[0].layers[-1] if packets else None  # the innermost layer of the first frame\n"
        "fields = {name: last.get_field_value(name) for name in last.field_names[:20]} if last else {}\n"
        'pd.Series(fields, dtype=object).to_frame("value")',
    ),
)


def _text(*paragraphs: str) -> Cell:
    cell: Cell = new_markdown_cell("\n\n".join(paragraphs))
    return cell


def _code(*lines: str) -> Cell:
    cell: Cell = new_code_cell("\n".join(lines))
    return cell

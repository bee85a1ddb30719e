"""What a run hands back: every table, the calls one by one, and where it is stored; read back from there."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from postproc.call import Call, numbers
from postproc.files import commit
from postproc.model.calls import no_such
from postproc.model.errors import SetupError
from postproc.model.tables import BY_NAME, Tables
from postproc.model.text import Lang
from postproc.read.inputs import Unread, located, readable
from postproc.show import calls, selection, store
from postproc.version import __version__

if TYPE_CHECKING:
    from postproc.show.pictures.figures import Drawing

SUMMARY, FINDINGS = "summary.json", "findings.json"
TRIES, PAUSE = 3, 0.1  # s: a run may be moving its files just when we read them
LISTED = 20  # numbers or names in a message


@dataclass(frozen=True, repr=False)
class Run:
    """What came of one run: every table as an attribute (``run.calls``), and where it is stored."""

    tables: Tables
    out: Path | None = None
    unread: tuple[Unread, ...] = ()
    unchanged: int = 0  # captures whose events were in the cache
    walks: store.Walks = field(default_factory=dict)  # by call, in the language of the run
    answers: store.Answers = field(default_factory=dict)  # what to answer of a call, in each language
    logs_beside: tuple[Path, ...] = ()  # FreeSWITCH logs in the captures' folders, when none was given
    other_logs: tuple[Unread, ...] = ()  # logs there that are not FreeSWITCH's
    version: str = __version__
    lang: Lang = "en"  # of the prose
    id: str = ""  # in every file of its results; "" if an older version wrote them

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name not in BY_NAME:
            raise AttributeError(f"a run has no {name!r}; its tables are {', '.join(BY_NAME)}")
        rows: pd.DataFrame = getattr(self.tables, name)
        return rows

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *BY_NAME]

    def __len__(self) -> int:
        """How many calls it has."""
        return len(self.calls)

    def __bool__(self) -> bool:
        return True  # a run without calls is one, too

    def __iter__(self) -> Iterator[Call]:
        """Its calls, by number."""
        return (self.call(number) for number in numbers(self.tables))

    def __repr__(self) -> str:
        return f"<Run: {len(self.calls)} calls in {len(self.captures)} captures, {len(self.unread)} not read>"

    def _repr_html_(self) -> str:
        from postproc.show import notebook_html  # noqa: PLC0415  (jinja2 is for those who look)

        unread = [(readable(str(each.path)), each.reason) for each in self.unread]
        return notebook_html.run_card(self.tables, unread, self.lang)

    def call(self, number: int) -> Call:
        """One call with its rows of every table, its pictures and packets; KeyError when there is none."""
        known = numbers(self.tables)
        if number not in known:
            raise KeyError(no_such(repr(number), known))
        return Call(int(number), self.tables, self.walks.get(int(number), ()), self.lang)

    def capture(self, name: str) -> "Run":
        """The run as far as it is about the calls seen in one capture; KeyError when there is none."""
        known = list(self.captures["capture"])
        if name not in known:
            raise KeyError(f"no capture {name!r} in this run; it has {_listed(map(repr, known))}")
        return replace(self, tables=selection.of_capture(self.tables, name))

    def with_findings(self) -> set[str]:
        """The captures with a call that is not ok, or with a finding outside calls."""
        well = self.calls.loc[self.calls["verdict"] == "ok", "call"]
        not_ok = self.timeline.loc[
            self.timeline["call"].notna() & ~self.timeline["call"].isin(well), "capture"
        ]
        beside = self.findings.loc[self.findings["call"].isna(), "capture"]
        return {*not_ok, *beside.dropna()}

    def worst_first(self) -> pd.DataFrame:
        """The calls by verdict, the worst first."""
        return calls.worst_first(self.calls, self.findings)

    @property
    def steps(self) -> pd.DataFrame:
        """Where calls stop: a row per call, the worst first; a column per step of the walk with its state."""
        ranked = self.worst_first()
        rows = {
            call: {step["step"]: step["state"] for step in self.walks.get(call, ())}
            for call in ranked["call"].tolist()
        }
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        table = pd.DataFrame.from_dict(rows, orient="index", columns=names).astype("string")
        return table.rename_axis(index="call", columns="step")

    def steps_plot(self) -> "Drawing":
        """The table ``steps`` as a picture: calls downwards, steps across."""
        from postproc.show.pictures import figures  # noqa: PLC0415  (matplotlib is for those who look)

        return figures.steps(self.walks, self.steps.index.tolist(), self.lang)

    def overview(self) -> "Drawing":
        """The calls over time, by verdict, as a figure."""
        from postproc.show.pictures import figures  # noqa: PLC0415  (matplotlib is for those who look)

        return figures.overview(self, self.lang)


def _listed(values: Iterable[str]) -> str:
    """The values with commas, none too many: ``1, 2, 3, …``."""
    held = list(values)
    return (", ".join(held[:LISTED]) or "none") + ", …" * (len(held) > LISTED)


def load(folder: Path | str) -> Run:
    """The run whose results are in a folder; SetupError when there are none, or files of several runs."""
    out = Path(folder)
    if out.is_file():
        raise SetupError(f"{out}: a file, not the folder of results that `postproc run {out}` makes")
    for _ in range(TRIES):
        run, ids = loaded(out)
        if len(ids) == 1:
            return run
        time.sleep(PAUSE)
    raise SetupError(f"{out}: the files there are not all of the same run; run again to have them from one")


def loaded(out: Path) -> tuple[Run, set[str]]:
    """What is in the folder, and the ids of the runs it is from; SetupError where that is no run."""
    results = commit.readers(out)
    try:
        tables, ids = store.read_tables(results)
        summary = results.read(SUMMARY, store.read_summary)
        unread = tuple(Unread(located(each["path"]), each["reason"]) for each in summary["unread"])
        about, walked, answered = results.read(FINDINGS, store.read_findings)
        ids |= {summary.get("run", ""), about.get("id", "")}
        lang: Lang = "de" if about.get("lang") == "de" else "en"
        version = summary["version"]
        about_run = Run(tables, out, unread, walks=walked, answers=answered, lang=lang, version=version)
        return replace(about_run, id=min(ids)), ids
    except FileNotFoundError:
        raise SetupError(f"{out}: no results here; `postproc run PATH -o {out}` makes them") from None
    except store.UNREADABLE as error:
        raise SetupError(f"{out}: damaged, or written by another version: {error}") from error

"""HTML shown in a notebook for a run and for a call, with every value escaped.

Values come from strangers: jinja2 escapes them, control and bidi characters are shown as text, and MathJax is
disabled. Colors work on light and dark backgrounds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from postproc.model.described import Described, of_table
from postproc.model.loading import load
from postproc.model.messages import in_language
from postproc.model.rows import PhaseRow
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    CALL,
    CALL_NUMBER,
    CALLS,
    CALLS_IN_CAPTURES,
    FRAMES,
    FROM,
    LEGS,
    NOT_READ,
    RESULT,
    SIP,
    START,
    STATES,
    TO,
    VERDICT,
    VERDICTS,
    counted,
    word,
)
from postproc.show import phases
from postproc.show.answers import frame_list, sections
from postproc.show.colors import PAPER
from postproc.show.terminal import clean

MOST = 100  # calls listed; a choice that keeps the cell readable: run.calls has all
BADGES = {
    "fault": "#b3261e",
    "failed": "#b3261e",
    "suspect": "#8a5a00",
    "cannot_tell": "#8a5a00",
    "ok": "#2c7a2c",
    "passed": "#2c7a2c",
}
GREY = "#5f6368"
HEADINGS = (CALL, START, FROM, TO, LEGS, SIP, VERDICT, RESULT)
MORE = Text("… and {more} more: run.calls", "… und {more} weitere: run.calls")

PAGE = """<div class="tex2jax_ignore mathjax_ignore" style="text-align:left">
{% block body %}{% endblock %}
</div>"""
RUN = """{% extends "page" %}{% block body %}
<p><b>{{ counted }}</b></p>
{% if calls %}
<table>
<thead><tr>{% for each in headings %}<th style="{{ left }}">{{ each }}</th>{% endfor %}</tr></thead><tbody>
{% for call in calls %}
<tr><td>{{ call.call }}</td><td>{{ call.start }}</td>
<td style="{{ left }}">{{ call.from_user | clean }}</td><td style="{{ left }}">{{ call.to_user | clean }}</td>
<td>{{ call.legs }}</td><td>{{ call.final_status | clean }}</td>
<td>{{ badge(call.verdict, call.word) }}</td><td style="{{ left }}">{{ call.headline | clean }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% if more %}<p>{{ more }}</p>{% endif %}
{% for path, reason in unread %}
<p>{{ unread_word }}: <code>{{ path | clean }}</code> ({{ reason | clean }})</p>
{% endfor %}
{% endblock %}"""
ONE = """{% extends "page" %}{% block body %}
<p><b>{{ title }}</b> {{ parties | clean }} {{ badge(verdict, word) }}<br>{{ headline | clean }}</p>
{% if steps %}
<table><tbody>
{% for step in steps %}
<tr><td>{{ badge(step.state, step.word) }}</td><td style="{{ left }}">{{ step.question }}</td>
<td style="{{ left }}">{{ step.said | clean }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% if phases %}<p>{{ packets_per_phase }}</p><ul>
{% for line in phases %}<li>{{ line | clean }}</li>{% endfor %}
</ul>{% endif %}
{% for each in findings %}{% set found = each.finding %}
<details{% if loop.first %} open{% endif %}>
<summary>{{ badge(found.verdict, each.word) }} {{ found.code }} {{ found.title | clean }}</summary>
<p>{{ found.detail | clean }}</p>
{% if each.frames %}<p>{{ frames }} {{ each.frames }}
(<code>{{ found.capture | clean }}</code>)</p>{% endif %}
{% for heading, lines in each.advice %}
<p>{{ heading }}:</p><ul>
{% for line in lines %}<li>{{ line | clean }}</li>{% endfor %}
</ul>
{% endfor %}
</details>
{% endfor %}
{% endblock %}"""
TEMPLATES = {"page": PAGE, "run": RUN, "call": ONE}


def run_card(tables: Tables, unread: Sequence[tuple[str, str]], lang: Lang) -> str:
    """Return the calls of a run as a table, and the files that could not be read."""
    total = len(tables.calls)
    return _page(
        "run",
        counted=counted(CALLS_IN_CAPTURES, len(tables.captures), lang, calls=counted(CALLS, total, lang)),
        headings=[heading.of(lang) for heading in HEADINGS],
        calls=[_row(row, lang) for row in _plain(tables.calls.head(MOST))],
        more=MORE.of(lang, more=total - MOST) if total > MOST else "",
        unread=[(path, in_language(reason, lang)) for path, reason in unread],
        unread_word=NOT_READ.of(lang),
    )


def call_card(tables: Tables, call: int, steps: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    """Return headline, walk, media phases and findings of one call, with causes and remedies."""
    (row,) = (_row(row, lang) for row in _plain(tables.calls[tables.calls["call"] == call].head(1)))
    findings = of_table(tables.findings[tables.findings["call"] == call])
    return _page(
        "call",
        title=CALL_NUMBER.of(lang, call=call),
        parties=f"{row['from_user'] or '–'} → {row['to_user'] or '–'}",
        verdict=row["verdict"],
        word=row["word"],
        headline=row["headline"] or "",
        steps=[{**step, "word": STATES[step["state"]].of(lang)} for step in steps],
        packets_per_phase=phases.HEADING.of(lang),
        phases=[line for line, _ in phases.lines(_phases(tables, call), lang)],
        findings=[_finding(finding, lang) for finding in findings],
        frames=FRAMES.of(lang),
    )


def _phases(tables: Tables, call: int) -> list[PhaseRow]:
    return load(PhaseRow, tables.phases[tables.phases["call"] == call])


def _row(row: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    start = f"{row['start']:%Y-%m-%d %H:%M:%S}" if row["start"] is not None else None
    return {**row, "word": word(VERDICTS, row["verdict"], lang), "start": start}


def _finding(finding: Described, lang: Lang) -> dict[str, Any]:
    return {
        "finding": finding,
        "word": word(VERDICTS, finding.verdict, lang),
        "frames": frame_list(finding.frames),
        "advice": [(title.of(lang), lines) for title, lines in sections(finding)],
    }


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts, with None for NA."""
    values = rows.astype(object).where(rows.notna(), None)
    return [dict(zip(values.columns, row, strict=True)) for row in values.itertuples(index=False, name=None)]


def _badge(state: str | None, word: str | None) -> Markup:
    style = f"background:{BADGES.get(state or '', GREY)};color:{PAPER};border-radius:3px;padding:0 .4em"
    return Markup('<span style="{};white-space:nowrap">{}</span>').format(style, word) if state else Markup()


def _clean(value: object) -> str:
    return "–" if value is None else clean(str(value))


def _page(name: str, **values: Any) -> str:  # noqa: ANN401
    environment = Environment(autoescape=True, loader=DictLoader(TEMPLATES), trim_blocks=True)
    environment.filters["clean"] = _clean
    environment.globals |= {"badge": _badge, "left": "text-align:left"}
    return environment.get_template(name).render(**values)

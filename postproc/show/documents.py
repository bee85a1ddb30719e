"""Generated documentation: tables and rules as lines, Markdown and JSON.

Untrusted values inside Markdown are escaped to plain text: CommonMark takes an entity for the character
itself, never for markup (section 2.5), and MathJax ignores ``<code>``. So no value becomes a link, an image,
HTML or a formula.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import wrap

import orjson
import pandas as pd

from postproc.model.findings import STAGES, VERDICTS, Advice, Rule, Stage
from postproc.model.messages import REFERENCES, in_language
from postproc.model.tables import Table
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import CHECKS, DTLS, PICTURES, REMEDIES, SIP, SOURCES, capital
from postproc.show.terminal import clean

MARKUP = re.compile(r"[^\w\s.:,;()%→–…-]|_|[.:](?=\S)")  # ". " and ": " are prose
FORMULA = frozenset("$\\")  # delimiters of MathJax


def inline(text: str) -> str:
    """Return the text escaped for a line of prose."""
    return MARKUP.sub(_entity, clean(text))


def code(text: str) -> str:
    """Return the text escaped and in ``<code>``."""
    return f"<code>{MARKUP.sub(lambda match: f'&#{ord(match.group())};', clean(text))}</code>"


def _entity(match: re.Match[str]) -> str:
    char = match.group()
    entity = f"&#{ord(char)};"
    return f"<code>{entity}</code>" if char in FORMULA else entity


def tables_as_text(tables: Iterable[Table], width: int | None) -> str:
    """Return name, meaning and columns of each table; ``width`` None breaks no line."""
    return "\n\n".join(_table_lines(table, width) for table in tables)


def tables_as_names(tables: Iterable[Table], width: int | None) -> str:
    """Return one line per table: its name and what a row is."""
    listed = list(tables)
    indent = max(len(table.name) for table in listed) + 2
    return "\n".join(_hanging(table.name.ljust(indent), table.doc, width) for table in listed)


def tables_as_json(tables: Iterable[Table]) -> str:
    """Return {table: {doc, columns: [{name, dtype, doc}]}}."""
    schema = {
        table.name: {
            "doc": table.doc,
            "columns": [{"name": c.name, "dtype": c.dtype, "doc": c.doc} for c in table.columns],
        }
        for table in tables
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()


def tables_as_markdown(tables: Iterable[Table]) -> str:
    """Return a page with a heading and a table of columns for each table."""
    parts = ["# Tables", "", "Written by `postproc tables --markdown`.", ""]
    for table in tables:
        parts += [f"## {table.name}", "", table.doc, "", "| column | type | meaning |", "| --- | --- | --- |"]
        parts += [f"| {c.name} | {c.dtype} | {_escaped(c.doc)} |" for c in table.columns]
        parts.append("")
    return "\n".join(parts).rstrip()


def _table_lines(table: Table, width: int | None) -> str:
    names = max(len(column.name) for column in table.columns) + 2
    types = max(len(column.dtype) for column in table.columns) + 2
    rows = [
        _hanging(f"  {column.name.ljust(names)}{column.dtype.ljust(types)}", column.doc, width)
        for column in table.columns
    ]
    return "\n".join([_hanging(f"{table.name}: ", table.doc, width), *rows])


def _hanging(head: str, text: str, width: int | None) -> str:
    if width is None:
        return head + text
    return textwrap.fill(head + text, max(width, len(head) + 20), subsequent_indent=" " * len(head))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


HEAD = """# Rules

Every known error picture that a run looks for, in the order of the chain: of several breaks the
earliest is the cause. `postproc explain NAME` tells causes, remedies, references and known problems.
[RULES-MATRIX.md](RULES-MATRIX.md) says which of them fires on which capture.
"""
STAGE: Mapping[str, str] = {
    "capture": "The capture",
    "way_in": "The way in: ports, TLS, HTTP",
    "sip": "SIP",
    "sdp": "SDP: candidates and codecs",
    "stun": "STUN and ICE: bindings",
    "nat": "NAT",
    "dtls": "DTLS",
    "media": "Media",
}
MATRIX = """# Rules and captures

Which rule fires on which capture when all are judged in one run with the logs that lie beside them, and
what it says of it: **F** fault, **S** suspect, **?** cannot tell, n note.
"""
MARKS: Mapping[str, str] = {"fault": "**F**", "suspect": "**S**", "cannot_tell": "**?**", "note": "n"}


def rules_page(rules: Sequence[Rule]) -> str:
    """Return docs/RULES.md: every rule with its claim, stage by stage."""
    return "\n".join([HEAD, *(_stage(stage, rules) for stage in STAGES)])


def _stage(stage: str, rules: Sequence[Rule]) -> str:
    rows = [
        (
            rule.code,
            f"`{rule.name}`",
            rule.summary.en,
            rule.claim.en,
            ", ".join(f"`{cause.name}`" for cause in rule.causes_among(rules)),
        )
        for rule in rules
        if rule.stage == stage
    ]
    return f"## {STAGE[stage]}\n\n{_table(('code', 'name', 'picture', 'claim', 'may follow from'), rows)}"


def rules_matrix(rules: Iterable[Rule], findings: pd.DataFrame, captures: Iterable[str]) -> str:
    """Return docs/RULES-MATRIX.md, of the table ``findings``: which rule fires on which capture."""
    names = sorted(captures)
    verdicts = _worst(findings)
    shown = [name for name in names if any(capture == name for _, capture in verdicts)]
    columns = [str(number) for number in range(1, len(shown) + 1)]
    rows = [
        (
            f"`{rule.name}`",
            *(MARKS[verdicts[rule.name, name]] if (rule.name, name) in verdicts else "" for name in shown),
        )
        for rule in rules
    ]
    legend = [f"{number}. {_file_name(name)}" for number, name in zip(columns, shown, strict=True)]
    silent = [f"- {_file_name(name)}" for name in names if name not in shown]
    parts = [MATRIX, *legend, "", _table(("rule", *columns), rows)]
    if silent:
        parts += ["Silent are all of them on:", "", *silent, ""]
    return "\n".join(parts)


def _file_name(capture: str) -> str:
    """Return a file's name as Markdown code, escaped where it has characters that could be markup."""
    return f"`{capture}`" if re.fullmatch(r"[\w./+-]+", capture) else code(capture)


def _worst(findings: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return (rule, capture) -> the worst verdict."""
    worst: dict[tuple[str, str], str] = {}
    for name, capture, verdict in zip(
        findings["name"], findings["capture"], findings["verdict"], strict=True
    ):
        earlier = worst.get((name, capture), verdict)
        worst[name, capture] = min(earlier, verdict, key=VERDICTS.index)
    return worst


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


PLACEHOLDER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
CLAIM = Text("What it says", "Was sie sagt")
CAUSES = Text("What brings it about", "Wodurch es entsteht")
FOLLOWS = Text("May follow from", "Kann folgen aus")
KNOWN = Text("Known problems", "Bekannte Grenzen")


RULE_STAGES: Mapping[Stage, Text] = {
    "capture": Text("The capture", "Der Mitschnitt"),
    "way_in": Text("The way in", "Der Zugang"),
    "sip": SIP,
    "sdp": Text("Candidates and codecs", "Kandidaten und Codecs"),
    "stun": capital(CHECKS),
    "nat": Text("NAT", "NAT"),
    "dtls": DTLS,
    "media": capital(PICTURES["media"]),
}


def rule_list(rules: Iterable[Rule], lang: Lang, words: Sequence[str] = ()) -> list[str]:
    """Return ``CODE  name  what it is`` for each rule, under the stage of the chain that it belongs to.

    With ``words``, only rules whose line or stage contains all of them, ignoring case.
    """
    listed = list(rules)
    width = max((len(rule.name) for rule in listed), default=0)
    lines: list[str] = []
    for stage, of_stage in groupby(listed, key=lambda rule: rule.stage):
        title = RULE_STAGES[stage].of(lang)
        descriptions = [f"  {rule.code:8} {rule.name:{width}}  {rule.summary.of(lang)}" for rule in of_stage]
        matches = [
            line for line in descriptions if all(word.lower() in f"{title} {line}".lower() for word in words)
        ]
        lines += [f"{title}:", *matches] if matches else []
    return lines


def rule_explained(rule: Rule, rules: Iterable[Rule], lang: Lang, width: int | None) -> list[str]:
    """Return everything documented about a rule among all ``rules``, folded to ``width``; None: unbroken."""
    lines = [f"{rule.code} {rule.name}: {rule.summary.of(lang)}"]
    lines += _section(CLAIM.of(lang), [rule.claim.of(lang)], width)
    lines += _section(CAUSES.of(lang), _advice(rule.causes, lang), width)
    lines += _section(capital(REMEDIES).of(lang), _advice(rule.remedies, lang), width)
    follows = ", ".join(cause.name for cause in rule.causes_among(rules))
    lines += _section(FOLLOWS.of(lang), [follows] if follows else [], width)
    lines += _section(KNOWN.of(lang), [rule.known_problems.of(lang)], width)
    sources = [in_language(reference, lang, REFERENCES) for reference in rule.references]
    return lines + _section(capital(SOURCES).of(lang), sources, width)


def _advice(advice: Iterable[Advice], lang: Lang) -> list[str]:
    """Return each text with the product it is limited to; placeholders of facts are shown as ``<name>``."""
    return [
        PLACEHOLDER.sub(r"<\1>", entry.text.of(lang)) + (f" [{entry.product}]" if entry.product else "")
        for entry in advice
    ]


def _section(title: str, items: Sequence[str], width: int | None) -> list[str]:
    if not items:
        return []
    mark = "- " if len(items) > 1 else ""
    lines = ["", f"{title}:"]
    for item in items:
        text = f"  {mark}{item}"
        lines += wrap(text, max(width, 40), subsequent_indent=" " * (2 + len(mark))) if width else [text]
    return lines

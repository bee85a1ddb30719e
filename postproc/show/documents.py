"""What the program documents of itself: its tables and its rules, as lines, Markdown and JSON.

Values of strangers inside Markdown are text, whatever they try to be: CommonMark takes an entity for the
character itself, never for markup (section 2.5), and MathJax leaves ``<code>`` alone; so nothing in a
value becomes a link, a picture, HTML or a formula.
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
FORMULA = frozenset("$\\")  # what MathJax looks for


def inline(text: str) -> str:
    """The text within a line of prose."""
    return MARKUP.sub(_entity, clean(text))


def code(text: str) -> str:
    """The text in a type for names: ``<code>``."""
    return f"<code>{MARKUP.sub(lambda found: f'&#{ord(found.group())};', clean(text))}</code>"


def _entity(found: re.Match[str]) -> str:
    char = found.group()
    written = f"&#{ord(char)};"
    return f"<code>{written}</code>" if char in FORMULA else written


def tables_as_text(tables: Iterable[Table], width: int | None) -> str:
    """Name, meaning and columns of each table; ``width`` None breaks no line."""
    return "\n\n".join(_table_lines(table, width) for table in tables)


def tables_as_names(tables: Iterable[Table], width: int | None) -> str:
    """One line per table: its name and what a row is."""
    held = list(tables)
    indent = max(len(table.name) for table in held) + 2
    return "\n".join(_hanging(table.name.ljust(indent), table.doc, width) for table in held)


def tables_as_json(tables: Iterable[Table]) -> str:
    """{table: {doc, columns: [{name, dtype, doc}]}}."""
    schema = {
        table.name: {
            "doc": table.doc,
            "columns": [{"name": c.name, "dtype": c.dtype, "doc": c.doc} for c in table.columns],
        }
        for table in tables
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()


def tables_as_markdown(tables: Iterable[Table]) -> str:
    """A page: a heading and a table of columns for each."""
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
    """docs/RULES.md: every rule with its claim, stage by stage."""
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
    """docs/RULES-MATRIX.md: which rule fires on which capture; ``findings`` is the table of that name."""
    names = sorted(captures)
    told = _worst(findings)
    shown = [name for name in names if any(capture == name for _, capture in told)]
    columns = [str(number) for number in range(1, len(shown) + 1)]
    rows = [
        (
            f"`{rule.name}`",
            *(MARKS[told[rule.name, name]] if (rule.name, name) in told else "" for name in shown),
        )
        for rule in rules
    ]
    legend = [f"{number}. {_named(name)}" for number, name in zip(columns, shown, strict=True)]
    silent = [f"- {_named(name)}" for name in names if name not in shown]
    parts = [MATRIX, *legend, "", _table(("rule", *columns), rows)]
    if silent:
        parts += ["Silent are all of them on:", "", *silent, ""]
    return "\n".join(parts)


def _named(capture: str) -> str:
    """A file's name: as it is where nothing in it could be Markdown."""
    return f"`{capture}`" if re.fullmatch(r"[\w./+-]+", capture) else code(capture)


def _worst(findings: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Rule and capture -> the worst verdict."""
    found: dict[tuple[str, str], str] = {}
    for name, capture, verdict in zip(
        findings["name"], findings["capture"], findings["verdict"], strict=True
    ):
        held = found.get((name, capture), verdict)
        found[name, capture] = min(held, verdict, key=VERDICTS.index)
    return found


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
    """``CODE  name  what it is`` for each rule, under the stage of the chain that it belongs to.

    ``words``: rules only in whose line, or stage, each of them is.
    """
    held = list(rules)
    width = max((len(rule.name) for rule in held), default=0)
    lines: list[str] = []
    for stage, some in groupby(held, key=lambda rule: rule.stage):
        title = RULE_STAGES[stage].of(lang)
        told = [f"  {rule.code:8} {rule.name:{width}}  {rule.summary.of(lang)}" for rule in some]
        kept = [line for line in told if all(word.lower() in f"{title} {line}".lower() for word in words)]
        lines += [f"{title}:", *kept] if kept else []
    return lines


def rule_explained(rule: Rule, rules: Iterable[Rule], lang: Lang, width: int | None) -> list[str]:
    """All that is known of a rule among all ``rules``, in lines of a width; None: unbroken."""
    lines = [f"{rule.code} {rule.name}: {rule.summary.of(lang)}"]
    lines += _section(CLAIM.of(lang), [rule.claim.of(lang)], width)
    lines += _section(CAUSES.of(lang), _advice(rule.causes, lang), width)
    lines += _section(capital(REMEDIES).of(lang), _advice(rule.remedies, lang), width)
    follows = ", ".join(cause.name for cause in rule.causes_among(rules))
    lines += _section(FOLLOWS.of(lang), [follows] if follows else [], width)
    lines += _section(KNOWN.of(lang), [rule.known_problems.of(lang)], width)
    sources = [in_language(each, lang, REFERENCES) for each in rule.references]
    return lines + _section(capital(SOURCES).of(lang), sources, width)


def _advice(held: Iterable[Advice], lang: Lang) -> list[str]:
    """Each with the product it is meant for; what a finding would fill in is shown by its name."""
    return [
        PLACEHOLDER.sub(r"<\1>", each.text.of(lang)) + (f" [{each.product}]" if each.product else "")
        for each in held
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

"""The report as one HTML file that needs nothing else: no network, no other file.

Templates escape everything but the SVG that ``present.pictures`` made. The
content security policy allows this page's own script and style, known by their
hashes, no text to become markup or code (Trusted Types), and no request at all.
"""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from postproc.files.private import replace_file
from postproc.show import colors
from postproc.show.report.model import Report
from postproc.show.report.words import page

FOLDER = Path(__file__).parent
NAME = "report.html"
POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
LEGS = {"leg1": colors.LEG_1, "leg2": colors.LEG_2, "legs": colors.FURTHER_LEG}


def html(report: Report) -> str:
    """The whole page."""
    script, style = _read("page.js"), _leg_style() + _read("page.css")  # our own files
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        t=SimpleNamespace(**page(report.lang)),
        policy=POLICY.format(script=_hash(script), style=_hash(style)),
        style=Markup(style),
        script=Markup(script),
    )


def write(report: Report, path: Path) -> None:
    """Write the page; OSError if it cannot be."""
    save(html(report), path)


def save(text: str, path: Path) -> None:
    """Write a page that was made; OSError if it cannot be."""
    replace_file(path, lambda place: place.write_bytes(text.encode("utf-8", "replace")))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn: Callable[[str], Markup] = Markup
    environment.filters["drawn"] = drawn  # SVG elements, escaped where they are made
    return environment


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content security policy names a script or a style (CSP level 3, section 2.3.1)."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _leg_style() -> str:
    """The colours of the legs, those of Wireshark's profile."""
    rules = (f"--{name}:{color.fill};--{name}-text:{color.text}" for name, color in LEGS.items())
    return f":root{{{';'.join(rules)}}}\n"

"""German runs are entirely German: help, usage errors, errors, warnings, progress, results, report."""

import ast
import html
import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import postproc
from postproc.cli import cli
from postproc.commands.german import OPTIONS
from postproc.commands.language import asked_for
from postproc.model.messages import MESSAGES, in_language
from postproc.model.text import Text
from tests.conftest import PCAPS

SOURCES = Path(postproc.__file__).parent
AGAIN = "cases/opensips_missing_ack_32s.pcapng"  # retransmissions have texts of their own in pictures
# Words of English sentences that German does not have.
ENGLISH = re.compile(
    r"(?<![\w-])(?:the|and|of|not|is|are|were|with|from|cannot|this|it|to|for|by|which|has|have|been|there|that|only|"
    r"what|failed|missing|found|written|read|calls?|media|packets|file|folder|again|sent|times|answered|unanswered|"
    r"resumes|mapped|refused|seen)(?![\w-])"
)
CODE = re.compile(
    r"`[^`]*`|\"[^\"]*\"|'[^']*'|<[^>]*>|\{[^}]*\}|\[[^]]*\]|\S*[/=_.]\S+|--?[a-z][\w-]*|"
    r"\b(?:postproc |wireshark |tcpdump: |Wireshark: ).*"
)


def english(text: str) -> list[str]:
    """Return the lines with an English word outside code, paths, options and placeholders."""
    lines = [CODE.sub(" ", line) for line in text.splitlines()]
    return [line for line in lines if ENGLISH.search(line)]


# The errors, reasons and warnings in the sources.

RAISED = re.compile(
    r"(?:Setup|Capture|Schema|TooMuch|Mapping|Usage)Error|NotWalkable|Unread|BadParameter|Check"
)
OF_OTHERS = "X"  # stands for what a message quotes


def message_of(node: ast.expr, names: dict[str, str]) -> str | None:
    """Return the message that an expression makes, with X for inserted values; None if it makes none."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name in names:
            return re.sub(r"\{[^}]*\}", OF_OTHERS, names[name])
        case ast.JoinedStr(values=values):
            return "".join(message_of(each, names) or OF_OTHERS for each in values)
        case ast.FormattedValue(value=ast.Name(id=name)) if name in names:
            return names[name]
        case (
            ast.Call(func=ast.Attribute(value=inner, attr="format"))
            | ast.Call(args=[ast.JoinedStr() as inner])
        ):
            return message_of(inner, names)
    return None


# Messages whose parts are made elsewhere; a test below has their complete texts.
COMPOSED = {
    "--metrics X: X",
    "X: Xthe answers are X",
    "no capture to make a ticket ofX",
    "X: X left after redaction; nothing was written",
    "X: X is writing its results there; wait for it, or name another with -o",
    "no rule XX",
}


def messages() -> dict[str, str]:
    """Return each message in the sources, with its position."""
    found: dict[str, str] = {}
    for path in SOURCES.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {
            each.targets[0].id: each.value.value
            for each in tree.body
            if isinstance(each, ast.Assign)
            and isinstance(each.targets[0], ast.Name)
            and isinstance(each.value, ast.Constant)
            and isinstance(each.value.value, str)
        }
        for node in ast.walk(tree):
            name = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", ""))
            warned = name == "append" and "warnings" in ast.unparse(node.func)
            if warned or (name and RAISED.fullmatch(name)):
                which = {"Unread": node.args[1:2], "Check": node.args[2:]}.get(name, node.args[:1])
                for text in (message_of(each, names) for each in which):
                    if text and re.search(r"[a-z]{3}", text.replace(OF_OTHERS, "")):
                        found.setdefault(text, f"{path.relative_to(SOURCES)}:{node.lineno}")
    return found


def test_every_message_in_the_sources_has_its_german():
    found = messages()
    assert len(found) > 100
    assert found.keys() >= COMPOSED
    found = {text: place for text, place in found.items() if text not in COMPOSED}
    assert {text: place for text, place in found.items() if in_language(text, "de") == text} == {}


def test_what_a_message_holds_is_told_too_and_what_others_say_stays():
    assert in_language("x.pcap: empty file", "de") == "x.pcap: leere Datei"
    assert (
        in_language("d.toml: not TOML: nested too deeply", "de") == "d.toml: kein TOML: zu tief geschachtelt"
    )
    assert (
        in_language("tshark failed (2): The file is odd", "de")
        == "tshark ist gescheitert (2): The file is odd"
    )
    assert in_language("of: nobody: knows", "de") == "of: nobody: knows"
    assert in_language("x.pcap: empty file", "en") == "x.pcap: empty file"
    assert in_language("a: " * 5000, "de") == "a: " * 5000


def test_composed_messages_are_told():
    for message in (
        "--metrics 90: permission denied",
        "a.json: the answers are x, y",
        "a.json: unknown: z; the answers are x, y",
        "no capture to make a ticket of: x: no such file or folder",
        "x: an original value is left after redaction; nothing was written",
        "x: 3 original values are left after redaction; nothing was written",
        "x: another run (process 3 on h) is writing its results there; wait for it, or name another with -o",
        "no rule 'a'; did you mean b?",
    ):
        assert english(in_language(message, "de")) == [], message


@pytest.mark.parametrize("text", MESSAGES, ids=lambda text: text.en[:40])
def test_both_languages_of_a_message_name_the_same_facts(text: Text):
    assert set(re.findall(r"\{(\w+)\}", text.en)) == set(re.findall(r"\{(\w+)\}", text.de))


def test_no_message_stands_twice():
    alike = [re.sub(r"\{[^}]*\}", OF_OTHERS, each.en) for each in MESSAGES]
    assert sorted({each for each in alike if alike.count(each) > 1}) == []


def test_the_words_of_the_system_are_told():
    for number in (1, 2, 5, 13, 17, 20, 21, 22, 24, 28, 30, 36, 39, 40):
        words = os.strerror(number)
        assert in_language(words[0].lower() + words[1:], "de") != words[0].lower() + words[1:], words


# Help, and click's messages.


def commands(command: click.Command, *path: str) -> list[tuple[str, ...]]:
    below = command.commands.items() if isinstance(command, click.Group) else ()
    return [path, *(each for name, inner in below for each in commands(inner, *path, name))]


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_help_is_german(path):
    told = CliRunner().invoke(cli, [*path, "-h", "--lang", "de"], terminal_width=100, prog_name="postproc")
    assert told.exit_code == 0
    listed = "\n".join(f"  {name} " for name in getattr(subcommand(path), "commands", ()))
    assert english(re.sub(rf"^(?:{listed.replace(chr(10), '|') or '#'})", "", told.output, flags=re.M)) == []
    assert CliRunner(env={"LC_ALL": "de_AT.UTF-8"}).invoke(cli, [*path, "-h"], prog_name="postproc").output
    again = CliRunner().invoke(cli, [*path, "-h", "--lang", "en"], prog_name="postproc").output
    assert again.startswith("Usage: ")


@pytest.mark.parametrize("lang", ["de", "en"])
def test_no_line_of_the_list_of_commands_is_cut_off_in_80_columns(lang):
    told = CliRunner().invoke(cli, ["-h", "--lang", lang], terminal_width=80, prog_name="postproc").output
    listed = told.splitlines()[-len(cli.commands) :]
    assert [line for line in listed if line.endswith("...") or line.split()[0] not in cli.commands] == []


def test_no_german_is_left_of_options_that_are_gone():
    every = {getattr(each, "help", None) for path in commands(cli) for each in subcommand(path).params}
    assert set(OPTIONS) - every == {"Show this message and exit."}


def subcommand(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["rn"], "Den Befehl 'rn' gibt es nicht."),
        (["run"], "Das Argument 'PFAD...' fehlt."),
        (["run", "x", "--nix"], "Die Option '--nix' gibt es nicht."),
        (["run", "x", "-o"], "Die Option '-o' braucht einen Wert."),
        (["run", "x", "-j", "0"], "Ungültiger Wert für '-j' / '--jobs': 0 liegt nicht im Bereich x>=1."),
        (["run", "x", "-j", "y"], "Ungültiger Wert für '-j' / '--jobs': 'y' ist keine ganze Zahl."),
        (["run", "x", "--csv=1"], "Die Option '--csv' nimmt keinen Wert."),
        (["run", "x", "--keylog", "nix"], "Ungültiger Wert für '--keylog': Datei 'nix' gibt es nicht."),
        (["run", "x", "--fail-on", "y"], "'y' ist nicht eins von 'error', 'warning', 'note'."),
        (["export", "x"], "Die Option '--call' fehlt."),
        (["explain", "a", "b"], "Ein Argument zu viel (b)"),
        (["acl", "check", "x"], "nichts zu prüfen: --addr oder --capture angeben"),
        (["watch"], "entweder einen ORDNER oder Schnittstellen (-i) angeben"),
        (["explain", "nix"], "keine Regel 'nix'"),
        (["report", "nix"], "hier sind keine Ergebnisse"),
    ],
)
def test_mistakes_on_the_command_line_are_told_in_german(args, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = CliRunner(env={"LC_ALL": "de_DE.UTF-8"}).invoke(cli, args, prog_name="postproc")
    assert done.exit_code == 2
    assert says in done.output
    assert english(done.output) == []


def test_the_language_is_known_before_the_command_line_is_understood(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert asked_for(["run", "--lang", "de"]) == asked_for(["--lang=de", "run"]) == "de"
    assert asked_for(["run", "--", "--lang", "de"]) == asked_for(["run", "--lang"]) == asked_for([]) == "en"


# Real runs.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A German run, with piped output, over captures with warnings, a file that is no capture, and logs."""
    out = tmp_path_factory.mktemp("german")
    (out / "broken.pcap").write_bytes(b"no capture")
    (out / "cut.pcapng").write_bytes((PCAPS / "good.pcapng").read_bytes()[:-7])
    names = ["two_calls.pcapng", "only_private.pcapng", "acl_488.pcapng", "dtls_fail.pcapng", AGAIN]
    args = ["run", *(str(PCAPS / each) for each in names), str(out), "-o", str(out / "results"), "-v"]
    log = ["--fs-log", str(PCAPS / "codec_488.freeswitch.log")]  # of other calls: it is not quoted
    done = CliRunner().invoke(cli, [*args, *log, "--lang", "de"], prog_name="postproc")
    assert done.exit_code == 0, done.output
    return done.output, out / "results"


def test_a_run_tells_everything_in_german(run):
    output, _ = run
    assert "abgeschnitten" in output
    assert "kein Mitschnitt: Die ersten Bytes" in output
    assert english(output) == []


def test_its_report_is_german(run):
    _, out = run
    page = (out / "report.html").read_text()
    assert "(erneut)" in page
    page = re.sub(r"<(style|script|code|pre)\b.*?</\1>", " ", page.replace("<wbr>", ""), flags=re.DOTALL)
    assert english(html.unescape(re.sub(r"<[^>]*>", "\n", page))) == []


@pytest.mark.parametrize(
    "args",
    [
        ["filter", "{out}"],
        ["explain", "no-binding-success"],
        ["doctor"],
        ["wireshark", "status"],
        ["export", "{out}", "--call", "1"],
        ["export", "{out}", "--call", "99"],
        ["acl", "check", "wan.auto", "--addr", "10.1.2.3"],
    ],
    ids=lambda args: args[0],
)
def test_other_commands_tell_it_in_german(run, args, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    args = [each.format(out=run[1]) for each in args]
    done = CliRunner(env={"LC_ALL": "de_DE.UTF-8"}).invoke(cli, args, prog_name="postproc")
    assert english(done.output) == []

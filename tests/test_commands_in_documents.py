"""Every command in the documents is run on small captures, or listed as not run and its options checked."""

import contextlib
import glob
import importlib.util
import io
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner

import postproc
from postproc import dataset
from postproc.cli import cli
from tests.conftest import PCAPS

ROOT = Path(__file__).parent.parent
PAGES = (  # docs/API.md has signatures: tests/test_api.py makes them from the docstrings
    "README.md",
    "README.de.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md") if each.name != "API.md"),
)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
KINDS = {"sh", "python", "toml", "text"}
SHELL = {
    "postproc",
    "python",
    "make",
    "pip",
    "pipx",
    "dask",
    "jupyter",
    "ruff",
    "sudo",
    "tshark",
    "eval",
    "_POSTPROC_COMPLETE=fish_source",
}

# Placeholders in commands, and what replaces them.
STANDS_FOR = {
    "CAPTURE": "call.pcapng",
    "anruf.pcapng": "call.pcapng",
    "PATH...": "call.pcapng",
    "A": "server.pcapng",
    "B": "client.pcapng",
    "beide.pcapng": "both.pcapng",
    "mitschnitte/": "captures/",
    "FOLDER": "captures/",
    "OUT": "postproc-out",
    "[OUT]": "postproc-out",
    "DIR": "calls/",
    "anrufe/": "calls/",
    "N": "1",
    "17": "1",
    "FILE...": "appsettings.json",
    "LISTS": "acl.conf.xml",
    "RULE": "ICE001",
    "NAME": "ICE001",
    "[NAME]": "calls",
}
# Commands that are not run, with the reason; their options are checked.
NOT_RUN = {
    r"watch ": "captures at interfaces, or does not end by itself: tests/watch",
    r"probe ": "asks servers that are not there: tests/probe",
    r"run .*--dask": "needs a cluster: tests/fleet",
    r"notebook .*--execute": "starts a kernel: tests/commands/test_notebook.py",
    r"run good\.pcapng|run no_binding_success": "the first example: tests/test_docs.py",
    r"run \"?C:": "a path of Windows",
    r"rules --matrix": "judges all captures: tests/commands/test_rules.py",
    r"run --no-report": "a row of a table of times: bench",
}
# Programs of others.
OTHERS = {
    r"(?:pip|pipx) install '?legshark(?:\[[a-z]+\])?'?$": "needs the package index; tests/test_wheel.py",
    r"sudo ": "needs root",
    r"dask ": "a cluster: tests/fleet",
    r"jupyter execute": "tests/test_tours.py runs them",
    r"ruff check \. && ruff format \. && mypy && lint-imports$": "make test",
    r"tshark ": "not ours; with the plug-in tests/plugins runs it",
}


@dataclass(frozen=True)
class Command:
    text: str
    whole: bool  # in a block; else mentioned in a sentence, possibly without its arguments


def commands(page: str) -> Iterator[Command]:
    """Yield the shell commands of a page: lines of blocks, and code in sentences that names a program."""
    for kind, block in FENCE.findall(page):
        assert kind in KINDS, f"a block without its kind (one of {sorted(KINDS)}): {block[:60]!r}"
        if kind == "sh":
            yield from (
                Command(_without_comment(line), whole=True) for line in block.splitlines() if line.strip()
            )
    rest = FENCE.sub("", page)
    for line in rest.splitlines():
        if shown := re.match(r" {4}(\$ )?(?=(\w+) )", line):
            if shown[1] or shown[2] in SHELL:
                yield Command(_without_comment(line[shown.end() :]), whole=True)
            continue
        for text in re.findall(r"`([^`]+)`", line):
            if text.partition(" ")[0] in SHELL and " " in text:
                yield Command(_without_comment(text), whole=False)


def _without_comment(line: str) -> str:
    """Return the line without comment and redirection."""
    return re.sub(r"\s+#\s.*|\s+>\s*\S+$", "", line.strip())


def words(command: Command) -> list[str]:
    """Return the arguments of one of our commands, expanded as by the shell."""
    found = [STANDS_FOR.get(word, word) for word in shlex.split(command.text.replace("\\", "\\\\"))[1:]]
    return [path for word in found for path in (sorted(glob.glob(word)) or [word])]  # noqa: PTH207


def is_complete(args: list[str]) -> bool:
    """Return whether the command line is complete; UsageError if it has an unknown option or command."""
    context, command = click.Context(cli, info_name="postproc"), cli
    while isinstance(command, click.Group):
        if not args:
            return False
        name, found, args = command.resolve_command(context, list(args))
        assert found is not None, name
        context, command = click.Context(found, info_name=name, parent=context), found
    try:
        command.make_context(context.info_name, args, parent=context.parent).close()
    except click.MissingParameter:
        return False
    except click.BadParameter as error:
        if "does not exist" not in error.message:
            raise
    return True


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with the captures, logs, settings and results that the documents mention."""
    folder = tmp_path_factory.mktemp("prepared")
    places, log = PCAPS / "places" / "large_lost", PCAPS / "acl_488.freeswitch.log"
    for name in ("call", "pcaps/good", "captures/a", "server", "wan", "client"):
        (folder / name).parent.mkdir(exist_ok=True)
        (capture,) = places.glob(f"{name if name in ('wan', 'client') else 'server'}.pcap*")
        shutil.copy(capture, folder / f"{name}.pcapng")
    lines = [line for line in log.read_text().splitlines(keepends=True) if "STUN" in line or "INVITE" in line]
    for name in ("XCC_FS_1.log", "xcc.log"):
        (folder / name).write_text("".join(lines))
    (folder / "acl.conf.xml").write_text(
        '<configuration name="acl.conf"><network-lists><list name="wan" default="allow">'
        '<node type="deny" cidr="192.168.0.0/16"/></list></network-lists></configuration>'
    )
    (folder / "appsettings.json").write_text('{"AppSettings": {"XPhoneServerHost": "localhost"}}')
    (folder / "web.config").write_text("<configuration/>")
    (folder / "probe.json").write_text('[{"step": "tls", "verdict": "ok", "said": "x"}]')
    for name in ("conf/autoload_configs/acl.conf.xml", "conf/sip_profiles/a.xml"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(folder / "acl.conf.xml", folder / name)
    (settings,) = (
        block for kind, block in FENCE.findall((ROOT / "docs/DEPLOYMENT.md").read_text()) if kind == "toml"
    )
    (folder / "ours.toml").write_text(settings)
    with contextlib.chdir(folder):
        run = postproc.analyze("call.pcapng", out="postproc-out")
        dataset.append(Path("calls"), run, "berlin")
    return folder


@pytest.fixture(scope="module")
def passed() -> set[tuple[object, ...]]:
    """Commands that have run for another page."""
    return set()


@pytest.fixture
def here(prepared, tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "here"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


def check(command: Command) -> list[str]:
    """Return the arguments to run a command with; AssertionError if it is wrong and not listed as not run."""
    program, _, rest = command.text.partition(" ")
    if program == "make":
        assert re.search(rf"^{rest}:", (ROOT / "Makefile").read_text(), re.MULTILINE), (
            f"no such target: {rest}"
        )
    elif program == "python":
        option, name = rest.split()[:2] if rest.startswith("-m ") else ("", rest.split()[0])
        assert importlib.util.find_spec(name) if option else (ROOT / name).is_file(), name
    elif program == "postproc":
        args = words(command)
        try:
            complete = is_complete(args)
        except click.UsageError as error:
            raise AssertionError(error.format_message()) from error
        assert complete or not command.whole, "an argument is missing"
        return args if complete and not any(re.match(each, " ".join(args)) for each in NOT_RUN) else []
    elif "_POSTPROC_COMPLETE" not in command.text:
        assert any(re.match(each, command.text) for each in OTHERS), "neither run nor known why not"
    return []


def run_here(args: list[str], *, whole: bool) -> None:
    done = CliRunner().invoke(cli, args, input="q\n", prog_name="postproc")
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    if not whole and done.output.startswith("Usage: "):
        return  # mentioned without its arguments
    assert done.exit_code == 0, done.output[-1000:]
    assert "Traceback" not in done.output


def every(page: str) -> list[Command]:
    return list(dict.fromkeys(commands((ROOT / page).read_text(encoding="utf-8"))))


def failures(done: Iterable[tuple[Command, Callable[[], object]]]) -> list[str]:
    """Return the failures, each with its command."""
    found = []
    for command, work in done:
        try:
            work()
        except AssertionError as error:
            found.append(f"{command.text}: {error}")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_understood(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert failures((command, partial(check, command)) for command in every(page)) == []


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(page, passed):
    """In a separate folder per page; a command that has run for another page is not run again."""
    todo = [(command, check(command)) for command in every(page)]
    todo = [(command, args) for command, args in todo if args and (command.whole, *args) not in passed]
    assert failures((each, partial(run_here, args, whole=each.whole)) for each, args in todo) == []
    passed |= {(command.whole, *args) for command, args in todo}


def test_the_lines_for_shells_print_what_completes_words():
    texts = [each.text for page in ("README.md", "README.de.md") for each in every(page)]
    shells = {found[1] for text in texts if (found := re.search(r"_POSTPROC_COMPLETE=(\w+) postproc", text))}
    assert shells == {"bash_source", "fish_source"}
    for shell in shells | {"zsh_source"}:
        done = CliRunner().invoke(cli, [], prog_name="postproc", env={"_POSTPROC_COMPLETE": shell})
        assert (done.exit_code, "_POSTPROC_COMPLETE" in done.stdout) == (0, True)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_every_python_block_runs():
    for page in PAGES:
        for kind, block in FENCE.findall((ROOT / page).read_text(encoding="utf-8")):
            if kind == "python":
                run = postproc.load("postproc-out")
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(block, {"postproc": postproc, "pd": pd, "run": run, "call": run.call(1)})


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_every_expression_of_the_tables_about_notebooks_has_a_value():
    page = (ROOT / "docs/NOTEBOOKS.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    spans = [each for cell in cells for each in re.findall(r"`([^`]+)`", cell)]
    assert len(spans) > 15
    held = {"postproc": postproc}
    for span in (each.replace("a.pcapng", "good.pcapng").replace("call(2)", "call(1)") for each in spans):
        exec(f"it = {span.removeprefix('run = ')}", held)
        if span.startswith(("run = ", "run.call(")):
            held["run" if span.startswith("run = ") else "call"] = held["it"]


def test_examples_in_the_help_are_understood():
    def examples(command: click.Command, path: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield from examples(each, f"{path} {name}")
        yield from re.findall(
            r"^\s+(postproc .*)$", (command.help or "").partition("Example")[2], re.MULTILINE
        )

    found = [Command(_without_comment(line), whole=True) for line in examples(cli, "postproc")]
    assert len(found) > 30
    assert [each.text for each in found if not is_complete(words(each))] == []


def test_a_command_that_is_neither_run_nor_known_is_told():
    page = "```sh\npostproc run --nope\nfrobnicate x\n```\n`postproc explane x`, `make x`\n\n    $ pip list\n"
    found = list(commands(page))
    assert [each.text.partition(" ")[0] for each in found] == [
        "postproc",
        "frobnicate",
        "postproc",
        "make",
        "pip",
    ]
    for command in found:
        with pytest.raises(AssertionError):
            check(command)
    with pytest.raises(AssertionError, match="without its kind"):
        list(commands("```\npostproc run x\n```\n"))


def test_no_reason_is_left_of_commands_that_are_gone():
    texts = [each.text for page in PAGES for each in commands((ROOT / page).read_text(encoding="utf-8"))]
    ours = [text.removeprefix("postproc ") for text in texts]
    assert [each for each in NOT_RUN if not any(re.match(each, text) for text in ours)] == []
    assert [each for each in OTHERS if not any(re.match(each, text) for text in texts)] == []

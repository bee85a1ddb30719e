"""Answers to the first chart from captures, configuration files and probes, and only as far as they show it.

A step is passed by evidence of all of it. Evidence of a part (a STUN server answers, but may not be enabled in the gateway) is
shown to the person who is asked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from postproc.config.check import Checked
from postproc.model.errors import SetupError
from postproc.model.findings import State
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text, clean
from postproc.model.wayin import FIRST_CHART, StepId
from postproc.read import option_files

LARGEST = 1 << 20  # bytes of a probe's results, or of a state
MOST = 3  # sentences of a kind shown for a step
LONGEST = 300  # characters of each
MEDIA_FLOWED = Text("call {call}: media both ways", "Anruf {call}: Medien in beiden Richtungen")
CALLS_CAME = Text("call {call} was let in", "Anruf {call} wurde angenommen")
PUT = Text("{place}: put {put}", "{place}: {put} eintragen")

# The step that a key of a configuration file concerns; other keys affect no step.
KEYS: tuple[tuple[re.Pattern[str], StepId], ...] = (
    (re.compile(r"AppSettings:SignalRLongPol.*", re.IGNORECASE), "test_hub"),
    (re.compile(r"AppSettings:.*|XPhoneServer.*|Jwt.*|Refresh.*", re.IGNORECASE), "test_authentication"),
    (re.compile(r"AllowedHosts", re.IGNORECASE), "test_health"),
    (re.compile(r".*/client/endpoint@address"), "web_application"),
    (re.compile(r"url"), "server_urls"),
    (re.compile(r".*/param\[(ext-rtp-ip|stun-enabled)\]@value|.*:external_rtp_ip"), "stun_server"),
    (re.compile(r".*/param\[rtp-(ip|start-port|end-port)\]@value"), "firewall_ports"),
    (re.compile(r".*/node@cidr"), "access_lists"),
)
# Steps of the https probe that must all be ok for a step of the chart to be passed.
PASSES: Mapping[StepId, tuple[str, ...]] = {
    "certificate": ("tls", "certificate", "name", "chain"),
    "test_hub": ("signalr", "channel"),
    "web_application": ("mobile",),
    "test_health": ("webclientapi",),
    "firewall_ports": ("udp",),
}
# Steps of probes that show a part of a step of the chart.
PARTS: Mapping[str, StepId] = {"dns": "server_urls", "tcp": "server_urls", "stun": "stun_server"}
GOOD = ("ok", "note")


class Answer(NamedTuple):
    """What is known of a step: its state, what was seen, what to do."""

    state: State
    said: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()

    def beside(self, other: "Answer") -> "Answer":
        """Combine two answers: failed outweighs passed, and passed outweighs cannot_tell."""
        order = ("failed", "passed", "cannot_tell")
        state = min(self.state, other.state, key=order.index)
        return Answer(state, _few((*self.said, *other.said)), _few((*self.todo, *other.todo)))


Answers = dict[StepId, Answer]


def together(*sources: Answers) -> Answers:
    """Combine the answers of several sources."""
    combined: Answers = {}
    for answers in sources:
        for step, answer in answers.items():
            combined[step] = combined[step].beside(answer) if step in combined else answer
    return combined


def of_run(tables: Tables, lang: Lang) -> Answers:
    """Return the steps that findings of a run fail, and those that its calls pass."""
    answers: Answers = {}
    rows = tables.findings[tables.findings["verdict"].isin(["fault", "suspect"])]
    columns = (rows[name] for name in ("name", "verdict", "title", "remedies"))
    for name, verdict, title, remedies in zip(*columns, strict=True):
        state: State = "failed" if verdict == "fault" else "cannot_tell"
        todo = str(remedies).splitlines() if isinstance(remedies, str) else []
        answer = Answer(state, _few([str(title)]), _few(todo))
        answers = together(answers, {step.id: answer for step in FIRST_CHART if name in step.findings})
    good = tables.calls[tables.calls["media_ok"].fillna(value=False).astype(bool)]["call"]
    if len(good):
        flowed = Answer("passed", (MEDIA_FLOWED.of(lang, call=good.iloc[0]),))
        came = Answer("passed", (CALLS_CAME.of(lang, call=good.iloc[0]),))
        answers = together(answers, {"firewall_ports": flowed, "access_lists": came})
    return answers


def of_config(checked: Iterable[Checked], lang: Lang) -> Answers:
    """Return the steps that configuration files fail; a file without problems passes no step."""
    answers: Answers = {}
    for file in checked:
        for problem in file.problems:
            key = problem.setting.key
            step = next((step for pattern, step in KEYS if pattern.fullmatch(key)), None)
            if step is None:
                continue
            place = clean(f"{file.source.name}:{file.source.line(problem.setting.start)}: {key}")
            state: State = "failed" if problem.level == "fault" else "cannot_tell"
            put = PUT.of(lang, place=place, put=clean(problem.put.of(lang)))
            answer = Answer(state, _few([f"{place}: {problem.why.of(lang)}"]), _few([put]))
            answers = together(answers, {step: answer})
    return answers


def of_probe(results: Sequence[Mapping[str, Any]]) -> Answers:
    """Return the steps that a probe fails or passes; ``results`` are those of ``read_probe``."""
    answers: Answers = {}
    for each in results:
        if each["verdict"] == "fault":
            steps = [step.id for step in FIRST_CHART if each["rule"] in step.findings]
            steps += ["firewall_ports"] if each["step"] == "udp" else []
            steps += [PARTS[each["step"]]] if each["step"] in PARTS and not steps else []
            answers = together(answers, {step: Answer("failed", _few([each["said"]])) for step in steps})
        elif each["step"] in PARTS and each["verdict"] == "ok":
            answers = together(answers, {PARTS[each["step"]]: Answer("cannot_tell", _few([each["said"]]))})
    good = _good_steps(results)
    for step, names in PASSES.items():
        if all(name in good for name in names) and step not in answers:
            texts = _few([good[name] for name in names])
            answers[step] = Answer("passed", texts)
    return answers


def _good_steps(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the probe's steps without a bad result, with the text of their first one."""
    bad = {each["step"] for each in results if each["verdict"] not in GOOD}
    first_texts: dict[str, str] = {}
    for each in results:
        if each["step"] not in bad and each["verdict"] == "ok":
            first_texts.setdefault(each["step"], each["said"])
        path = str(each["facts"].get("path", "")).lower()
        if each["step"] == "path" and each["verdict"] == "ok":
            first_texts.setdefault(path.rpartition("/")[2], each["said"])
    channel = first_texts.get("websocket") or first_texts.get("polling")
    return first_texts | ({"channel": channel} if channel else {})


def read_probe(path: Path) -> list[dict[str, Any]]:
    """Read the results printed by ``probe --json``; SetupError if the file has other content."""
    results = read_json(path)
    wrong = SetupError(f"{path}: not what `postproc probe --json` prints")
    if not isinstance(results, list):
        raise wrong
    for each in results:
        if not isinstance(each, dict) or not all(
            isinstance(each.get(key), str) for key in ("step", "verdict", "said")
        ):
            raise wrong
        if not isinstance(each.setdefault("facts", {}), dict):
            raise wrong
        each.setdefault("rule", None)
    return results


def read_json(path: Path) -> object:
    """Read a JSON file; SetupError if it is malformed."""
    content = option_files.content(path, LARGEST, "such file")
    try:
        return orjson.loads(content)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{path}: not JSON: {error}") from error


def _few(texts: Iterable[str]) -> tuple[str, ...]:
    cleaned = dict.fromkeys(clean(text)[:LONGEST] for text in texts if text)
    return tuple(cleaned)[:MOST]

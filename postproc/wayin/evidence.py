"""What captures, configuration files and probes answer of the first chart; never more than they show.

A step is passed by evidence of all of it. Evidence of a part (a STUN server answers, but whether it is
enabled in the gateway is unknown) is shown to the user, who is asked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from postproc.config.check import Checked
from postproc.model.errors import SetupError
from postproc.model.findings import State
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text, clean
from postproc.model.wayin import FIRST_CHART, StepId
from postproc.read import option_files

LARGEST = 1 << 20  # bytes of a probe's results, or of saved answers; a choice
MOST = 3  # sentences of a kind that are shown for a step; a choice
LONGEST = 300  # characters of each; a choice
MEDIA_FLOWED = Text("call {call}: media both ways", "Anruf {call}: Medien in beiden Richtungen")
CALLS_CAME = Text("call {call} was let in", "Anruf {call} wurde angenommen")
PUT = Text("{place}: put {put}", "{place}: {put} eintragen")

# The step that a key of a configuration file affects; keys that affect none are left out.
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
# Steps of a probe that all have to be good for a step of the chart to be passed.
PASSES: Mapping[StepId, tuple[str, ...]] = {
    "certificate": ("tls", "certificate", "name", "chain"),
    "test_hub": ("signalr", "channel"),
    "web_application": ("mobile",),
    "test_health": ("webclientapi",),
    "firewall_ports": ("udp",),
}
# Steps of probes that are evidence of a part of a step of the chart.
PARTS: Mapping[str, StepId] = {"dns": "server_urls", "tcp": "server_urls", "stun": "stun_server"}
GOOD = ("ok", "note")


@dataclass(frozen=True)
class Answer:
    """The answer to a step: its state, what was seen, what to do."""

    state: State
    said: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()

    def beside(self, other: "Answer") -> "Answer":
        """Combine two answers: failed outweighs passed, passed outweighs open."""
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
    """Return what a run's findings fail, and what its calls show to work."""
    combined: Answers = {}
    rows = tables.findings[tables.findings["verdict"].isin(["fault", "suspect"])]
    columns = (rows[name] for name in ("name", "verdict", "title", "remedies"))
    for name, verdict, title, remedies in zip(*columns, strict=True):
        state: State = "failed" if verdict == "fault" else "cannot_tell"
        todo = str(remedies).splitlines() if isinstance(remedies, str) else []
        answer = Answer(state, _few([str(title)]), _few(todo))
        combined = together(combined, {step.id: answer for step in FIRST_CHART if name in step.findings})
    good = tables.calls[tables.calls["media_ok"].fillna(value=False).astype(bool)]["call"]
    if len(good):
        flowed = Answer("passed", (MEDIA_FLOWED.of(lang, call=good.iloc[0]),))
        came = Answer("passed", (CALLS_CAME.of(lang, call=good.iloc[0]),))
        combined = together(combined, {"firewall_ports": flowed, "access_lists": came})
    return combined


def of_config(checked: Iterable[Checked], lang: Lang) -> Answers:
    """Return what configuration files fail; a file without problems passes no step."""
    combined: Answers = {}
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
            combined = together(combined, {step: answer})
    return combined


def of_probe(results: Sequence[Mapping[str, Any]]) -> Answers:
    """Return what a probe fails, and what it shows in full; ``results`` are those of ``read_probe``."""
    combined: Answers = {}
    for result in results:
        if result["verdict"] == "fault":
            steps = [step.id for step in FIRST_CHART if result["rule"] in step.findings]
            steps += ["firewall_ports"] if result["step"] == "udp" else []
            steps += [PARTS[result["step"]]] if result["step"] in PARTS and not steps else []
            combined = together(combined, {step: Answer("failed", _few([result["said"]])) for step in steps})
        elif result["step"] in PARTS and result["verdict"] == "ok":
            combined = together(
                combined, {PARTS[result["step"]]: Answer("cannot_tell", _few([result["said"]]))}
            )
    good_steps = _shown(results)
    for step, names in PASSES.items():
        if all(name in good_steps for name in names) and step not in combined:
            texts = _few([good_steps[name] for name in names])
            combined[step] = Answer("passed", texts)
    return combined


def _shown(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the steps of a probe without bad results, each with its first text."""
    bad = {result["step"] for result in results if result["verdict"] not in GOOD}
    shown: dict[str, str] = {}
    for result in results:
        if result["step"] not in bad and result["verdict"] == "ok":
            shown.setdefault(result["step"], result["said"])
        path = str(result["facts"].get("path", "")).lower()
        if result["step"] == "path" and result["verdict"] == "ok":
            shown.setdefault(path.rpartition("/")[2], result["said"])
    channel = shown.get("websocket") or shown.get("polling")
    return shown | ({"channel": channel} if channel else {})


def read_probe(path: Path) -> list[dict[str, Any]]:
    """Return the results that ``probe --json`` printed; raises SetupError for another file."""
    results = read_json(path)
    wrong = SetupError(f"{path}: not what `postproc probe --json` prints")
    if not isinstance(results, list):
        raise wrong
    for result in results:
        if not isinstance(result, dict) or not all(
            isinstance(result.get(key), str) for key in ("step", "verdict", "said")
        ):
            raise wrong
        if not isinstance(result.setdefault("facts", {}), dict):
            raise wrong
        result.setdefault("rule", None)
    return results


def read_json(path: Path) -> object:
    """Return the contents of a JSON file; raises SetupError if it is none."""
    content = option_files.content(path, LARGEST, "such file")
    try:
        return orjson.loads(content)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{path}: not JSON: {error}") from error


def _few(texts: Iterable[str]) -> tuple[str, ...]:
    cleaned = dict.fromkeys(clean(text)[:LONGEST] for text in texts if text)
    return tuple(cleaned)[:MOST]

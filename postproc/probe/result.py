"""Results of probes, and the announcement of what will be contacted before anything is sent."""

import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from postproc.model.enumerations import Verdict
from postproc.model.errors import SetupError
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import VERDICTS

EXTRA = ("httpx", "websockets", "cryptography")
LONGEST = 200  # characters shown of a text from a server
NO_NAME = Text("{host} has no address here: {reason}", "{host} hat hier keine Adresse: {reason}")
ADVICE = Text("what to do: {what}", "Abhilfe: {what}")


@dataclass(frozen=True)
class Result:
    """The result of one step.

    ``rule``: the finding's name that it corresponds to, if any. ``facts`` fill in the texts; strings in
    them may come from servers.
    """

    step: str
    verdict: Verdict
    said: Text
    facts: Mapping[str, Any] = field(default_factory=dict)
    rule: str | None = None
    advice: Text | None = None

    def told(self, lang: Lang) -> str:
        return self.said.of(lang, **{name: _shown(value) for name, value in self.facts.items()})


def no_address(host: str, error: OSError | UnicodeError, *, advice: Text | None = None) -> Result:
    """Return the result of a look-up that failed; the error of one that took too long has no text."""
    reason = getattr(error, "strerror", None) or str(error) or "timeout"
    return Result("dns", "fault", NO_NAME, {"host": host, "reason": reason}, advice=advice)


Tell = Callable[[Text, str], object]  # a template, and what is contacted


def _shown(value: object) -> object:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = clean(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def lines(result: Result, lang: Lang) -> list[str]:
    """Return the lines for a terminal: verdict, step, result, advice."""
    texts = [f"{VERDICTS[result.verdict].of(lang):9} {result.step:12} {result.told(lang)}"]
    if result.advice:
        facts = {name: _shown(value) for name, value in result.facts.items()}
        texts.append(f"{'':22} {ADVICE.of(lang, what=result.advice.of(lang, **facts))}")
    return texts


def as_json(results: Iterable[Result], lang: Lang) -> str:
    """Return a JSON list of {step, verdict, rule, said, facts}; texts from servers are cleaned."""
    return json.dumps(
        [
            {
                "step": each.step,
                "verdict": each.verdict,
                "rule": each.rule,
                "said": each.told(lang),
                "facts": {name: _plain(value) for name, value in each.facts.items()},
            }
            for each in results
        ],
        indent=2,
        ensure_ascii=False,
    )


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _shown(value)
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def needs_extra(error: ImportError) -> NoReturn:
    """Raise SetupError naming the libraries that probes need; re-raise if another module is missing."""
    if (error.name or "").partition(".")[0] in EXTRA:
        raise SetupError(f"probe needs {', '.join(EXTRA)}: pip install 'legshark[probe]'") from None
    raise error


def installed(names: Sequence[str] = EXTRA) -> None:
    """Raise SetupError if a library of the extra is missing."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            needs_extra(error)

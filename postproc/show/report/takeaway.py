"""What to take along from a call: commands ready to run, and an answer to paste into a mail."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from postproc.model.calls import Call
from postproc.model.text import LANGS, Lang, Text
from postproc.show import firewall, handout
from postproc.show.calls import Line
from postproc.show.report.cells import COPIED, Copy
from postproc.show.store import Answers
from postproc.show.terminal import clean, command_line

FLOWS = 6  # listed in an answer; a choice: the firewall hand-out has all
ADVICE = 4  # causes, or remedies, listed in an answer; a choice
# Confidence from which on an answer says "certain" and "likely". Findings of 0.9 and more have to be true in
# every capture (docs/CALIBRATION.md); 0.6 is a choice, which changes that one word of the mail.
CERTAIN, LIKELY = 0.9, 0.6

LABELS: Mapping[Lang, Text] = {
    "en": Text("Answer for a mail, in English", "Antwort für eine Mail, auf Englisch"),
    "de": Text("Answer for a mail, in German", "Antwort für eine Mail, auf Deutsch"),
}
OPENING = Text(
    "We have looked at the call from {caller} to {callee} of {start} (UTC).",
    "wir haben den Anruf von {caller} an {callee} vom {start} (UTC) untersucht.",
)
HELLO = Text("Hello,", "Guten Tag,")
SEEN = Text("What was seen: {text}", "Was zu sehen war: {text}")
MEANS = Text("What it means ({sure}): {text}", "Was das bedeutet ({sure}): {text}")
SURE = (Text("certain", "sicher"), Text("likely", "wahrscheinlich"), Text("possible", "möglich"))
FROM = Text("It can come from:", "Es kann daher kommen:")
PLEASE = Text("Please:", "Bitte:")
WELL = Text("There is nothing to do.", "Es ist nichts zu tun.")
UNKNOWN = Text(
    "The captures do not show why. Please capture at the other places of the call, too.",
    "Warum, zeigen die Mitschnitte nicht. Bitte auch an den anderen Punkten des Anrufs mitschneiden.",
)
PORTS = Text("Ports and times (UTC):", "Ports und Zeiten (UTC):")
MORE = Text("- {n} more", "- {n} weitere")
CALL_IDS = Text("Call-ID: {ids}", "Call-ID: {ids}")


def commands(call: Call, display: str, paths: Mapping[str, str], place: Path | None) -> tuple[str, ...]:
    """Return the commands to run in ``place``, the folder of the results; none where there is no folder.

    ``display`` is the call's display filter, ``paths`` maps names of captures to their paths.
    """
    if place is None:
        return ()
    number = str(call.number)
    argument_lists = [
        ["postproc", command, ".", "--call", number] for command in ("export", "annotate", "notebook")
    ]
    argument_lists.append(["postproc", "ticket", ".", "--call", number, "-o", f"ticket-{number}.zip"])
    names = dict.fromkeys([call.call.capture, *(leg.capture for leg in call.legs)])
    argument_lists += [
        ["wireshark", "-r", _from(place, paths[name]), "-Y", display]
        for name in names
        if display and name in paths
    ]
    lines = map(command_line, argument_lists)
    return tuple(line for line in lines if len(line) <= COPIED and line.isprintable())


def _from(place: Path, path: str) -> str:
    """Return a capture's path relative to the folder; in a ticket it is relative already."""
    if not os.path.isabs(path):  # noqa: PTH117
        return path
    try:
        return os.path.relpath(path, place)
    except ValueError:  # another drive of Windows
        return path


def answers(
    line: Line, by_call: Answers, hole: firewall.Hole | None, ids: Sequence[str], lang: Lang
) -> tuple[Copy, ...]:
    """Return the answer in each language, that of the page first."""
    by_language = by_call.get(line.call, {})
    order = sorted(LANGS, key=lambda language: language != lang)
    return tuple(
        Copy(
            LABELS[language].of(lang),
            "\n".join(_answer(line, by_language[language], hole, ids, language)),
            long=True,
            lang=language,
        )
        for language in order
        if language in by_language
    )


def _answer(
    line: Line, answer: Mapping[str, Any], hole: firewall.Hole | None, ids: Sequence[str], lang: Lang
) -> Iterator[str]:
    caller, callee = line.from_user or "?", line.to_user or "?"
    start = f"{line.start:%Y-%m-%d %H:%M:%S}" if line.start is not None else "?"
    yield from (HELLO.of(lang), "", clean(OPENING.of(lang, caller=caller, callee=callee, start=start)), "")
    yield clean(SEEN.of(lang, text=" ".join(filter(None, (answer["headline"], answer["detail"])))))
    if answer["claim"]:
        yield from (
            "",
            MEANS.of(lang, sure=_sure(answer["confidence"]).of(lang), text=clean(answer["claim"])),
        )
        yield from _list_lines(FROM.of(lang), answer["causes"])
    yield ""
    if answer["remedies"]:
        yield from _list_lines(PLEASE.of(lang), answer["remedies"])
    else:
        yield (WELL if line.verdict == "ok" else UNKNOWN).of(lang)
    flows = [] if hole is None or line.verdict == "ok" else list(hole.traffic)
    if flows:
        yield from ("", PORTS.of(lang))
        yield from (f"- {handout.told(flow, lang)}" for flow in flows[:FLOWS])
        if len(flows) > FLOWS:
            yield MORE.of(lang, n=len(flows) - FLOWS)
    if ids:
        yield from ("", clean(CALL_IDS.of(lang, ids=", ".join(ids[:FLOWS]))[:COPIED]))


def _sure(confidence: float | None) -> Text:
    share = confidence or 0.0
    return SURE[0 if share >= CERTAIN else 1 if share >= LIKELY else 2]


def _list_lines(heading: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield heading
        yield from (f"- {clean(item)}" for item in items[:ADVICE])

"""A profile for one capture: its Call-IDs and transaction IDs instead of the plug-in's fields.

For users who may not install Lua plug-ins. Pure: tables and the shipped profile in, files out. The colors and
their order are those of the shipped profile.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

import pandas as pd

from postproc.model import filters
from postproc.model.tables import Tables
from postproc.show.selection import call_filters

# Left out: the first would open other captures with this profile, the other has the plug-in's column widths.
LEAVES = ("profile_settings", "recent")
MOST_BUTTONS = 40  # in the menu "Calls"; a choice: filters and macros have every call
SET_SIZE = 500  # values of one set; a choice: Wireshark compiles larger filters slowly
COLOR_LINE = re.compile(r"@([^@]+)@[^@]+@(\[[^\]]+\]\[[^\]]+\])")
IDS = {"stun.id": 24, "classicstun.id": 32}  # hex digits of a transaction id (RFC 8489, RFC 3489)
PROBLEM = (
    "sip.Status-Code in {403, 408, 488, 500..599} "
    "|| (stun && (icmp.type in {3, 11} || icmpv6.type in {1..4}))"
)
ANSWERED = "stun.type.method == 1 && !(stun.type.method > 1) && !(stun.type.class == 1) && !stun.channel"


def profile_name(capture: str) -> str:
    """Return a profile name made from a capture's: letters, digits, ``_`` and ``-``; never a path."""
    stem = PurePath(capture.replace("\\", "/")).name.partition(".")[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return f"Legs {re.sub(r'[^A-Za-z0-9_-]+', '_', plain).strip('_')[:40] or 'capture'}"


def profile(tables: Tables, shipped: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return file name -> content."""
    texts = {name: data.decode() for name, data in shipped.items() if name not in LEAVES}
    rules, calls = rule_filters(tables), call_filters(tables)
    macros = {**_without_plugin(_macros(texts["dmacros"])), **_call_macros(tables, calls), **_shared(rules)}
    saved = _saved(rules, calls)
    output = texts | {
        "colorfilters": _colors(texts["colorfilters"], rules),
        "preferences": _columns(texts["preferences"]),
        "dmacros": "".join(f'"{name}" {body}\n' for name, body in macros.items()),
        "dfilter_macros": "".join(f"{_cell(name)},{_cell(body)}\n" for name, body in macros.items()),
        "dfilters": "".join(f'"{name}" {body}\n' for name, body in saved.items()),
        "dfilter_buttons": "".join(_buttons(rules, calls)),
    }
    return {name: text.encode("utf-8", "replace") for name, text in output.items()}


def rule_filters(tables: Tables) -> dict[str, str]:
    """Return name of a shipped color rule -> its filter for this capture; "" where nothing matches."""
    legs, bindings = tables.legs, tables.bindings
    outcome = bindings["outcome"].fillna("")
    joined_legs = legs.dropna(subset=["leg", "call_id"])
    return {
        "Legs: finding": "frame.comment",
        "Legs: problem": PROBLEM,
        "Legs: ICMP": "icmp || icmpv6",
        "Legs: STUN error": _transactions(bindings[outcome == "error"]),
        "Legs: STUN open": _transactions(bindings[outcome.isin(["unanswered", "pending"])]),
        "Legs: discovery": filters.either(["stun", "classicstun"]),
        "Legs: STUN success": _checks(bindings[(bindings["purpose"] == "discovery").fillna(False)]),
        "Legs: DTLS": "dtls",
        "Legs: leg 1": _calls(joined_legs[joined_legs["leg"] == 1]),
        "Legs: leg 2": _calls(joined_legs[joined_legs["leg"] == 2]),
        "Legs: further leg": _calls(joined_legs[joined_legs["leg"] > 2]),
        "Legs: media": "(rtp.ssrc || rtcp.pt) && (!stun || stun.channel)",
    }


def _calls(legs: pd.DataFrame) -> str:
    ids = list(dict.fromkeys(legs["call_id"]))
    return filters.either(filters.equals("sip.Call-ID", part) for part in _parts(ids))


def _checks(discoveries: pd.DataFrame) -> str:
    looked_up = _transactions(discoveries)
    return f"{ANSWERED} && !({looked_up})" if looked_up else ANSWERED


def _transactions(bindings: pd.DataFrame) -> str:
    ids = list(dict.fromkeys(bindings["transaction_id"].dropna()))
    by_field = {
        name: [identifier for identifier in ids if len(identifier) == size] for name, size in IDS.items()
    }
    return filters.either(
        filters.same_bytes(name, part) for name, of_size in by_field.items() for part in _parts(of_size)
    )


def _parts(values: list[str]) -> Iterator[list[str]]:
    return (values[at : at + SET_SIZE] for at in range(0, len(values), SET_SIZE))


def _colors(shipped: str, rules: Mapping[str, str]) -> str:
    parsed = (COLOR_LINE.fullmatch(line) for line in shipped.splitlines())
    return "".join(f"@{line[1]}@{rules[line[1]]}@{line[2]}\n" for line in parsed if line and rules[line[1]])


def _columns(preferences: str) -> str:
    """Remove the plug-in's columns."""
    return "".join(line for line in preferences.splitlines(keepends=True) if "legs." not in line)


def _macros(text: str) -> dict[str, str]:
    matches = (re.fullmatch(r'"(\w+)" (.+)', line) for line in text.splitlines())
    return {line[1]: line[2] for line in matches if line}


def _without_plugin(macros: Mapping[str, str]) -> dict[str, str]:
    return {name: body for name, body in macros.items() if "legs." not in body}


def _call_macros(tables: Tables, calls: Mapping[int, str]) -> dict[str, str]:
    """Return macros: ``${call2}`` is all of call 2, ``${call2leg1}`` the SIP of its leg 1."""
    legs = tables.legs.dropna(subset=["call", "leg", "call_id"])
    keys = zip(legs["call"], legs["leg"], legs["call_id"], strict=True)
    by_leg = {f"call{call}leg{leg}": filters.equals("sip.Call-ID", [call_id]) for call, leg, call_id in keys}
    return {f"call{call}": f"({body})" for call, body in calls.items() if body} | by_leg


def _shared(rules: Mapping[str, str]) -> dict[str, str]:
    by_name = {"openbindings": rules["Legs: STUN open"], "bindingerrors": rules["Legs: STUN error"]}
    return {name: f"({body})" for name, body in by_name.items() if body} | {
        "candidates": "sdp.ice_candidate.type",
        "errors": f"({_errors(rules)})",
    }


def _errors(rules: Mapping[str, str]) -> str:
    return filters.either(["sip.Status-Code >= 400", rules["Legs: STUN error"], rules["Legs: STUN open"]])


def _saved(rules: Mapping[str, str], calls: Mapping[int, str]) -> dict[str, str]:
    by_call = {f"Call {call}": body for call, body in calls.items()}
    by_name = {
        "INVITEs": 'sip.Method == "INVITE"',
        **by_call,
        "Open bindings": rules["Legs: STUN open"],
        "Binding errors": rules["Legs: STUN error"],
        "Candidates": "sdp.ice_candidate.type",
        "Errors": _errors(rules),
        "Media": rules["Legs: media"],
        "Findings": rules["Legs: finding"],
    }
    return {name: body for name, body in by_name.items() if body}


def _buttons(rules: Mapping[str, str], calls: Mapping[int, str]) -> Iterable[str]:
    shown = {f"Call {call}": body for call, body in list(calls.items())[:MOST_BUTTONS]}
    for name, body in _saved(rules, {}).items():
        yield _button(name, body)
        if name == "INVITEs":
            yield from (
                _button(f"Calls//{call}", body_of_call)
                for call, body_of_call in shown.items()
                if body_of_call
            )


def _button(name: str, body: str) -> str:
    return f'"TRUE",{_cell(name)},{_cell(body)},""\n'


def _cell(text: str) -> str:
    r"""A cell of Wireshark's tables: quotes and backslashes as \xNN."""
    return '"' + text.replace("\\", "\\x5c").replace('"', "\\x22") + '"'

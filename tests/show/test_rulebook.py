"""docs/RULES.md and docs/RULES-MATRIX.md as generated."""

import pandas as pd

from postproc.diagnose.rules import RULES
from postproc.show.documents import rules_matrix, rules_page


def found(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["name", "capture", "verdict"])


def test_every_rule_stands_in_it_with_code_and_claim():
    told = rules_page(RULES)
    for rule in RULES:
        assert f"| {rule.code} | `{rule.name}` | {rule.summary.en} | {rule.claim.en} |" in told


def test_a_cell_holds_the_worst_verdict_of_rule_and_capture():
    findings = found(
        ("no-media", "a.pcap", "note"), ("no-media", "a.pcap", "fault"), ("no-media", "b.pcap", "suspect")
    )
    told = rules_matrix(RULES, findings, ["b.pcap", "a.pcap", "c.pcap"])
    assert "1. `a.pcap`\n2. `b.pcap`\n" in told
    assert "| `no-media` | **F** | **S** |" in told
    assert "| `no-checks` |  |  |" in told
    assert told.endswith("- `c.pcap`\n")


def test_a_file_name_is_no_markdown():
    told = rules_matrix(RULES, found(("no-media", "a|[x](y)`.pcap", "fault")), ["a|[x](y)`.pcap"])
    assert "[x](y)" not in told
    assert "&#124;" in told

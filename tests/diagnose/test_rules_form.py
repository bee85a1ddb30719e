"""What holds for every rule: its form, both languages, silence where nothing is wrong."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from postproc.diagnose import rules
from postproc.diagnose.rules import RULES
from postproc.model.findings import STAGES, Rule
from postproc.model.text import Text
from tests.diagnose.scenes import foreign, good, scene
from tests.diagnose.telling import HEAD, TOLD, expected, path, untold

HERE = Path(__file__).parent
ROOT = Path(rules.__file__).parents[3]
MODULES = sorted(path.stem for path in Path(rules.__file__).parent.glob("*.py") if path.stem != "__init__")


def texts(rule: Rule) -> list[Text]:
    advice = [each.text for each in (*rule.causes, *rule.remedies)]
    return [rule.summary, rule.claim, rule.known_problems, *advice]


def fields(template: str) -> list[str]:
    return sorted({name for _, name, _, _ in Formatter().parse(template) if name})


def test_every_module_is_registered_once():
    assert sorted(rule.name.replace("-", "_") for rule in RULES) == MODULES


def test_codes_are_unique():
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_rules_stand_in_the_order_of_the_chain():
    stages = [STAGES.index(rule.stage) for rule in RULES]
    assert stages == sorted(stages)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_all_that_explain_prints(rule):
    assert re.fullmatch(r"(CAP|WEB|SIP|SDP|STUN|ICE|NAT|NET|DTLS|RTP)\d{3}", rule.code)
    assert rule.causes and rule.remedies
    assert rule.claim.en.endswith(".") and rule.claim.de.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_both_languages_are_there_and_name_the_same_facts(rule):
    for text in texts(rule):
        assert text.en.strip() and text.de.strip()
        assert text.en != text.de or " " not in text.en, text.en
        assert fields(text.en) == fields(text.de), text.en


def test_a_rules_stage_is_not_before_its_causes_but_for_nat_behind_checks():
    """NAT is judged by checks, and so stands after them; signalling fails over candidates as SDP comes with it."""
    early = {("sip", "sdp"), ("stun", "nat")}
    every = [variant for rule in RULES for variant in rule.every_variant]
    for rule in every:
        for cause in rule.causes_among(every):
            assert cause is not rule
            in_order = STAGES.index(cause.stage) <= STAGES.index(rule.stage)
            assert in_order or (rule.stage, cause.stage) in early, (rule.name, cause.name)


@pytest.mark.parametrize("base", [good(), foreign()], ids=["xphone", "foreign"])
def test_a_good_call_is_met_with_silence(base):
    case = scene(base=base)
    assert [found.rule for rule in RULES for found in rule.find(case)] == []


@pytest.mark.parametrize("table", sorted(set(good()) - {"calls"}))
def test_no_rule_stumbles_over_a_table_that_is_empty(table):
    case = scene(**{table: []})
    for rule in RULES:
        list(rule.find(case))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_wording_of_a_product_is_kept_to_its_calls(rule):
    for each in (*rule.causes, *rule.remedies):
        if each.product is None:
            assert not re.search(r"XPhone|XCC|Pin Hole|FreeSWITCH|ext-rtp-ip", each.text.en + each.text.de)


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_is_tested_both_ways(module):
    text = (HERE / f"test_{module}.py").read_text()
    assert "def test_silent" in text
    assert "RULE" in text


@pytest.mark.parametrize("module", MODULES)
def test_one_word_for_one_thing(module):
    """German: Leg, Anruf, Connectivity Check; a call leg is no "Bein", and checks are not the app's Verbindungstest."""
    text = (Path(rules.__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    assert re.findall(r"\b(?:Beins?|Beine|Rufs?|Rufe|Verbindungstests?|Maschine)\b", text) == []


def sentences(rule: Rule) -> Iterator[tuple[str, str]]:
    """Language and template of every Text outside its declaration, of a rule's module and those with findings for it."""
    own = ast.parse(Path(inspect.getsourcefile(rule.find)).read_text(encoding="utf-8"))
    imported = [each.module or "" for each in own.body if isinstance(each, ast.ImportFrom)]
    others = [ROOT / f"{name.replace('.', '/')}.py" for name in imported if name.endswith("_findings")]
    trees = [own, *(ast.parse(path.read_text(encoding="utf-8")) for path in others)]
    for statement in (each for tree in trees for each in tree.body):
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "RULE":
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Text":
                yield from zip(("en", "de"), map(ast.literal_eval, node.args), strict=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_sentence_is_told_in_the_rules_own_test(rule):
    assert untold(rule, sentences(rule)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_what_is_told_belongs_to_a_test_that_is_there(rule):
    tests = (HERE / f"test_{path(rule).stem}.py").read_text(encoding="utf-8")
    names = [name.partition("[")[0] for name in expected(rule) if name != HEAD]
    assert names
    assert [name for name in names if f"def {name}(" not in tests] == []


def test_there_is_a_file_of_what_is_told_for_every_rule_and_no_other():
    assert sorted(file.stem for file in TOLD.iterdir()) == MODULES

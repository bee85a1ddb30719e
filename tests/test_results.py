"""A run in notebooks: calls and captures by name, the worst first."""

import pytest

import postproc
from postproc.model.errors import SetupError


@pytest.fixture(scope="module")
def stored(pcaps, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    captures = [pcaps / name for name in ("good.pcapng", "no_binding_success.pcapng", "acl_403.pcapng")]
    postproc.analyze([*captures, pcaps / "registry.csv"], out, lang="de")
    return out


@pytest.fixture(scope="module")
def run(stored):
    return postproc.load(stored)


def test_a_file_is_no_folder_of_results(pcaps):
    with pytest.raises(SetupError, match=r"good\.pcapng: a file, not the folder of results that"):
        postproc.load(pcaps / "good.pcapng")


def test_a_loaded_run_knows_its_language_and_its_walks(run):
    assert run.lang == "de"
    call = run.call(run.worst_first()["call"].iloc[0])
    assert call.walk["question"].iloc[0] == "Ist der Mitschnitt vollständig?"
    assert "Anruf" in call._repr_html_()
    assert "nicht gelesen" in run._repr_html_()


@pytest.mark.parametrize("number", [0, 4, -1, "1", None, 1.5])
def test_an_unknown_call_is_a_key_error_that_names_the_calls(run, number):
    with pytest.raises(KeyError, match=r"no call .* in this run; it has 1, 2, 3"):
        run.call(number)


def test_numbers_of_numpy_will_do(run):
    for number in run.calls["call"]:
        assert run.call(number).number == number


def test_an_unknown_capture_is_a_key_error(run):
    with pytest.raises(KeyError, match=r"no capture 'x' in this run; it has 'acl_403.pcapng', "):
        run.capture("x")


def test_a_capture_is_a_run_of_its_own(run):
    part = run.capture("good.pcapng")
    assert len(part.calls) == len(part.captures) == 1
    (number,) = part.calls["call"]
    assert part.call(number).walk.equals(run.call(number).walk)
    assert len(part.timeline) == len(run.call(number).timeline)


def test_the_worst_call_comes_first(run):
    assert run.worst_first()["verdict"].tolist() == ["fault", "suspect", "ok"]


def test_the_overview_is_a_picture_in_the_runs_language(run):
    assert run.overview()._repr_svg_().startswith("<svg")


def test_names_there_are_not(run):
    with pytest.raises(AttributeError, match="a run has no 'kalls'"):
        _ = run.kalls
    assert "calls" in dir(run)


def test_no_results_no_run(tmp_path):
    with pytest.raises(SetupError, match="no results here"):
        postproc.load(tmp_path)

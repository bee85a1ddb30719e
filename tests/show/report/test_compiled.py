"""Compiled templates are kept, and used for just what they were compiled from."""

import pytest
from jinja2 import DictLoader, Environment

from postproc.show.report import compiled
from postproc.show.report.compiled import Compiled


def refused(*_):
    raise OSError(28, "No space left on device")


class Counting(Environment):
    compiled = 0

    def compile(self, *arguments, **named):
        self.compiled += 1
        return super().compile(*arguments, **named)


def shown(folder, source="{{ text }}", *, autoescape=True):
    """What a new process would show, and how many templates it would compile."""
    environment = Counting(
        loader=DictLoader({"page": source}), bytecode_cache=Compiled(folder), autoescape=autoescape
    )
    return environment.get_template("page").render(text="<b>"), environment.compiled


def test_once_compiled_a_template_is_not_compiled_again(tmp_path):
    assert [shown(tmp_path), shown(tmp_path)] == [("&lt;b&gt;", 1), ("&lt;b&gt;", 0)]


def test_another_source_or_option_is_compiled(tmp_path):
    shown(tmp_path)
    assert shown(tmp_path, autoescape=False) == ("<b>", 1)
    assert shown(tmp_path, "{{ text }}!") == ("&lt;b&gt;!", 1)


@pytest.mark.parametrize("damaged", [b"", b"x" * 40, b"x"])
def test_what_is_damaged_is_compiled(tmp_path, damaged):
    shown(tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damaged or kept.read_bytes()[:-1])
    assert [shown(tmp_path), shown(tmp_path)] == [("&lt;b&gt;", 1), ("&lt;b&gt;", 0)]


def test_nothing_is_kept_where_no_compiled_modules_are_or_may_be_written(tmp_path, monkeypatch):
    assert [shown(tmp_path / "none"), shown(tmp_path / "none")] == [("&lt;b&gt;", 1)] * 2
    monkeypatch.setattr(compiled, "replace_file", refused)
    assert [shown(tmp_path), shown(tmp_path)] == [("&lt;b&gt;", 1)] * 2

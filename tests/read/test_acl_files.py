"""Access lists from either kind of file, told apart by what is in it."""

import pytest

from postproc.model.errors import SetupError
from postproc.read import acl_files

XML = '<network-lists><list name="x" default="deny"/></network-lists>'


@pytest.mark.parametrize("content", [
    XML.encode(), b"\n \t" + XML.encode(), b"\xef\xbb\xbf" + XML.encode(), XML.encode("utf-16"),
])  # fmt: skip
def test_xml_is_known_by_its_first_sign(tmp_path, content):
    (tmp_path / "lists").write_bytes(content)
    assert list(acl_files.read(tmp_path / "lists").lists) == ["x"]


def test_a_deployment_file_brings_its_lists_and_what_they_apply_to(tmp_path):
    (tmp_path / "d.toml").write_text('[acl]\nwhitelist = ["10.0.0.0/8"]')
    found = acl_files.read(tmp_path / "d.toml")
    assert (list(found.lists), found.candidate, found.signalling) == (
        ["whitelist"], ("whitelist",), ("whitelist",),
    )  # fmt: skip


def test_a_shipped_deployment_is_known_by_name():
    assert acl_files.read("generic").lists == {}


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(SetupError, match=r"nope\.xml: no such file or directory$"):
        acl_files.read(tmp_path / "nope.xml")
    with pytest.raises(SetupError, match=r"is a directory$"):
        acl_files.read(tmp_path)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(acl_files, "LARGEST", 10)
    (tmp_path / "d.toml").write_text("#" * 11)
    with pytest.raises(SetupError, match="larger than 64 MiB"):
        acl_files.read(tmp_path / "d.toml")


def test_neither_xml_nor_toml_is_one_line(tmp_path):
    (tmp_path / "x").write_bytes(b"\x0a\x0d\x0d\x0a\x00\xff")
    with pytest.raises(SetupError, match="x: not TOML: "):
        acl_files.read(tmp_path / "x")

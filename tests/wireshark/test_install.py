"""What is put into a user's folders comes out without a trace, and loses nothing."""

import os
from pathlib import Path

import pytest

from postproc.model.errors import SetupError
from postproc.wireshark import install
from postproc.wireshark.install import put, take_back

Snapshot = dict[str, bytes | None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def ledger(home: Path) -> Path:
    return home / "config" / "legshark"


def bundle(home: Path, version: str = "1") -> dict[Path, bytes]:
    return {
        home / "config" / "profiles" / "Legs" / "colorfilters": b"colours " + version.encode(),
        home / "config" / "profiles" / "Legs" / "preferences": b"columns",
        home / "lib" / "legs.lua": b"plug-in " + version.encode(),
    }


def snapshot(home: Path) -> Snapshot:
    """Every file with its bytes, every folder."""
    paths = sorted(home.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_installed_and_taken_out_a_fresh_home_is_as_before(home: Path) -> None:
    before = snapshot(home)
    done = put(bundle(home), ledger(home), "Legs")
    assert set(done.changed) == set(bundle(home))
    assert {path: path.read_bytes() for path in bundle(home)} == bundle(home)
    take_back(ledger(home))
    assert snapshot(home) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows goes by the folder's rights")
def test_what_is_written_is_its_owners_alone(home: Path) -> None:
    """A capture's profile holds its Call-IDs, and the ledger tells which captures there were."""
    put(bundle(home), ledger(home), "Legs")
    assert {path.stat().st_mode & 0o777 for path in home.rglob("*") if path.is_file()} == {0o600}


def test_the_same_again_changes_nothing(home: Path) -> None:
    put(bundle(home), ledger(home), "Legs")
    first = snapshot(home)
    assert put(bundle(home), ledger(home), "Legs").changed == ()
    assert snapshot(home) == first


def test_a_newer_version_replaces_what_nobody_edited(home: Path) -> None:
    before = snapshot(home)
    put(bundle(home), ledger(home), "Legs")
    newer = bundle(home, "2")
    dropped, _ = newer.popitem()
    put(newer, ledger(home), "Legs")
    assert {path: path.read_bytes() for path in newer} == newer
    assert not dropped.exists()
    take_back(ledger(home))
    assert snapshot(home) == before


def test_a_profile_of_the_users_is_not_touched(home: Path) -> None:
    own = next(iter(bundle(home)))
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own")
    before = snapshot(home)
    with pytest.raises(SetupError, match=r"colorfilters; nothing was written; --force"):
        put(bundle(home), ledger(home), "Legs")
    assert snapshot(home) == before


def test_forced_over_a_profile_of_the_users_it_comes_back(home: Path) -> None:
    own = next(iter(bundle(home)))
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own")
    own.chmod(0o640)
    (own.parent / "recent").write_bytes(b"widths")
    before = snapshot(home)
    put(bundle(home), ledger(home), "Legs", force=True)
    assert own.read_bytes() == bundle(home)[own]
    put(bundle(home, "2"), ledger(home), "Legs")
    take_back(ledger(home))
    assert snapshot(home) == before
    assert own.stat().st_mode & 0o777 == 0o640


def test_a_file_that_was_there_already_the_same_stays(home: Path) -> None:
    plugin, data = list(bundle(home).items())[-1]
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(data)
    before = snapshot(home)
    put(bundle(home), ledger(home), "Legs")
    take_back(ledger(home))
    assert snapshot(home) == before


def test_edits_made_since_are_refused_and_then_kept(home: Path) -> None:
    put(bundle(home), ledger(home), "Legs")
    edited = next(iter(bundle(home)))
    edited.write_bytes(b"edited")
    with pytest.raises(SetupError, match="nothing was written"):
        put(bundle(home, "2"), ledger(home), "Legs")
    with pytest.raises(SetupError, match="nothing was removed"):
        take_back(ledger(home))
    assert edited.read_bytes() == b"edited"
    done = put(bundle(home, "2"), ledger(home), "Legs", force=True)
    edited.write_bytes(b"edited again")
    more = take_back(ledger(home), force=True)
    assert [path.read_bytes() for path in done.kept + more.kept] == [b"edited", b"edited again"]
    assert not edited.exists()


def test_two_profiles_come_out_together_whatever_came_first(home: Path) -> None:
    before = snapshot(home)
    other = {home / "config" / "profiles" / "Legs good" / "colorfilters": b"of a capture"}
    put(other, ledger(home), "Legs good")
    put(bundle(home), ledger(home), "Legs")
    put(bundle(home, "2"), ledger(home), "Legs")
    assert next(iter(other)).exists()
    take_back(ledger(home))
    assert snapshot(home) == before


def test_what_wireshark_itself_wrote_into_the_profile_goes_and_what_others_wrote_stays(home: Path) -> None:
    put(bundle(home), ledger(home), "Legs")
    profile = home / "config" / "profiles" / "Legs"
    (profile / "recent").write_bytes(b"widths")
    (profile / "hosts").write_bytes(b"10.0.0.1 anna")
    done = take_back(ledger(home))
    assert done.left == (profile / "hosts",)
    assert [path.name for path in profile.iterdir()] == ["hosts"]


def test_files_the_user_deleted_are_no_trouble(home: Path) -> None:
    before = snapshot(home)
    put(bundle(home), ledger(home), "Legs")
    for path in bundle(home):
        path.unlink()
    take_back(ledger(home))
    assert snapshot(home) == before


def test_interrupted_between_ledger_and_files_it_can_be_undone(home: Path, monkeypatch) -> None:
    before = snapshot(home)
    written: list[Path] = []
    write = install.write_file

    def stops(path: Path, data: bytes) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data)

    monkeypatch.setattr(install, "write_file", stops)
    with pytest.raises(KeyboardInterrupt):
        put(bundle(home), ledger(home), "Legs")
    monkeypatch.undo()
    assert len(snapshot(home)) > len(before)
    take_back(ledger(home))
    assert snapshot(home) == before


def test_a_link_to_the_users_dotfiles_stays_a_link(home: Path) -> None:
    real = home / "dotfiles" / "legs.lua"
    real.parent.mkdir()
    real.write_bytes(b"mine")
    link = home / "lib" / "legs.lua"
    link.parent.mkdir()
    link.symlink_to(real)
    put(bundle(home), ledger(home), "Legs", force=True)
    assert link.is_symlink()
    take_back(ledger(home))
    assert link.is_symlink()
    assert real.read_bytes() == b"mine"


def test_a_damaged_ledger_is_named(home: Path) -> None:
    put(bundle(home), ledger(home), "Legs")
    (ledger(home) / "files.json").write_text("{")
    with pytest.raises(SetupError, match=r"files\.json: damaged"):
        take_back(ledger(home))


def test_a_folder_in_the_place_of_a_file_is_named(home: Path) -> None:
    place = next(iter(bundle(home)))
    place.mkdir(parents=True)
    with pytest.raises(SetupError, match="colorfilters: Is a directory"):
        put(bundle(home), ledger(home), "Legs")


def test_a_file_in_the_place_of_a_folder_is_named(home: Path) -> None:
    (home / "lib").write_bytes(b"")
    with pytest.raises(SetupError, match="lib"):
        put(bundle(home), ledger(home), "Legs")

"""The files to read, by chain: given as paths, or as URLs that fsspec supports.

A remote file is identified by its URL; the worker copies it to its disk to read it.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from postproc.dataset.partitions import site_name
from postproc.model.errors import SetupError
from postproc.read import inputs
from postproc.read.inputs import Unread, bears_extension, readable
from postproc.watch.growing import first_time

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

REMOTE = "://"
HEAD = 1 << 16  # bytes of a file that include its first packet's time


class Source(NamedTuple):
    """A capture, by path or URL; ``name`` is its ``capture`` in the tables."""

    place: str
    name: str
    size: int
    first_ns: int = 0  # time of its first packet

    def fetched(self, path: Path) -> Path:
        """Return a local path: its own, or that of a copy at ``path``. OSError if it cannot be fetched."""
        if REMOTE not in self.place:
            return Path(self.place)
        files, path_there = _remote(self.place)
        files.get_file(path_there, str(path))
        return path

    def timed(self, scratch: Path) -> "Source":
        """Return the capture with the time of its first packet; the latest possible if it is unknown."""
        latest = (1 << 63) - 1
        try:
            if REMOTE not in self.place:
                file = Path(self.place)
                return self._replace(first_ns=first_time(file, file.stat().st_mtime_ns))
            files, path_there = _remote(self.place)
            scratch.write_bytes(files.cat_file(path_there, start=0, end=HEAD))
            return self._replace(first_ns=first_time(scratch, latest))
        except OSError:  # reading it will report that
            return self._replace(first_ns=latest)


class Chain(NamedTuple):
    """The captures of a folder."""

    site: str
    sources: tuple[Source, ...]


def chains(paths: Iterable[str], site: str | None) -> tuple[list[Chain], list[Unread]]:
    """Return a chain per folder given, one per folder of the files given, and files that are no captures.

    Without ``site`` a chain's site is its folder's name; SetupError if that is no valid one.
    """
    by_folder: dict[tuple[str, str], list[Source]] = {}
    unread: list[Unread] = []
    for path in paths:
        pairs = _there(path) if REMOTE in path else _here(Path(path), unread)
        for top, source in pairs:
            by_folder.setdefault(top, []).append(source)
    return [
        Chain(site or site_name(name), tuple(dict.fromkeys(sources)))
        for (_, name), sources in by_folder.items()
    ], unread


Top = tuple[str, str]  # a folder and its name


def _here(path: Path, unread: list[Unread]) -> Iterable[tuple[Top, Source]]:
    captures, left_out = inputs.find([path])
    unread += left_out
    folder = (path if inputs.is_folder(path) else path.parent).absolute()
    for capture in captures:
        yield (str(folder), folder.name), Source(str(capture.path), capture.name, capture.size)


def _there(url: str) -> Iterable[tuple[Top, Source]]:
    files, pattern = _remote(url)
    tops = [pattern] if files.exists(pattern) else sorted(files.glob(pattern))
    if not tops:
        raise SetupError(f"{url}: nothing there")
    for top in tops:
        folder = PurePosixPath(top) if files.isdir(top) else PurePosixPath(top).parent
        listing: dict[str, dict[str, Any]] = files.find(top, detail=True)
        for path, about in sorted(listing.items()):
            if bears_extension(PurePosixPath(path)):
                name = readable(PurePosixPath(path).relative_to(folder).as_posix())
                place = files.unstrip_protocol(path)
                yield (str(folder), folder.name), Source(place, name, about["size"] or 0)


def _remote(url: str) -> "tuple[AbstractFileSystem, str]":
    """Return the file system of a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415  (the extra ``cluster``)

        files, path = url_to_fs(url)
    except (ImportError, ValueError) as error:  # of fsspec, or of what it needs for this kind of URL
        raise SetupError(f"{url}: {error}") from error
    return files, path

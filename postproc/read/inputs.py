"""Find the captures among the given paths, and name them.

In a folder a capture is recognised by its first bytes. A file that only has a capture's extension is
reported with a reason; any other is skipped. A capture's name is its path relative to the deepest common
folder of the inputs.
"""

import errno
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

MAGIC = {
    "pcap": (
        bytes.fromhex("a1b2c3d4"),
        bytes.fromhex("d4c3b2a1"),
        bytes.fromhex("a1b23c4d"),
        bytes.fromhex("4d3cb2a1"),  # nanoseconds
        bytes.fromhex("a1b2cd34"),
        bytes.fromhex("34cdb2a1"),  # patched by Kuznetzov
    ),
    "pcapng": (bytes.fromhex("0a0d0d0a"),),
    "snoop": (b"snoop\0\0\0",),
    "netmon": (b"RTSS", b"GMBU"),
    "sniffer": (b"TRSNIFF data    \x1a",),
    "netxray": (b"VL\0\0", b"XCP\0"),
    "observer": (b"ObserverPktBuffer",),
    "visual": (b"\x05VNF",),
    "5views": (b"\xaa\xaa\xaa\xaa",),
    "iptrace": (b"iptrace 1.0", b"iptrace 2.0"),
    "k12": (bytes.fromhex("0000020012050010"),),
}
GZIP = bytes.fromhex("1f8b")
PACKED = {"zstd": bytes.fromhex("28b52ffd"), "lz4": bytes.fromhex("04224d18")}
EXTENSIONS = (".pcap", ".pcapng", ".cap", ".ntar", ".snoop")
PACKED_EXTENSIONS = (".gz", ".zst", ".lz4")
HEAD = 32  # bytes read to recognize a format; every magic number lies within them
DAMAGED_GZIP = "damaged gzip file"
NOT_A_CAPTURE = "not a capture: its first bytes are those of no capture format"


class Capture(NamedTuple):
    """A capture file to be read, with the name in its rows."""

    path: Path
    name: str
    size: int
    sha256: str = ""  # of its bytes; "" until they have been hashed


class Unread(NamedTuple):
    """A file or folder left out, and why; ``error`` if the reason is a defect of this program."""

    path: Path
    reason: str
    error: BaseException | None = None


def find(paths: Iterable[Path], skip: Path | None = None) -> tuple[list[Capture], list[Unread]]:
    """Return the captures in these files and folders, by name, and what cannot be read.

    ``skip`` is a folder never searched: the one for the results.
    """
    given = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  (links keep their names)
    base = common_folder([path for path in given if os.path.lexists(path)])
    captures: dict[Path, Capture] = {}
    unread: dict[Path, Unread] = {}
    for top in given:
        for path, reason in _look(top, skip):
            if reason is None:
                captures[path] = Capture(path, name(path, base), _size(path))
            else:
                unread.setdefault(path, Unread(path, reason))
        if is_folder(top) and not any(path.is_relative_to(top) for path in (*captures, *unread)):
            unread[top] = Unread(top, "no capture in this folder")
    return sorted(captures.values(), key=lambda found: found.name), sorted(
        unread.values(), key=lambda left_out: left_out.path
    )


def several(paths: Iterable[Path], skip: Path | None = None) -> bool:
    """Return whether there is more than one capture in these files and folders; the rest is not looked at."""
    captures = (path for top in paths for path, reason in _look(top, skip) if reason is None)
    return len(list(islice(captures, 2))) > 1


def name(path: Path, base: Path | None) -> str:
    """Return the path relative to base, with "/" between folders; undecodable bytes become \\xNN."""
    below = path.relative_to(base) if base and path.is_relative_to(base) else path
    return readable(below.as_posix())


def readable(path: str) -> str:
    """Return a path as text that can be stored: undecodable bytes become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def located(text: str) -> Path:
    r"""Return the path that ``readable`` made this text of; \xNN are bytes again if no file has this name."""
    path = Path(text)
    if "\\x" not in text or os.path.lexists(path):
        return path
    spelled = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(text))
    other = Path(os.fsdecode(spelled))
    return other if os.path.lexists(other) else path


def hashed(captures: Iterable[Capture], threads: int) -> tuple[list[Capture], list[Unread]]:
    """Return the captures with their hashes, and those whose bytes cannot be read."""
    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(_hashed, captures))
    return [each for each in results if isinstance(each, Capture)], [
        each for each in results if isinstance(each, Unread)
    ]


def _hashed(capture: Capture) -> Capture | Unread:
    try:
        return capture._replace(sha256=sha256(capture.path))
    except OSError as error:
        return Unread(capture.path, said(error))


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def said(error: OSError) -> str:
    """Return the system's message for an error, without number and path."""
    words = error.strerror or type(error).__name__
    if error.errno in errno.errorcode:  # arrow's own text precedes the system's message
        words = os.strerror(error.errno or 0)
    return words[0].lower() + words[1:]


def common_folder(paths: list[Path]) -> Path | None:
    folders = [path if is_folder(path) else path.parent for path in paths]
    try:
        return Path(os.path.commonpath(folders)) if folders else None
    except ValueError:  # on different drives
        return None


def is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  (False, too, where permission is missing)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it has vanished: reading it will report that
        return 0


def _look(top: Path, skip: Path | None) -> Iterator[tuple[Path, str | None]]:
    """Yield the files in a folder, or the file itself, with the reason for not being a capture, or None."""
    if not is_folder(top):
        yield top, _refusal(top)
        return
    for path, reason in walk(top, skip):
        if reason is not None or (reason := _refusal(path)) is None or bears_extension(path):
            yield path, reason


def walk(top: Path, skip: Path | None) -> Iterator[tuple[Path, str | None]]:
    """Yield every file below a folder; and, with a reason, folders that are empty, unreadable or misnamed.

    Linked folders come last and each real folder is entered once, so that loops end.
    """
    entered = {os.path.realpath(skip)} if skip else set()
    waiting = [top]
    links: list[Path] = []
    while waiting or links:
        folder = waiting.pop(0) if waiting else links.pop(0)
        real = os.path.realpath(folder)
        if real in entered:
            continue
        entered.add(real)
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            yield folder, f"folder not looked into: {said(error)}"
            continue
        if not inside and folder != top:
            yield folder, "empty folder"
        for path in inside:
            if not is_folder(path):
                yield path, None
                continue
            (links if path.is_symlink() else waiting).append(path)
            if bears_extension(path):
                yield path, "a folder, not a capture; the files in it are looked at"


def bears_extension(path: PurePath) -> bool:
    """Return whether a file has the extension of a capture, compressed or not."""
    lower = path.name.lower()
    for packed in PACKED_EXTENSIONS:
        lower = lower.removesuffix(packed)
    return lower.endswith(EXTENSIONS)


def _refusal(path: Path) -> str | None:
    """Return why this is no capture, None if it is one."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe would wait for its writer
            return "not a regular file"
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        return f"dangling link to {path.readlink()}" if path.is_symlink() else "no such file or folder"
    except OSError as error:
        return said(error)
    return _refusal_of(head, path)


def _refusal_of(head: bytes, path: Path) -> str | None:
    if not head:
        return "empty file"
    if head.startswith(GZIP):
        return _refusal_of_gzip(path)
    if any(head.startswith(magic) for magic in PACKED.values()) and bears_extension(path):
        return None
    return None if _is_capture(head) else NOT_A_CAPTURE


def _refusal_of_gzip(path: Path) -> str | None:
    try:
        with gzip.open(path) as file:
            head = file.read(HEAD)
    except (OSError, EOFError, zlib.error):
        return DAMAGED_GZIP
    return None if _is_capture(head) else "gzip file without a capture in it"


def _is_capture(head: bytes) -> bool:
    return any(head.startswith(magic) for magics in MAGIC.values() for magic in magics)

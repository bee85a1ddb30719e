"""legshark: what happened on every leg of every call in a packet capture.

In a notebook::

    import postproc
    run = postproc.analyze("pcaps/")
    run.calls
"""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from postproc.version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from postproc.model.deployment import Deployment
    from postproc.model.text import Lang
    from postproc.pipeline import Run

__all__ = ["__version__", "analyze", "load"]


def analyze(
    paths: str | Path | Iterable[str | Path],
    out: str | Path | None = None,
    *,
    jobs: int = 1,
    executor: "Executor | None" = None,
    all_packets: bool = False,
    keylog: str | Path | None = None,
    csv: bool = False,
    deployment: "Deployment | str | Path" = "xphone",
    acl: str | Path | None = None,
    acl_list: str | Iterable[str] = (),
    signalling_list: str | Iterable[str] = (),
    only: str | Iterable[str] = (),
    fs_logs: str | Path | Iterable[str | Path] = (),
    lang: "Lang | None" = None,
) -> "Run":
    """Read captures (files, folders) and return the tables: ``run.calls``, ``run.bindings``, ...

    Without ``out`` nothing is kept on disk; with it the results are written
    there as ``postproc run`` does, and a second call reads only what has
    changed. ``jobs`` above one starts processes. Files that cannot be read are in
    ``run.unread``. ``deployment`` is a file, or the name of a shipped one:
    xphone, freeswitch, generic; ``acl``, ``acl_list``, ``signalling_list`` and ``only``
    are as with ``postproc run``. ``fs_logs`` are FreeSWITCH logs, and folders
    with such: their lines about the calls are in ``run.log_events``. ``lang``,
    ``en`` or ``de``, is that of headlines, findings and pictures, by the locale if None. Raises
    FileNotFoundError where a path does not exist, errors.SetupError when tshark is missing, or
    the deployment, the access lists or the name of a rule has a mistake. What is odd in
    a file of access lists is a UserWarning.
    """
    from postproc import pipeline  # noqa: PLC0415  (pandas is not needed for the version)
    from postproc.commands.language import locale_language  # noqa: PLC0415
    from postproc.diagnose import named  # noqa: PLC0415
    from postproc.read import access  # noqa: PLC0415
    from postproc.read import deployment as deployments  # noqa: PLC0415
    from postproc.read.option_files import Options  # noqa: PLC0415
    from postproc.show.acl import note  # noqa: PLC0415

    captures = [paths] if isinstance(paths, str | Path) else list(paths)
    for path in captures:
        Path(path).lstat()  # raises where there is nothing; what cannot be read is in ``run.unread``
    lang = lang or locale_language()
    known = deployments.read(deployment) if isinstance(deployment, str | Path) else deployment
    known, lists = access.given(
        known, Path(acl) if acl else None, _several(acl_list), _several(signalling_list)
    )
    for odd in lists.notes:
        warnings.warn(note(odd.kind, odd.text, lang), stacklevel=2)
    return pipeline.run(
        captures,
        Path(out) if out is not None else None,
        options=Options(all_packets=all_packets, keylog=Path(keylog) if keylog else None),
        jobs=jobs,
        executor=executor,
        csv=csv,
        deployment=known,
        only=named(_several(only)),
        fs_logs=[fs_logs] if isinstance(fs_logs, str | Path) else list(fs_logs),
        lang=lang,
    )


def _several(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def load(
    folder: str | Path,
    *,
    since: str | None = None,
    until: str | None = None,
    site: str | None = None,
    calls: Iterable[str] = (),
) -> "Run":
    """The results ``postproc run`` or ``analyze`` left in a folder, or calls of a dataset.

    Of a dataset (``--dataset``) only the hours of the calls wanted are read: of those that started at
    ``since`` or later and before ``until`` (ISO 8601 in UTC, or ``30d``, ``12h``, ``5m`` ago), of one
    ``site``, with one of ``calls`` as ``call_uid``. They are numbered by their start. SetupError when there
    is neither.
    """
    from postproc import dataset, pipeline  # noqa: PLC0415

    wanted = dataset.wanted(since, until, site=site, uids=tuple(calls))
    if wanted == dataset.Wanted() and not dataset.is_dataset(Path(folder)):
        return pipeline.load(folder)
    return dataset.load(Path(folder), wanted)

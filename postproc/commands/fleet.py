"""``postproc run --dask``: the work is done by the workers of a cluster."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.model.errors import SetupError
from postproc.model.text import Lang
from postproc.version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from postproc.dataset import Appended
    from postproc.model.deployment import Deployment
    from postproc.read.inputs import Unread
    from postproc.read.option_files import Options
    from postproc.show.terminal import Tell

WITHIN = 10.0  # s in which a scheduler answers


def dask_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--dask``; it gets ``dask: str | None``."""
    return click.option(
        "--dask",
        metavar="ADDRESS",
        help="Have workers of this Dask scheduler read the captures; with --dataset they do all the work.",
    )(command)


@contextmanager
def cluster(address: str) -> "Iterator[Executor]":
    """The workers of a scheduler as an executor; SetupError where there are none like us."""
    try:
        from distributed import Client
    except ImportError:
        raise SetupError("--dask needs distributed: pip install 'legshark[cluster]'") from None
    try:
        client = Client(address, timeout=WITHIN, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # TypeError: of addresses of another form
        raise SetupError(f"--dask {address}: no scheduler answers: {error}") from error
    with client:
        try:
            versions: dict[str, str] = client.run(_version)
        except ImportError as error:
            raise SetupError(f"--dask {address}: a worker lacks legshark: {error}") from error
        if not versions:
            raise SetupError(f"--dask {address}: the scheduler has no workers")
        for worker, version in versions.items():
            if version != __version__:
                raise SetupError(f"{worker}: the worker has version {version}, this is {__version__}")
        yield client.get_executor(pure=False)


def _version() -> str:
    from postproc.version import __version__ as found

    return found


@dataclass(frozen=True)
class Given:
    """What is to be judged, and how; the site is that of each folder's name if None."""

    paths: tuple[str, ...]
    site: str | None
    deployment: "Deployment"
    options: "Options"
    lang: Lang
    only: tuple[str, ...]


@dataclass(frozen=True)
class There:
    """What came of it: how many calls, and how severe their findings are."""

    appended: "Appended"
    severities: set[str]


def judged_there(
    given: Given,
    dataset: Path,
    executor: "Executor",
    tell: "Tell",
    unread: "Callable[[Iterable[Unread]], None]",
) -> There:
    """Have workers judge captures and add their calls to a dataset.

    What cannot be read is handed to ``unread`` as it is met: nothing of a call is kept here.
    """
    from postproc import fleet
    from postproc.dataset import Appended
    from postproc.stages import Work

    chains, left_out = fleet.chains(given.paths, given.site)
    unread(left_out)
    keylog = given.options.keylog and given.options.keylog.absolute()
    options = replace(given.options, keylog=keylog)
    work = Work(given.deployment, options, (), given.lang, given.only, jobs=1)
    added, there, severities = 0, 0, set[str]()
    for done in fleet.run(chains, fleet.Task(work, dataset.absolute()), executor, tell):
        unread(done.unread)
        added, there = added + done.added, there + done.there
        severities |= done.severities
    return There(Appended(added, there), severities)

"""``postproc run --dask``: the workers of a cluster do the work."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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

WITHIN = 10.0  # s to wait for a scheduler; a choice: one that runs answers within ms


def dask_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--dask``; the command gets ``dask: str | None``."""
    return click.option(
        "--dask",
        metavar="ADDRESS",
        help="Dask scheduler whose workers read the captures; with --dataset they do all the work.",
    )(command)


@contextmanager
def cluster(address: str) -> "Iterator[Executor]":
    """Yield a scheduler's workers as an executor; raises SetupError without workers of this version."""
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


class Given(NamedTuple):
    """What the workers are to judge, and how; ``site`` None: each folder's name is its site."""

    paths: tuple[str, ...]
    site: str | None
    deployment: "Deployment"
    options: "Options"
    lang: Lang
    only: tuple[str, ...]


class There(NamedTuple):
    """The result: calls added, and the severities of their findings."""

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

    What cannot be read is passed to ``unread`` as it is met; calls never get to this process.
    """
    from postproc import fleet
    from postproc.dataset import Appended
    from postproc.stages import Work

    chains, unreadable = fleet.chains(given.paths, given.site)
    unread(unreadable)
    keylog = given.options.keylog and given.options.keylog.absolute()
    options = given.options._replace(keylog=keylog)
    work = Work(given.deployment, options, (), given.lang, given.only, jobs=1)
    added, present, severities = 0, 0, set[str]()
    for result in fleet.run(chains, fleet.Task(work, dataset.absolute()), executor, tell):
        unread(result.unread)
        added, present = added + result.added, present + result.there
        severities |= result.severities
    return There(Appended(added, present), severities)

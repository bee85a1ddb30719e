"""Iterate an asynchronous iterator synchronously."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


def taken(results: AsyncIterator[T]) -> Iterator[T]:
    """Yield each result as it arrives; the event loop is closed when they end or the iterator is closed."""
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(_next(results))
            except StopAsyncIteration:
                return


async def _next(results: AsyncIterator[T]) -> T:
    return await anext(results)

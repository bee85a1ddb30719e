"""Iterates over the results of asynchronous code from synchronous code."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


def taken(results: AsyncIterator[T]) -> Iterator[T]:
    """Yield each result as it comes; the loop is closed at the end, or when the caller stops iterating."""
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(_next(results))
            except StopAsyncIteration:
                return


async def _next(results: AsyncIterator[T]) -> T:
    return await anext(results)

"""One number for an address, a port at it, or two of these: what packets are sorted and counted by.

Two different ones have the same number by chance only (64 bits).
"""

import numpy as np

from postproc.read.arrays import Array

MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93))
HALF = np.uint64(32)


def host(low: Array, high: Array | None = None) -> Array:
    """Numbers of addresses, given as their lower and higher 64 bits; no higher ones are 0."""
    number: Array = (low if high is None else high * MIX[0] + low) * MIX[1]
    return number


def endpoint(host: Array, port: Array) -> Array:
    return mixed(host + port * MIX[2])


def flow(one: Array, other: Array) -> Array:
    """Numbers of flows or connections between two endpoints, the same both ways."""
    return mixed(one + other)


def mixed(numbers: Array) -> Array:
    """Spread 64-bit numbers, so that sums of them meet by chance only."""
    numbers = (numbers ^ numbers >> HALF) * MIX[0]
    spread: Array = numbers ^ numbers >> HALF
    return spread

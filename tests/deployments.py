"""Deployments for tests: what a run without options knows, and nothing."""

from postproc.read.deployment import read

XPHONE = read("xphone")

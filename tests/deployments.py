"""Deployments for tests: the default one, and one that assumes nothing."""

from postproc.read.deployment import read

XPHONE = read("xphone")

"""Walks the guide's first chart.

By captures, configuration and probes where they answer, else by asking the user.
"""

"""Generates the captures of pcaps/made: one script each, whose ``make()`` returns the files by name.

``python -m pcaps.make [NAME ...]`` writes them with their truth files, and updates registry.csv.
"""

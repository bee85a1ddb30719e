"""Makes the captures of pcaps/made: one script each, ``make()`` gives the files by name.

``python -m pcaps.make [NAME ...]`` writes them, with their truth files, and renews registry.csv.
"""

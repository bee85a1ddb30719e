"""The lanes of a call's timeline, one module each: tables in, events out."""

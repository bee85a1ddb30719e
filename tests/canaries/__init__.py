"""Captures and logs with a canary in every field that is somebody's to fill, and the search for what got out.

Not shipped: tests redact what is made here, and then look for each canary in every form.
"""

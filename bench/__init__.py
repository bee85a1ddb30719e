"""The benchmark: generates captures, and measures and checks programs on them.

Of ``postproc`` the generator uses only the codecs of ``postproc.wire``.
"""

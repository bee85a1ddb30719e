"""A campaign of mutated inputs against the whole program: ``make fuzz``, ``python -m tests.fuzz --help``.

``corpus`` holds what is mutated; ``sip``, ``binary``, ``packets``, ``files`` and ``texts``
how; ``mutate`` makes a mutant of a number, so that a number is all that is needed to
make it again. ``stages`` do with mutants what users do with captures, ``rules`` say what
must hold whatever comes in, ``campaign`` brings them together, and ``shrink`` makes what
failed small.
"""

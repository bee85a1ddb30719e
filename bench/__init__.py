"""The benchmark: captures made to measure, and the measuring of them.

Nothing of ``postproc`` is imported here: captures are built and answers are
checked independently of the program that is measured.
"""

"""The commands of the command line, one topic per module; ``postproc.cli`` registers them."""

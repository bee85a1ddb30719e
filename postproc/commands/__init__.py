"""The command line's commands, one module each; ``postproc.cli`` puts them together."""

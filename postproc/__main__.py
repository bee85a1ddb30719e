"""``python -m postproc`` and the command ``postproc``."""


def main() -> None:
    """Run the command line."""
    from postproc.cli import cli  # noqa: PLC0415  (processes that read captures import this module)

    cli(prog_name="postproc")


if __name__ == "__main__":
    main()

"""What proves audio: not video, on a leg whose descriptions have audio, as it comes without audio, too."""


def describes_audio(media: str | None, port: int | None) -> bool:
    """Whether an m= section stands for audio, and is not rejected."""
    return media == "audio" and bool(port)


def proves_audio(media: str | None, *, described: bool) -> bool:
    """Whether a stream of this kind may count as audio of its leg; ``described``: the leg describes audio."""
    return not (described and media == "video")

"""The README as a package page has it: what leads into the repository, whole addresses.

Hatchling calls this while it builds (``tool.hatch.metadata.hooks.custom``).
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#|mailto:)([^)\s]+)\)")


def page(readme: str, repository: str) -> str:
    """Return the text with its links into the repository as whole addresses, pictures as raw files."""

    def whole(found: "re.Match[str]") -> str:
        kind = "raw" if found[1] else "blob"
        return f"{found[1]}[{found[2]}]({repository}/{kind}/main/{found[3]})"

    return LINK.sub(whole, readme)


class PackagePage(MetadataHookInterface):
    """Sets ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = self.config["repository"]
        metadata["readme"] = {"content-type": "text/markdown", "text": page(text, repository)}

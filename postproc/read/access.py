"""What a file says of access: its lists, which of them are applied to what, and what was odd in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from postproc.model.acl import AccessList
from postproc.model.deployment import Deployment


@dataclass(frozen=True)
class Note:
    """Something about the file people should know.

    include: other files or variables belong to it; unresolved: an entry only
    FreeSWITCH can resolve; ignored: an entry FreeSWITCH would not take;
    profiles: they apply different lists, none of which is taken.
    """

    kind: Literal["include", "unresolved", "ignored", "profiles"]
    text: str


@dataclass(frozen=True)
class Access:
    """Lists by name; ``candidate`` and ``signalling`` name those applied, in order, where that is said."""

    lists: Mapping[str, AccessList] = field(default_factory=dict)
    candidate: tuple[str, ...] = ()
    signalling: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def into(self, deployment: Deployment) -> Deployment:
        """Return the deployment with these lists beside its own; what the file says is applied, is."""
        return replace(
            deployment,
            lists={**deployment.lists, **self.lists},
            candidate_acl=self.candidate or deployment.candidate_acl,
            signalling_acl=self.signalling or deployment.signalling_acl,
        )

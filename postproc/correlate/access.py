"""What the deployment's access lists say of every candidate offered to the server."""

import pandas as pd

from postproc.acl import decide
from postproc.correlate.records import column
from postproc.deployment import SERVER, Deployment


def access(candidates: pd.DataFrame, deployment: Deployment) -> pd.DataFrame:
    """Fill ``acl_verdict`` of CANDIDATES but the server's own.

    NA where no lists are known, unknown where it is not known which are applied.
    """
    names, lists = deployment.candidate_acl, deployment.lists
    if not (names or lists) or candidates.empty:
        return candidates
    told = column(candidates["addr"])
    verdicts = {address: decide(address, names, lists).verdict for address in set(told)}
    offered = candidates["side"].ne(SERVER).fillna(False)
    verdict = pd.Series(pd.array([verdicts[address] for address in told], "string"), candidates.index)
    return candidates.assign(acl_verdict=verdict.where(offered))

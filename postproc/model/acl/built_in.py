"""The lists that FreeSWITCH builds itself (1.10: src/switch_core.c, switch_load_network_lists)."""

from collections.abc import Mapping, Sequence

from postproc.model.acl.lists import AccessList, Unresolved, built

WITHOUT_LISTS = ("wan.auto",)  # what FreeSWITCH applies where no candidate ACL is configured
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")  # RFC 1918
NOT_WAN = ("0.0.0.0/8", *PRIVATE, "169.254.0.0/16", "100.64.0.0/10")
OWN_NETWORK = "$${local_ip_v4}/$${local_mask_v4}"  # of the interface with the default route


def of_machine(networks: Sequence[str] = ()) -> tuple[AccessList, AccessList]:
    """Build localnet.auto and nat.auto for a machine in these networks; with none, they are undecided."""
    is_resolved = bool(networks)
    local = built("localnet.auto", False, allow=networks)
    nat = built("nat.auto", False, allow=(*PRIVATE, "100.64.0.0/10"), deny=networks)
    if is_resolved:
        return local, nat
    return (
        AccessList(local.name, False, local.entries, (Unresolved(OWN_NETWORK, True),)),
        AccessList(nat.name, False, nat.entries, (Unresolved(OWN_NETWORK, False),)),
    )


BUILT_IN: Mapping[str, AccessList] = {
    each.name: each
    for each in (
        built("rfc6598.auto", False, allow=("100.64.0.0/10",)),
        built("rfc1918.auto", False, allow=(*PRIVATE, "fe80::/10")),
        built("wan.auto", True, deny=(*NOT_WAN, "fe80::/10")),
        built("wan_v6.auto", True, deny=("0.0.0.0/0", "fe80::/10")),
        built("wan_v4.auto", True, deny=(*NOT_WAN, "::/0")),
        built("any_v6.auto", True, deny=("0.0.0.0/0",)),
        built("any_v4.auto", True, deny=("::/0",)),
        built("loopback.auto", False, allow=("127.0.0.0/8", "::1/128")),
        *of_machine(),
    )
}

"""What closed families may reach, held by the kernel's packet filter as well: nft(8). Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from ethops.split.families import FAMILIES, Egress


def ruleset(reached: Sequence[str], users: Sequence[str] = ()) -> str:
    """Return a table of its own that refuses what a closed family's user sends elsewhere."""
    closed = users or [family.user for family in FAMILIES if family.egress is Egress.CLOSED]
    let = [
        f"    meta skuid {{ {', '.join(closed)} }} {kind} daddr {{ {', '.join(found)} }} accept"
        for kind, version in (("ip", 4), ("ip6", 6))
        if (found := [each for each in reached if ip_address(each).version == version])
    ]
    return "\n".join(
        [
            "table inet ethops",
            "delete table inet ethops",
            "table inet ethops {",
            "  chain output {",
            "    type filter hook output priority 0; policy accept;",
            '    oifname "lo" accept',
            *let,
            f"    meta skuid {{ {', '.join(closed)} }} counter reject with icmpx admin-prohibited",
            "  }",
            "}",
            "",
        ]
    )

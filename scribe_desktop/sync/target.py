"""Which server to deliver to."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """A server and the token for it.

    Attributes:
        origin: scheme, host and port, as server_api.normalise_origin gives them.
        token: None for a server that asks for none.
        local: the bundled server of this computer; its port changes at every start.
        insecure: plain http to another computer is allowed.
    """

    origin: str
    token: str | None = field(repr=False)
    local: bool = False
    insecure: bool = False

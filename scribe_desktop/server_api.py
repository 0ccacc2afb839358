"""The REST client: a token goes to its own origin only, and no redirect is ever followed."""

import asyncio
import ipaddress
from collections.abc import Coroutine
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from scribe_desktop.errors import RefusedError, UnreachableError, UsageError
from scribe_server import protocol
from scribe_server.protocol import RestError, ServerKeys, SessionList, StoredChunk, StoredChunks

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""A longer answer is refused: the list of a million chunks needs less than twice this."""
_TIMEOUT_S: Final = 20.0
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

T = TypeVar("T")
P = TypeVar("P", bound=msgspec.Struct)


def normalise_origin(text: str) -> str:
    """The origin that a person's words stand for: `https://host[:port]`, in lower case.

    `https` is put in front when there is no scheme, `http` for this computer.

    Raises:
        UsageError: it is not the address of a server.
    """
    words = text.strip()
    if "://" not in words:
        scheme = "http" if is_loopback(urlsplit(f"//{words}").hostname or "") else "https"
        words = f"{scheme}://{words}"
    try:
        parts = urlsplit(words)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_address(text, str(error)) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise _bad_address(text, f"{parts.scheme} is not a way to reach a server")
    if not host or any(character.isspace() for character in host):
        raise _bad_address(text, "it names no server")
    if parts.username or parts.password:
        raise _bad_address(text, "it must not hold a name or a password")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad_address(text, "it must end after the server's name")
    shown = f"[{host}]" if ":" in host else host
    ending = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{ending}"


def is_loopback(host: str) -> bool:
    """Whether a host name stands for this computer itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_for_tokens(origin: str) -> bool:
    """Whether a token may go there without being readable on the way."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def blocking(call: Coroutine[Any, Any, T]) -> T:
    """Wait for a call from a thread that has no event loop, as the command line does."""
    return asyncio.run(call)


class ServerApi:
    """The REST interface of one server.

    Every call raises UnreachableError when nobody answers as a Scribe server does, and
    RefusedError with the server's sentence when it refuses.
    """

    def __init__(self, origin: str, token: str | None, *, insecure: bool = False) -> None:
        if token is not None and not insecure and not is_safe_for_tokens(origin):
            raise UsageError(
                "The connection is not protected",
                f"A token must not go to {origin}: everyone on the way could read it.",
                "Use https, or allow it for this server if you trust the network.",
            )
        self._origin = origin
        self._token = token

    async def chunks(self, session_id: str) -> list[StoredChunk]:
        """What the server has of a session, in ascending order; empty when it has none."""
        answer = await self._get(f"/api/sessions/{session_id}/chunks", StoredChunks, missing=True)
        return [] if answer is None else answer.chunks

    async def chunk(self, session_id: str, sequence: int) -> bytes:
        """The bytes of one chunk as the server has them."""
        return await self._fetch(f"/api/sessions/{session_id}/chunks/{sequence}") or b""

    async def keys(self) -> ServerKeys:
        """The server's id and its receipt keys, the current one first."""
        answer = await self._get(protocol.WELL_KNOWN_KEYS, ServerKeys)
        if answer is None or not answer.keys:
            raise _no_scribe_server(self._origin, "it has no receipt keys")
        return answer

    async def sessions(self, *, limit: int = 50, cursor: str | None = None) -> SessionList:
        """The user's sessions on the server, newest first; also a way to try a token."""
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        answer = await self._get(f"/api/sessions{query}", SessionList)
        return answer or SessionList(sessions=[], next=None)

    async def health(self) -> None:
        """Return when the server says that it is alive."""
        await self._fetch("/healthz")

    async def clock(self) -> int:
        """The server's clock: ms since 1970 UTC, to the second (Date, RFC 9110 section 6.6.1)."""
        _, date = await self._exchange("/healthz")
        try:
            return int(parsedate_to_datetime(date).timestamp() * 1000)
        except ValueError as error:
            raise _no_scribe_server(self._origin, "it does not say what time it is") from error

    async def _get(self, path: str, kind: type[P], *, missing: bool = False) -> P | None:
        body = await self._fetch(path, missing=missing)
        if body is None:
            return None
        try:
            return protocol.parse(msgspec.json.decode(body), kind)
        except msgspec.MsgspecError as error:
            raise _no_scribe_server(self._origin, str(error)) from error

    async def _fetch(self, path: str, *, missing: bool = False) -> bytes | None:
        body, _ = await self._exchange(path, missing=missing)
        return body

    async def _exchange(self, path: str, *, missing: bool = False) -> tuple[bytes | None, str]:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        try:
            async with (
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(),
                    timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
                    trust_env=False,
                ) as session,
                session.get(
                    self._origin + path, headers=headers, allow_redirects=False
                ) as response,
            ):
                body = await _limited(response)
                status, date = response.status, response.headers.get("Date", "")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UnreachableError(
                "The server is out of reach",
                f"{self._origin} does not answer ({str(error) or type(error).__name__}).",
                "Check the address and the network.",
            ) from error
        if 200 <= status < 300:
            return body, date
        if missing and status == 404:
            return None, date
        raise _refusal(self._origin, status, body)


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise ValueError("the answer is too long")
    return bytes(body)


def _refusal(origin: str, status: int, body: bytes) -> RefusedError | UnreachableError:
    if 300 <= status < 400:
        return _no_scribe_server(origin, "it redirects elsewhere, which is never followed")
    try:
        said = protocol.parse(msgspec.json.decode(body), RestError)
    except msgspec.MsgspecError:
        return _no_scribe_server(origin, f"it answers with status {status}")
    return RefusedError("The server refused", said.error, said.details or "")


def _no_scribe_server(origin: str, why: str) -> UnreachableError:
    return UnreachableError(
        "That is not a Scribe server", f"{origin}: {why}.", "Check the server's address."
    )


def _bad_address(text: str, why: str) -> UsageError:
    return UsageError(
        "That is not a server's address",
        f"{text!r}: {why}.",
        "Write it like https://scribe.example.org.",
    )

"""Handlers that give out audio: one chunk as it came, or a whole session as one WebM."""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from scribe_server.auth import Owner
from scribe_server.http_api.answers import refuse
from scribe_server.http_api.ranges import Slice, matches, requested
from scribe_server.http_api.services import Services, services
from scribe_server.http_api.sessions import session_id
from scribe_server.media.build import NotPlayableError, join_fragments, stitch_chunks
from scribe_server.protocol import ErrorCode
from scribe_server.store.sessions import SessionMedia

MISSING_HEADER: Final = "Scribe-Missing-Chunks"
_CHUNKS_LAYOUT: Final = "chunks"
_PIECE: Final = 256 * 1024
_EBML: Final = b"\x1a\x45\xdf\xa3"


async def one_chunk(request: web.Request, owner: Owner) -> web.StreamResponse:
    """The bytes of one chunk, as the client sent them."""
    sequence = request.match_info["sequence"]
    if not re.fullmatch(r"[0-9]{1,6}", sequence):
        return refuse(ErrorCode.NOT_FOUND)
    books = services(request).books
    part = await books.part(owner, session_id(request), int(sequence))
    if part is None:
        return refuse(ErrorCode.NOT_FOUND, "The server has no such chunk of this session.")
    data = await books.read_part(part)
    # Never the type that the client claimed: it could make a browser run what it sent.
    kind = "audio/webm" if data.startswith(_EBML) else "application/octet-stream"
    return web.Response(body=data, content_type=kind)


async def whole_session(request: web.Request, owner: Owner) -> web.StreamResponse:
    """The session as one playable WebM, with byte ranges; missing chunks are silence.

    The header Scribe-Missing-Chunks tells how many are missing below the highest.
    """
    found = services(request)
    media = await found.books.media(owner, session_id(request))
    if media is None:
        return refuse(ErrorCode.NOT_FOUND)
    if (problem := _unplayable(media)) is not None:
        return _not_playable(problem)
    etag = f'"{_key(media)}"'
    if matches(request.headers.get(hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers={hdrs.ETAG: etag})
    try:
        path = await found.audio.get(_key(media), lambda out: _build(found, media, out))
    except NotPlayableError as error:
        return _not_playable(str(error))
    missing = media.parts[-1].sequence + 1 - len(media.parts)
    return await _send_file(request, path, etag, missing)


def _unplayable(media: SessionMedia) -> str | None:
    if media.cold:
        return "its audio was removed, as the server's rules for old recordings say"
    if not media.parts:
        return "it has no audio yet"
    if media.layout != _CHUNKS_LAYOUT and media.parts[0].sequence != 0:
        return "its first piece, which holds the header, is missing"
    return None


def _not_playable(why: str) -> web.Response:
    return refuse(ErrorCode.UNSUPPORTED_MEDIA, f"This session is not playable: {why}.")


def _key(media: SessionMedia) -> str:
    """Names the result: its session, and what it is built from."""
    state = hashlib.sha256(media.layout.encode())
    for part in media.parts:
        state.update(f"{part.sequence} {part.sha256} {part.first_sample}\n".encode())
    # The session's id was checked to be one. Of two users with the same, each has other parts.
    return f"{media.session_id.lower()}-{state.hexdigest()}"


async def _build(found: Services, media: SessionMedia, path: Path) -> None:
    parts = _read(found, media)
    if media.layout == _CHUNKS_LAYOUT:
        await stitch_chunks(parts, path)
    else:
        await join_fragments(parts, path)


async def _read(found: Services, media: SessionMedia) -> AsyncIterator[tuple[int | None, bytes]]:
    for part in media.parts:
        yield part.first_sample, await found.books.read_part(part)


async def _send_file(
    request: web.Request, path: Path, etag: str, missing: int
) -> web.StreamResponse:
    with await asyncio.to_thread(path.open, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        headers = {
            hdrs.ETAG: etag,
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CACHE_CONTROL: "private, no-cache",
            MISSING_HEADER: str(missing),
        }
        try:
            wanted = _wanted(request, size, etag)
        except ValueError:
            headers[hdrs.CONTENT_RANGE] = f"bytes */{size}"
            return web.Response(status=416, headers=headers)
        if wanted is not None:
            headers[hdrs.CONTENT_RANGE] = wanted.content_range
        response = web.StreamResponse(status=200 if wanted is None else 206, headers=headers)
        response.content_type = "audio/webm"
        part = wanted or Slice(0, size, size)
        response.content_length = part.length
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await _send(response, file, part)
        await response.write_eof()
        return response


def _wanted(request: web.Request, size: int, etag: str) -> Slice | None:
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is not None and condition != etag:
        return None
    return requested(request.headers.get(hdrs.RANGE), size)


async def _send(response: web.StreamResponse, file: BinaryIO, part: Slice) -> None:
    left = part.length
    file.seek(part.start)
    while left > 0:
        data = await asyncio.to_thread(file.read, min(_PIECE, left))
        await response.write(data)
        left -= len(data)

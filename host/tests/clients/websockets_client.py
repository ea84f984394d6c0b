"""Talks to rooms with Python's package `websockets`: first to the logic `ledger`, then to `echo`, which replaces it.

usage: websockets_client.py ADDRESS ADMIN LOGIC NEXT
"""

import asyncio
import http.client
import os
import shutil
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ADDRESS, ADMIN, LOGIC, NEXT = sys.argv[1:]


def client(path, **options):
    # The environment can name a proxy.
    return connect(f"ws://{ADDRESS}{path}", proxy=None, max_size=None, **options)


async def ask(socket, message):
    await socket.send(message)
    return await socket.recv()


async def closed(socket):
    try:
        while True:
            await socket.recv()
    except ConnectionClosed:
        return socket.close_code, socket.close_reason


def replace():
    shutil.copyfile(NEXT, LOGIC + ".new")
    os.rename(LOGIC + ".new", LOGIC)
    admin = http.client.HTTPConnection(ADMIN)
    admin.request("POST", "/replace")
    answer = admin.getresponse().read()
    assert answer == b"1 rooms replaced, 0 refused\n", answer


async def main():
    # The client offers compression, and this one a subprotocol.
    async with client("/lobby") as one, client("/lobby", subprotocols=["chat.v2"]) as other:
        for socket in one, other:
            headers = socket.response.headers
            assert "Sec-WebSocket-Extensions" not in headers, headers
            assert "Sec-WebSocket-Protocol" not in headers, headers
        hello = "1 1 hällo 🌍"
        assert await ask(one, "hällo 🌍") == hello
        assert await other.recv() == hello

        pong = await one.ping("are you there")
        await pong

        await other.send("leave")
        assert await closed(other) == (3001, "it asked to leave")
        for path, code, reason in [
            ("/lobby?refuse", 3002, "it was told to refuse"),
            ("/", 1008, "the name of the room is missing; write it after the address, as in `/lobby`"),
            ("/%FF", 1008, "the name of the room is not UTF-8"),
        ]:
            async with client(path) as refused:
                assert await closed(refused) == (code, reason)

        await asyncio.to_thread(replace)
        assert await ask(one, "talk on") == "talk on"
        assert await ask(one, "") == ""
        assert await ask(one, b"") == b""
        some = bytes(range(256)) * 273
        assert await ask(one, some) == some
        # More than fits in one frame of the answer.
        large = "🌍ä" * 900_000
        assert await ask(one, large) == large
        assert await ask(one, [large[:1], large[1:800_001], large[800_001:]]) == large
        encoded = large.encode()
        assert await ask(one, [encoded[:1], encoded[1:2_000_001], encoded[2_000_001:]]) == encoded

        too_large = bytes(9 << 20)
        for message in too_large, [too_large[: 5 << 20], too_large[5 << 20 :]]:
            # Not `async with`: to close a connection again that ended while it was written to is an error in asyncio.
            socket = await client("/lobby")
            try:
                await socket.send(message)
            except ConnectionClosed:
                pass
            code, reason = await closed(socket)
            assert code == 1009 and "8388608" in reason, (code, reason)

        assert await ask(one, "still here") == "still here"
        await one.close(4000, "goodbye")
        assert one.close_code == 4000, one.close_code


asyncio.run(asyncio.wait_for(main(), 60))

"""Talks to the logic `echo` by TLS, with Python's package `websockets`.

usage: tls_client.py ADDRESS AUTHORITY
"""

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

ADDRESS, AUTHORITY = sys.argv[1:]


async def echoes(context, origin=None):
    async with connect(f"wss://{ADDRESS}/lobby", ssl=context, origin=origin, proxy=None) as socket:
        for message in "hello", bytes(100_000):
            await socket.send(message)
            assert await socket.recv() == message


async def main():
    context = ssl.create_default_context(cafile=AUTHORITY)
    await echoes(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    await echoes(context)
    # A page of this server, and one from elsewhere.
    await echoes(context, f"https://{ADDRESS}")
    try:
        await echoes(context, "https://elsewhere.example")
        raise AssertionError("another origin has connected")
    except InvalidStatus as refused:
        assert refused.response.status_code == 403, refused
    # Without TLS there is no answer.
    try:
        async with connect(f"ws://{ADDRESS}/lobby", proxy=None):
            raise AssertionError("a client has connected without TLS")
    except (InvalidMessage, ConnectionError):
        pass
    # Other authorities do not vouch for the server.
    try:
        await echoes(ssl.create_default_context())
        raise AssertionError("the server is trusted by anybody")
    except ssl.SSLCertVerificationError:
        pass
    await echoes(context)


asyncio.run(asyncio.wait_for(main(), 60))

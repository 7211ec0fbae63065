"""Permit's SDK for Python, driven by lines of JSON: how it is made, the name of a method and its arguments in, what it gave out.

    {"made": {"token": "..."}, "name": "api.users.create", "args": [{"key": "user|sam"}], "named": {}}
    {"value": {...}}    or    {"error": "PermitApiError", "message": "..."}

What it gives has passed the SDK's own models, which take ids for UUIDs and times for datetimes, and miss nothing that
they require.
"""

import asyncio
import json
import sys

from loguru import logger
from permit import Permit
from permit.api.encoders import jsonable_encoder


async def call(permit, name, args, named):
    target = permit
    for part in name.split("."):
        target = getattr(target, part)
    return jsonable_encoder(await target(*args, **named))


async def main():
    # Its log would print what is refused.
    logger.remove()
    clients = {}
    for line in sys.stdin:
        asked = json.loads(line)
        made = json.dumps(asked["made"])
        try:
            if made not in clients:
                clients[made] = Permit(**asked["made"])
            answer = {"value": await call(clients[made], asked["name"], asked["args"], asked["named"])}
        except Exception as error:  # Every failure is an answer: the test says which it wants.
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())

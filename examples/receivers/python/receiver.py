"""Receives webhooks with FastAPI: checks the bearer token and the signature, and processes each event once."""

import hashlib
import hmac
import json
import os
from collections import OrderedDict

from fastapi import BackgroundTasks, FastAPI, Request, Response
from standardwebhooks import Webhook

MAX_BYTES = 2 * 1024 * 1024
REMEMBERED_IDS = 10_000


def secrets_in(name):
    """While you replace a secret, set both, separated by a comma: new,old"""
    secrets = [one for one in os.environ.get(name, "").split(",") if one]
    if not secrets:
        raise SystemExit(f"Set {name}.")
    return secrets


CLIENT_SECRETS = secrets_in("CLIENT_SECRET")
WEBHOOKS = [Webhook(secret) for secret in secrets_in("SIGNING_SECRET")]

app = FastAPI(openapi_url=None)


@app.post("/webhooks")
async def receive(request: Request, tasks: BackgroundTasks) -> Response:
    if not has_token(request.headers.get("authorization", "")):
        return Response(status_code=401)
    body = await read(request)
    if body is None:
        return Response(status_code=413)
    if not is_signed(body, request.headers):
        return Response(status_code=401)
    try:
        payload = json.loads(body)
    except ValueError:
        return Response(status_code=400)
    # A test request has no event behind it.
    if request.headers.get("x-posthorn-test") == "true":
        return Response(status_code=204)
    event_id = request.headers["webhook-id"]
    if store(event_id, payload):
        # Respond first, work afterwards: the sender waits for 15 seconds only.
        tasks.add_task(process, event_id, payload)
    # If storing fails, FastAPI responds with 500: whatever isn't 2xx is sent again later.
    return Response(status_code=204, background=tasks)


stored = OrderedDict()


def store(event_id, payload):
    """Returns False if the event is there already: an event can arrive twice.

    This remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and
    is known to all processes, and process what is in it:
    INSERT INTO events (id, payload) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING
    """
    if event_id in stored:
        return False
    stored[event_id] = None
    if len(stored) > REMEMBERED_IDS:
        stored.popitem(last=False)
    return True


def process(event_id, payload):
    """Ignore members and types of events that you don't know: your provider can add some."""
    print(event_id, json.dumps(payload), flush=True)


async def read(request):
    """The bytes as they came, since the signature covers them. None if there are too many."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def has_token(authorization):
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "bearer" and is_one_of(token.strip(" "), CLIENT_SECRETS)


def is_signed(body, headers):
    """The library also refuses a timestamp that is more than five minutes away."""
    for webhook in WEBHOOKS:
        try:
            webhook.verify(body, dict(headers), json_parse=False)
            return True
        except Exception:
            # Not only WebhookVerificationError: a list of signatures that can't be read is a ValueError.
            continue
    return False


def is_one_of(text, expected):
    """Compares digests, and all of them: the time it takes says nothing about a secret."""
    digest = hashlib.sha256(text.encode()).digest()
    found = [hmac.compare_digest(digest, hashlib.sha256(one.encode()).digest()) for one in expected]
    return any(found)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(
        app,
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "9000")),
        # Without them, TLS ends at the proxy in front of it.
        ssl_certfile=os.environ.get("TLS_CERT"),
        ssl_keyfile=os.environ.get("TLS_KEY"),
    )

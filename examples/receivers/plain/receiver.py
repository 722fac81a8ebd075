"""Receives COVER_REFERENCE. Python 3.9 or later, no packages. TLS ends at the proxy in front of it."""

import base64
import hashlib
import hmac
import json
import os
import re
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# While you replace a secret, set both, separated by a comma: new,old
CLIENT_SECRETS = [one for one in os.environ["CLIENT_SECRET"].split(",") if one]
# whsec_…, if you verify signatures
SIGNING_SECRETS = [one for one in os.environ.get("SIGNING_SECRET", "").split(",") if one]
if not CLIENT_SECRETS:
    raise SystemExit("Set CLIENT_SECRET.")
if not all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,}={0,2}", one) for one in SIGNING_SECRETS):
    raise SystemExit("Copy SIGNING_SECRET whole.")

MAX_BYTES = 2 * 1024 * 1024
TOLERANCE_SECONDS = 300
EVENTS = Path("events")


class Receiver(BaseHTTPRequestHandler):
    timeout = 30  # seconds, for a sender that stalls

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return self.respond(411)
        if int(length) > MAX_BYTES:
            return self.respond(413)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return  # The connection ended early.
        if not has_token(self.headers) or not is_signed(self.headers, body):
            return self.respond(401)
        # Sent by hand, to see whether it arrives: nothing is to be done.
        if self.headers.get("X-Posthorn-Test") == "true":
            print("Accepted a test event.", flush=True)
            return self.respond(204)
        event_id = self.headers.get("webhook-id", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", event_id):
            return self.respond(400)
        try:
            is_new = store(event_id, body)
        except OSError as error:
            self.log_error("%s", error)
            return self.respond(500)  # Whatever isn't 2xx is sent again later.
        # Respond first, work afterwards: the sender waits for 15 seconds only.
        self.respond(204)
        if is_new:
            handle(event_id, json.loads(body))

    def do_GET(self):
        self.respond(405)

    do_PUT = do_GET

    def respond(self, status):
        self.send_response(status)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()


def handle(event_id, payload):
    print(event_id, payload.get("CoverId"), flush=True)


def store(event_id, body):
    """Stores the event under its id. False if it is there already: an event can arrive twice.

    In production, use your database:
    INSERT INTO events (id, payload) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING
    """
    EVENTS.mkdir(exist_ok=True)
    draft = EVENTS / f".{uuid.uuid4()}"
    try:
        with open(draft, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, EVENTS / f"{event_id}.json")
        return True
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)


def has_token(headers):
    match = re.fullmatch(r"bearer +(\S+)", headers.get("Authorization", ""), re.IGNORECASE)
    return match is not None and is_one_of(match[1], CLIENT_SECRETS)


def is_signed(headers, body):
    if not SIGNING_SECRETS:
        return True
    timestamp = headers.get("webhook-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    expected = []
    for secret in SIGNING_SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected.append("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode())
    return any(is_one_of(one, expected) for one in headers.get("webhook-signature", "").split(" ")[:16])


def is_one_of(text, expected):
    """Compares digests, and all of them: the time it takes says nothing about a secret."""
    digest = hashlib.sha256(text.encode()).digest()
    found = [hmac.compare_digest(digest, hashlib.sha256(one.encode()).digest()) for one in expected]
    return any(found)


ThreadingHTTPServer(("", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()

"""Keys, and tokens as the gateway makes them."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import uuid

ISSUER = "https://gate.bench.test"
PERSON = "alice"
MODES = ("hs256", "es256", "rs256")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Keys:
    """A certificate for the servers, and a key of each kind for tokens."""

    def __init__(self, work):
        path = lambda name: os.path.join(work, name)
        self.cert, self.key = path("cert.pem"), path("key.pem")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", *curve, "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.cert)
        self.secret = hashlib.sha256(os.urandom(32)).hexdigest()
        self.private = {"es256": path("es256.pem"), "rs256": path("rs256.pem")}
        self.public = {mode: path(mode + ".pub.pem") for mode in self.private}
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.private["es256"])
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.private["rs256"])
        for mode, private in self.private.items():
            openssl("pkey", "-in", private, "-pubout", "-out", self.public[mode])
        for private in (self.key, *self.private.values()):
            os.chmod(private, 0o600)

    def sign(self, mode, message):
        if mode == "hs256":
            return hmac.new(self.secret.encode(), message, "sha256").digest()
        signature = openssl("dgst", "-sha256", "-sign", self.private[mode], data=message)
        return fixed_size(signature) if mode == "es256" else signature

    def token(self, mode, person=PERSON, lives=80_000, alg=None, position=None, session=None):
        """An access token as the gateway would make it."""
        now = int(time.time())
        claims = dict(fresh=False, iat=now - 5, jti=str(uuid.uuid4()), type="access", sub=person, nbf=now - 5, csrf=str(uuid.uuid4()),
                      exp=now + lives, iss=ISSUER, sid=encode(session or os.urandom(16)), idp="people", rsn=position or now * 1000)
        header = dict(alg=alg or mode.upper(), typ="JWT", kid="k")
        parts = [encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
        message = ".".join(parts)
        return message + "." + ("" if alg == "none" else encode(self.sign(mode, message.encode())))


def spoilt(token, at=10):
    """The same token with another signature: as long, and wrong."""
    place = token.rindex(".") + at
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1:]


def fixed_size(der):
    """An ECDSA signature as JWTs have it: two numbers of 32 bytes (RFC 7518, section 3.4)."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return numbers

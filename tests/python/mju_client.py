"""Logs in to the stand-in SSO with the real client of the university's login, mju-univ-auth, unpatched.

The client asks for https://sso.mju.ac.kr and its services. Here all names under mju.ac.kr lead to the stand-in on
loopback, and nothing else leads anywhere. Its certificates are checked against the CA in REQUESTS_CA_BUNDLE.

scripts/test installs it below target/ and runs the story. By hand:

    python -m venv venv && venv/bin/pip install -r tests/python/requirements.txt
    MUNJIGI_MJU_CLIENT=venv/bin/python cargo test --lib real_client

Reads one JSON object per line: {"id": ..., "password": ...} logs in, {"still": n} asks whether the n-th login is still
good. Writes one JSON object per line in answer.
"""

import json
import os
import socket
import sys

PORT = int(os.environ["MUNJIGI_SSO_PORT"])
resolve = socket.getaddrinfo


def resolve_to_the_stand_in(host, port, *args, **kwargs):
    if host != "mju.ac.kr" and not str(host).endswith(".mju.ac.kr"):
        raise socket.gaierror(f"{host} is not asked in tests")
    return resolve("127.0.0.1", PORT, *args, **kwargs)


socket.getaddrinfo = resolve_to_the_stand_in

from mju_univ_auth import MjuUnivAuth  # noqa: E402  (after the names lead to loopback)


def main():
    clients = []
    for line in sys.stdin:
        asked = json.loads(line)
        if "still" in asked:
            answer = {"logged_in": clients[asked["still"]].is_logged_in("msi")}
        else:
            client = MjuUnivAuth(user_id=asked["id"], user_pw=asked["password"])
            result = client.login("msi").get_session()
            clients.append(client)
            answer = {
                "succeeded": result.request_succeeded,
                "valid": result.credentials_valid,
                "code": result.error_code.value if result.error_code else None,
                "message": result.error_message,
                "logged_in": client.is_logged_in("msi"),
            }
        print(json.dumps(answer, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

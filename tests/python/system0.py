"""An application of the first system's shape: /login asks the university, tokens travel in Authorization.

The shape is that of the original, its mistakes mended: settings from the environment with defaults, a users table, a guard
before every request. It prints the port it listens on, and knows nothing of a gateway.
"""

import json
import os
import sqlite3
import urllib.parse
import urllib.request
from datetime import datetime
from wsgiref.simple_server import WSGIRequestHandler, make_server

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    jwt_required,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = int(os.environ.get("JWT_ACCESS_TOKEN_EXPIRES", 900))
app.config["JWT_REFRESH_TOKEN_EXPIRES"] = int(os.environ.get("JWT_REFRESH_TOKEN_EXPIRES", 2592000))
jwt = JWTManager(app)

database = sqlite3.connect(os.environ.get("DATABASE_PATH", ":memory:"), check_same_thread=False)
database.execute("CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, created_at TEXT, last_login TEXT)")


def ask_university(user, password):
    form = urllib.parse.urlencode({"id": user, "passwrd": password}).encode()
    with urllib.request.urlopen(os.environ["SSO_URL"], form, timeout=10) as answer:
        return json.load(answer)


@app.before_request
def guard():
    if request.method == "POST" and request.path in ("/login", "/refresh"):
        return None
    try:
        verify_jwt_in_request()
    except (JWTExtendedException, PyJWTError):
        return jsonify(msg="토큰이 유효하지 않거나 누락되었습니다."), 401
    return None


@app.route("/login", methods=["POST"])
def login():
    said = request.get_json(silent=True) or {}
    user, password = said.get("id"), said.get("password")
    if not user or not password:
        return jsonify(msg="ID와 비밀번호를 입력해주세요."), 400
    answer = ask_university(user, password)
    if answer.get("error") != "0000":
        return jsonify(msg=answer.get("error_message", "로그인 실패: 알 수 없는 오류")), 401
    now = datetime.now().isoformat()
    database.execute("INSERT INTO users VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET last_login = ?", (user, now, now, now))
    return jsonify(access_token=create_access_token(identity=user), refresh_token=create_refresh_token(identity=user))


@app.route("/refresh", methods=["POST"])
@jwt_required(refresh=True)
def refresh():
    return jsonify(access_token=create_access_token(identity=get_jwt_identity()))


@app.route("/protected")
def protected():
    return jsonify(logged_in_as=get_jwt_identity())


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


with make_server("127.0.0.1", int(os.environ.get("PORT", 0)), app, handler_class=Quiet) as server:
    print(server.server_port, flush=True)
    server.serve_forever()

"""An application of the second system's shape: both tokens in cookies, renewed after requests, GET /logout, a page with fetch.

It is the library's own example of implicit refresh, put together. It prints the port it listens on, and knows nothing of a
gateway.
"""

import os
from datetime import datetime, timedelta, timezone
from wsgiref.simple_server import WSGIRequestHandler, make_server

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
)

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config["JWT_TOKEN_LOCATION"] = ["cookies"]
app.config["JWT_COOKIE_SECURE"] = False
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(hours=1)
jwt = JWTManager(app)

PAGE = """<!doctype html><title>system 1</title><script>
async function login() {
  const body = JSON.stringify({ username: "rightid", password: "rightPasswd" });
  const answer = await fetch("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const said = await answer.json();
  document.title = said.login ? (await (await fetch("/protected")).json()).logged_in_as : said.msg;
}
login();
</script>"""


@app.after_request
def refresh_expiring_jwts(response):
    try:
        target = datetime.timestamp(datetime.now(timezone.utc) + timedelta(minutes=30))
        if target > get_jwt()["exp"]:
            set_access_cookies(response, create_access_token(identity=get_jwt_identity()))
        return response
    except (RuntimeError, KeyError):
        return response


@app.route("/login", methods=["POST"])
def login():
    said = request.get_json()
    if (said.get("username"), said.get("password")) != ("test", "test"):
        return jsonify(msg="Bad username or password"), 401
    response = jsonify(login=True)
    set_access_cookies(response, create_access_token(identity=said["username"]))
    set_refresh_cookies(response, create_refresh_token(identity=said["username"]))
    return response


@app.route("/logout")
def logout():
    response = jsonify(msg="Logout Successful")
    unset_jwt_cookies(response)
    return response


@app.route("/")
def page():
    return PAGE


@app.route("/protected", methods=["GET", "POST"])
@jwt_required()
def protected():
    return jsonify(logged_in_as=get_jwt_identity())


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


with make_server("127.0.0.1", int(os.environ.get("PORT", 0)), app, handler_class=Quiet) as server:
    print(server.server_port, flush=True)
    server.serve_forever()

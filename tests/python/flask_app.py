"""An application with flask-jwt-extended, as its documentation has one: it makes tokens and checks them by itself.

It is told by the environment (SECRET, and CONFIG with further settings as JSON) and prints the port it listens on. The
gateway's tests run it behind the gateway, and ask it the same questions directly; it knows nothing of a gateway.
"""

import hashlib
import json
import os
from datetime import timedelta
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    jwt_required,
)

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["SECRET"]
app.config["JWT_TOKEN_LOCATION"] = ["headers", "cookies"]
app.config.update(json.loads(os.environ.get("CONFIG", "{}")))
manager = JWTManager(app)
revoked = set()


@manager.token_in_blocklist_loader
def is_revoked(_header, claims):
    return claims.get("jti") in revoked


@manager.token_verification_loader
def is_welcome(_header, claims):
    return claims.get("sub") != "unwelcome"


if app.config.get("GONE"):

    @manager.user_lookup_loader
    def find(_header, claims):
        return None if claims["sub"] == app.config["GONE"] else claims["sub"]


@app.route("/protected", methods=["GET", "POST"])
@jwt_required()
def protected():
    return jsonify(logged_in_as=get_jwt_identity())


@app.route("/fresh")
@jwt_required(fresh=True)
def fresh():
    return jsonify(logged_in_as=get_jwt_identity())


@app.route("/optional")
@jwt_required(optional=True)
def optional():
    return jsonify(logged_in_as=get_jwt_identity())


@app.route("/refresh", methods=["POST"])
@app.route("/renewal", methods=["POST"])
@jwt_required(refresh=True)
def refresh():
    return jsonify(access_token=create_access_token(identity=get_jwt_identity()))


@app.route("/tokens", methods=["POST"])
def tokens():
    wish = request.get_json()
    fresh = timedelta(seconds=wish["fresh_for"]) if "fresh_for" in wish else wish.get("fresh", False)
    return jsonify(
        access_token=create_access_token(identity=wish["id"], fresh=fresh, additional_claims=wish.get("claims")),
        refresh_token=create_refresh_token(identity=wish["id"]),
    )


@app.route("/pyjwt", methods=["POST"])
def pyjwt():
    return jsonify(token=jwt.encode(request.get_json(), app.config["JWT_SECRET_KEY"], algorithm="HS256"))


@app.route("/plain")
def plain():
    """The check of an application that has PyJWT and no library around it."""
    scheme, _, token = request.headers.get("Authorization", "").rpartition(" ")
    try:
        claims = jwt.decode(token, app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    except jwt.PyJWTError as error:
        return jsonify(refused=str(error)), 401
    return jsonify(logged_in_as=claims["sub"], scheme=scheme)


@app.route("/form", methods=["POST"])
@jwt_required()
def form():
    """Shows that a form came through whole."""
    body = request.get_data(cache=True, parse_form_data=False)
    return jsonify(logged_in_as=get_jwt_identity(), length=len(body), digest=hashlib.sha256(body).hexdigest())


@app.route("/revoke", methods=["POST"])
def revoke():
    revoked.add(request.get_json()["jti"])
    return jsonify(done=True)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
    print(server.server_port, flush=True)
    server.serve_forever()

"""Writes the gateway's configuration and its database. Also a program, for rigs that start it themselves:

    python3 -m rig.gateway MODE          everything else comes from the environment (see `from_environment`)
"""
import os
import re
import shutil
import sys

from . import store

TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gateway.toml")
ROUTES = 100
CHANGES = 10_000


def configuration(values, template=None):
    with open(template or TEMPLATE) as file:
        return re.sub(r"@(\w+)@", lambda name: str(values[name[1]]), file.read())


def routes(count, rule=""):
    """Besides `/`: paths of three segments, so that a look-up has something to do."""
    return "\n".join(f'\n[[route]]\npath = "/faculty{n % 10}/course{n}/papers/"\nupstream = "app"\n{rule}' for n in range(1, count))


def secret_key(algorithm, secret, more=""):
    return f'{{ kid = "k", algorithm = "{algorithm}", secret = "{secret}"{more} }}'


def private_key(algorithm, path):
    return f'{{ kid = "k", algorithm = "{algorithm}", private_key_file = "{path}" }}'


def write(folder, values, mode, count=ROUTES, changes=CHANGES, people=0, accounts=(), template=None, extra=""):
    """The file and the database in `folder`; gives back the file's path. In mode `plain` nobody needs a token."""
    rule = 'access = "public"' if mode == "plain" else values.get("RULE", "")
    usual = dict(DIR=folder, PROVIDERS='"people"', ACCESS_TTL="1d", TOKEN_CACHE=100_000, ACCESS_LOG=f'access_path = "{folder}/access.log"', ACCESS=rule, ROUTES=routes(count, rule))
    path = os.path.join(folder, "gateway.toml")
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(configuration({**usual, **values}, template) + extra)
    store.fill(os.path.join(folder, "state", "munjigi.db"), changes, people, accounts)
    return path


def from_environment(mode):
    """For a rig whose own issuer makes the tokens: its key is shared with one application, which has every route."""
    env = os.environ
    own = secret_key("HS256", os.urandom(32).hex()).replace('"k"', '"own"')
    given = f'iss = "{env["ISS"]}", audience = "{env["AUD"]}", scope = ["/"]'
    keys = {
        "hs256": secret_key("HS256", env["HS_SECRET"], ", " + given),
        "es256": f'{{ kid = "k", algorithm = "ES256", public_key_file = "{env["ES_PUB"]}", {given} }}',
        "rs256": f'{{ kid = "k", algorithm = "RS256", public_key_file = "{env["RS_PUB"]}", {given} }}',
    }
    values = {name: env[name] for name in ("PORT", "UP_PORT", "THREADS", "CERT")}
    # A private key that everybody can read is refused.
    values["KEY"] = shutil.copy(env["KEY"], os.path.join(env["DIR"], "server.key"))
    os.chmod(values["KEY"], 0o600)
    values.update(ISS="https://gate.bench.test", KEYS=", ".join([own, *([keys[mode]] if mode in keys else [])]), RULE='accept = "flask"')
    if not env.get("LOG"):
        values["ACCESS_LOG"] = 'access = "off"'
    write(env["DIR"], values, mode, template=env.get("GATEWAY_TEMPLATE"))


if __name__ == "__main__":
    from_environment(sys.argv[1])

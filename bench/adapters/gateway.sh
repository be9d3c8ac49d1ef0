# The gateway for a rig that starts servers by adapters: `serve MODE` (plain, hs256, es256, rs256) writes the configuration
# into $DIR and becomes the gateway. Given in the environment: GATEWAY (the binary), DIR, PORT, UP_PORT, THREADS, CERT, KEY,
# HS_SECRET, ES_PUB, RS_PUB, ISS, AUD, and LOG (not empty: an access log); GATEWAY_TEMPLATE names another template.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
serve() {
  PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 python3 -m rig.gateway "$1" || exit 1
  exec "$GATEWAY" run --config "$DIR/gateway.toml"
}

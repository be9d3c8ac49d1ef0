"""The gateway, its peers and the application behind them, each set to do the same work."""
import os
import subprocess

from . import gateway, tokens
from .machine import Process

NGINX = """daemon off; master_process on; worker_processes {threads}; pid {dir}/pid; error_log {dir}/error.log crit; worker_rlimit_nofile 40000;
{user}events {{ worker_connections 16384; }}
http {{
  keepalive_requests 100000000; keepalive_timeout 600s; client_max_body_size 0; {log}
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
{body}
}}
"""

ORIGIN = """  sendfile on; tcp_nopush on; open_file_cache max=16;
  map $http_upgrade $switches { websocket 1; default 0; }
  server {
    listen 127.0.0.1:%(port)s backlog=4096; root %(dir)s;
    location / { default_type text/plain; return 200 "user=$http_x_auth_user path=$request_uri ok\\n"; }
    location = /1m { }
    # A service that finds every password right.
    location = /check { default_type application/json; return 200 '{"code":"0000"}'; }
    # Answers only when the last byte of the body was read.
    location = /up { client_body_buffer_size 2m; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://unix:%(dir)s/sink; }
  }
  server { listen unix:%(dir)s/sink; location / { return 200 "ok\\n"; } }
"""

PLAIN_NGINX = """  upstream app { server 127.0.0.1:%(app)s; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:%(port)s ssl http2 reuseport backlog=4096;
    ssl_certificate %(cert)s; ssl_certificate_key %(key)s; ssl_protocols TLSv1.3; ssl_session_cache shared:S:10m;
    location / {
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Auth-User "";
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
      proxy_request_buffering off; proxy_max_temp_file_size 0; proxy_pass http://app;
    }
  }
"""

HAPROXY = """global
  log stdout format raw local0
  nbthread {threads}
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  log global
  option httplog
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  timeout http-request 30s
  timeout http-keep-alive 600s
frontend door
  bind 127.0.0.1:{port} ssl crt {dir}/pair.pem alpn h2,http/1.1 backlog 4096
  http-request del-header X-Auth-User
{rules}
  default_backend app
backend app
  http-reuse always
  option forwardfor
  server one 127.0.0.1:{app} pool-max-conn 256 pool-purge-delay 600s
"""

CHECKS = """  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str {alg} }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{key}") -m int 1 }}
  http-request set-var(txn.now) date()
  http-request set-var(txn.left) var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now)
  http-request deny deny_status 401 if {{ var(txn.left) -m int le 0 }}
  http-request set-header X-Auth-User %[var(txn.token),jwt_payload_query('$.sub')]"""


class Bench:
    """What all servers of one run have in common."""

    def __init__(self, work, binary, threads=1, server_cpus="0", load_cpus="1"):
        self.work, self.binary, self.threads = work, os.path.abspath(binary), threads
        self.server_cpus, self.load_cpus = server_cpus, load_cpus
        os.chmod(work, 0o755)
        self.keys = tokens.Keys(work)
        self.origin = Process("origin", work)
        with open(os.path.join(self.origin.dir, "1m"), "wb") as file:
            file.write(bytes(1 << 20))
        body = ORIGIN % dict(port=self.origin.port, dir=self.origin.dir)
        self.nginx(self.origin, 1, body, "access_log off;", load_cpus)

    def nginx(self, process, threads, body, log, cpus):
        user = "user root;\n" if os.geteuid() == 0 else ""
        path = os.path.join(process.dir, "nginx.conf")
        with open(path, "w") as file:
            file.write(NGINX.format(dir=process.dir, threads=threads, user=user, log=log, body=body))
        for name in "bpfus":
            os.makedirs(os.path.join(process.dir, name), exist_ok=True)
        process.start(["nginx", "-p", process.dir, "-e", process.dir + "/error.log", "-c", path], cpus)

    def server(self, spec, **settings):
        """`nginx/plain`, `haproxy/hs256`, `gateway/es256`, …: started and ready. `settings` are the gateway's."""
        name, mode = spec.split("/")
        process = Process(spec, self.work)
        process.mode = mode
        process.token = None if mode == "plain" else self.keys.token(mode)
        process.took = {"nginx": self.start_nginx, "haproxy": self.start_haproxy, "gateway": self.start_gateway}[name](process, **settings)
        return process

    def start_nginx(self, process):
        values = dict(port=process.port, app=self.origin.port, cert=self.keys.cert, key=self.keys.key)
        log = f"access_log {process.dir}/access.log combined buffer=32k flush=1s;"
        self.nginx(process, self.threads, PLAIN_NGINX % values, log, self.server_cpus)

    def start_haproxy(self, process):
        with open(self.keys.cert) as cert, open(self.keys.key) as key, open(os.path.join(process.dir, "pair.pem"), "w") as pair:
            pair.write(cert.read() + key.read())
        keys = {"hs256": self.keys.secret, **self.keys.public}
        rules = "" if process.mode == "plain" else CHECKS.format(alg=process.mode.upper(), key=keys[process.mode])
        path = os.path.join(process.dir, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(HAPROXY.format(threads=self.threads, port=process.port, dir=process.dir, app=self.origin.port, rules=rules))
        process.start(["haproxy", "-db", "-f", path], self.server_cpus)

    def start_gateway(self, process, threads=None, extra="", binary=None, values=None, cpus="same", **settings):
        algorithm = process.mode.upper()
        key = gateway.secret_key("HS256", self.keys.secret) if process.mode in ("hs256", "plain") else \
            gateway.private_key(algorithm, self.keys.private[process.mode])
        filled = dict(PORT=process.port, UP_PORT=self.origin.port, THREADS=threads or self.threads, CERT=self.keys.cert, KEY=self.keys.key,
                      ISS=tokens.ISSUER, KEYS=key) | (values or {})
        path = gateway.write(process.dir, filled, process.mode, extra=extra, **settings)
        return process.start([binary or self.binary, "run", "--config", path], self.server_cpus if cpus == "same" else cpus)


def versions(binary):
    """What was measured."""
    said = lambda *command: subprocess.run(command, capture_output=True, text=True)
    first = lambda done: ((done.stdout + done.stderr).strip().splitlines() or ["?"])[0]
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return dict(gateway=first(said(binary, "version")), nginx=first(said("nginx", "-v")).split("/")[-1],
                haproxy=first(said("haproxy", "-v")).split()[2], kernel=os.uname().release, cpu=cpu, cores=os.cpu_count())

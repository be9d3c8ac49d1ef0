"""Load, and what came of it. Each function gives back how much was done, and the latencies if the tool tells them."""
import os
import re
import socket
import ssl
import subprocess
import time

from .machine import pinned

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.lua")


def bearer(server):
    return ["Authorization: Bearer " + server.token] if server.token else []


def run(bench, command, seconds, env=None):
    done = subprocess.run(pinned(bench.load_cpus, command), env={**os.environ, **(env or {})}, capture_output=True, text=True,
                          timeout=seconds + 60)
    return done.stdout + done.stderr


def wrk(bench, server, seconds, connections, path="/x", headers=None, env=None, threads=1):
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", SCRIPT]
    for header in bearer(server) if headers is None else headers:
        command += ["-H", header]
    said = run(bench, [*command, f"https://127.0.0.1:{server.port}{path}"], seconds, env)
    try:
        done = int(re.search(r"(\d+) requests in", said)[1])
        spread = {p: duration(re.search(rf"^\s+{p}%\s+(\S+)", said, re.M)[1]) for p in (50, 99)}
    except TypeError:
        raise RuntimeError(f"wrk said of {server.name}: {said[-500:]}") from None
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return dict(n=done, p50=spread[50], p99=spread[99], bad=int(bad[1]) if bad else 0, error=" ".join(re.findall(r"Socket errors.*", said)))


def duration(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * MICROSECONDS[unit]


def h2load(bench, server, seconds, arguments, path="/x", headers=None):
    command = ["h2load", "-t1", f"-D{seconds}", *arguments]
    for header in bearer(server) if headers is None else headers:
        command += ["-H", header]
    said = run(bench, [*command, f"https://127.0.0.1:{server.port}{path}"], seconds)
    codes = re.search(r"status codes: (\d+) 2xx, \d+ 3xx, (\d+) 4xx", said)
    failed = re.search(r"(\d+) failed, (\d+) errored", said)
    if not codes or not failed:
        raise RuntimeError(f"h2load said of {server.name}: {said[-500:]}")
    return dict(n=int(codes[1]), bad=int(codes[2]), error="" if failed[1] == failed[2] == "0" else failed[0])


def fixed_rate(bench, server, seconds, rate, connections=20):
    """A given number of requests a second, well below what it could do: how long one takes."""
    log = os.path.join(server.dir, "latencies")
    if os.path.exists(log):
        os.remove(log)
    arguments = ["--h1", f"-c{connections}", "-m1", f"--rps={max(1, rate // connections)}", f"--log-file={log}"]
    done = h2load(bench, server, seconds, arguments)
    with open(log) as file:
        times = sorted(int(line.split("\t")[2]) for line in file) or [0]
    return dict(**done, p50=times[len(times) // 2], p99=times[len(times) * 99 // 100])


def handshakes(bench, server, seconds, at_once=4):
    """Full handshakes, nothing asked."""
    command = pinned(bench.load_cpus, ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new", "-time", str(seconds)])
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(at_once)]
    said = [process.communicate(timeout=seconds + 60)[0] for process in running]
    return dict(n=sum(int(done[1]) for text in said if (done := re.search(r"(\d+) connections in \d+ real", text))), error="")


def connect(server, protocol=None):
    context = CONTEXT
    if protocol:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([protocol])
    plain = socket.create_connection(("127.0.0.1", server.port), 10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="localhost")


def head(server, path="/x", headers=None, method="GET", close=False):
    lines = bearer(server) if headers is None else headers
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n" + ("Connection: close\r\n" if close else "")
            + "".join(line + "\r\n" for line in lines) + "\r\n").encode()


def ask(server, headers, path="/x?a=1"):
    """One request over HTTP/1.1: status and everything that was answered."""
    with connect(server) as connection:
        connection.sendall(head(server, path, headers, close=True))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split()[1]), answer.decode("latin1")


def idle(server, count):
    """Memory at rest, and for each of `count` connections that asked once and now wait."""
    time.sleep(2)
    before, held, request = server.memory(), [], head(server)
    for _ in range(count):
        connection = connect(server)
        connection.sendall(request)
        if b" 200 " not in connection.recv(4096):
            raise RuntimeError(f"{server.name} did not answer connection {len(held)}")
        held.append(connection)
    time.sleep(2)
    during = server.memory()
    for connection in held:
        connection.close()
    time.sleep(1)
    return dict(n=count, rest=before, each=(during - before) / count, after=server.memory(), error="")

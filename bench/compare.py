#!/usr/bin/env python3
"""The gateway beside nginx and HAProxy: prints a table of what each costs. See README.md; `scripts/bench` runs it."""
import argparse
import json
import os
import signal
import sys
import tempfile
import time

from rig import load, machine, tokens
from rig.figures import Samples, cpu_each, per_cpu_second, table
from rig.servers import Bench, versions

OURS, NGINX, HAPROXY = "gateway/hs256", "nginx/plain", "haproxy/hs256"


class Measure:
    """One line of load for several servers side by side; `goals` are (peer, value of a sample, what, must, want)."""

    def __init__(self, title, servers, work, goals, shared=False):
        self.title, self.servers, self.work, self.goals, self.shared = title, servers, work, goals, shared


def keep_alive(bench, server, seconds):
    return load.wrk(bench, server, seconds, 64)


def streams(bench, server, seconds):
    return load.h2load(bench, server, seconds, ["-c8", "-m16"])


def downloads(bench, server, seconds):
    return load.wrk(bench, server, seconds, 8, path="/1m")


def uploads(bench, server, seconds):
    return load.wrk(bench, server, seconds, 8, path="/up", env={"BODY_BYTES": str(1 << 20)})


CPU, MIB = "CPU per request, µs", "MiB per CPU-second"
MEASURES = {
    "idle": Measure("memory", [NGINX, HAPROXY, OURS], None, []),
    "h1": Measure("HTTP/1.1, 64 connections, one core", [NGINX, HAPROXY, OURS], keep_alive,
                  [(NGINX, cpu_each, CPU, 1.00, 0.80), (HAPROXY, cpu_each, CPU, 0.65, 0.50)]),
    "es256": Measure("the same with ES256", ["haproxy/es256", "gateway/es256"], keep_alive,
                     [("haproxy/es256", cpu_each, CPU, 0.28, 0.20)]),
    "h2": Measure("HTTP/2, 8 connections of 16 streams", [NGINX, HAPROXY, OURS], streams,
                  [(HAPROXY, cpu_each, CPU, 0.85, 0.65), (NGINX, cpu_each, CPU, None, None)]),
    "tls": Measure("full TLS handshakes", [NGINX, HAPROXY, OURS], load.handshakes,
                   [(NGINX, cpu_each, "CPU per handshake, µs", 0.62, 0.55)]),
    "down": Measure("answers of 1 MiB", [NGINX, HAPROXY, OURS], downloads, [(NGINX, per_cpu_second, MIB, 1.05, 1.20)]),
    "up": Measure("uploads of 1 MiB", [NGINX, HAPROXY, OURS], uploads, [(NGINX, per_cpu_second, MIB, 1.30, 1.45)]),
    "shared": Measure("HTTP/1.1, both cores shared by all", [NGINX, HAPROXY, OURS], keep_alive,
                      [(NGINX, cpu_each, CPU, 0.75, 0.65)], shared=True),
}


def check(server):
    """That it does its work: what must be refused is, and the application learns who asks."""
    good, forged = server.token, "X-Auth-User: mallory"
    expect = [([forged], 200 if server.mode == "plain" else 401)]
    if server.mode != "plain":
        head, body, _ = good.split(".")
        none = tokens.encode(b'{"alg":"none","typ":"JWT","kid":"k"}')
        expect += [(["Authorization: Bearer " + good, forged], 200)]
        expect += [(["Authorization: Bearer " + bad], 401) for bad in (tokens.spoilt(good), f"{none}.{body}.", f"{head}.{body}.")]
    for headers, status in expect:
        answered, text = load.ask(server, headers)
        who = "alice" if server.mode != "plain" and status == 200 else ""
        if answered != status or (status == 200 and f"user={who} " not in text):
            raise RuntimeError(f"{server.name} answered {answered} instead of {status} to {headers[0][:60]}:\n{text[-300:]}")


def measure(bench, name, arguments, samples):
    plan = MEASURES[name]
    servers = [bench.server(spec) for spec in plan.servers]
    for server in servers:
        check(server)
    if name == "idle":
        for server in servers:
            samples.add(name, server.name, load.idle(server, arguments.idle))
        return
    for server in servers:
        if name != "tls":
            load.wrk(bench, server, 1, 16)
    for number in range(arguments.rounds):
        for server in servers if number % 2 == 0 else servers[::-1]:
            cpu, (total, _, stolen) = server.cpu(), machine.ticks()
            sample = plan.work(bench, server, arguments.seconds)
            now, _, stolen_now = machine.ticks()
            sample |= dict(cpu=server.cpu() - cpu, steal=(stolen_now - stolen) / max(1, now - total), seconds=arguments.seconds)
            if sample["error"] or sample.get("bad") or not sample["n"]:
                raise RuntimeError(f"{server.name} failed in {name}: {sample}")
            samples.add(name, server.name, sample)


def report(samples, size):
    rows = [("measure", "what", "gateway", "peer", "its figure", "ratio [quartiles]", "must", "want", "")]
    for name, plan in MEASURES.items():
        for peer, value, what, must, want in plan.goals if name in samples.kept else []:
            ours = plan.servers[-1]
            middle, low, high = samples.ratio(name, ours, peer, value)
            good = must is None or (middle <= must if value is cpu_each else middle >= must)
            rows.append((plan.title, what, f"{samples.median(name, ours, value):.1f}", peer, f"{samples.median(name, peer, value):.1f}",
                         f"{middle:.2f} [{low:.2f}..{high:.2f}]", must or "", want or "", "" if must is None else "reached" if good else "MISSED"))
    if "idle" in samples.kept:
        ours, peer = (samples.kept["idle"][server][0] for server in (OURS, NGINX))
        ratio = ours["each"] / peer["each"]
        rows.append(("idle TLS connection", "bytes", f"{ours['each']:.0f}", NGINX, f"{peer['each']:.0f}", f"{ratio:.2f}", 1.50, 1.00,
                     "reached" if ratio <= 1.5 else "MISSED"))
        rest = ours["rest"] / 2**20
        rows.append(("memory at rest", "MiB", f"{rest:.1f}", NGINX, f"{peer['rest'] / 2**20:.1f}", "", 20, 12, "reached" if rest <= 20 else "MISSED"))
    rows.append(("stripped binary", "MiB", f"{size / 2**20:.1f}", "", "", "", 25, 15, "reached" if size <= 25 * 2**20 else "MISSED"))
    return table(rows)


def stripped(binary, work):
    """How large the binary is without its symbols."""
    import subprocess
    copy = os.path.join(work, "stripped")
    done = subprocess.run(["strip", "-o", copy, binary])
    return os.path.getsize(copy if done.returncode == 0 else binary)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the gateway, a release build")
    parser.add_argument("--only", default=",".join(MEASURES), help="measures: " + ", ".join(MEASURES))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--idle", type=int, default=5000, help="idle connections")
    parser.add_argument("--json", help="keep every sample in this file")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.many_files()
    samples, begun = Samples(), time.time()
    with tempfile.TemporaryDirectory(prefix="bench.") as work:
        try:
            for name in arguments.only.split(","):
                # Each measure has servers of its own: what one did to their memory is not the next one's.
                shared = MEASURES[name].shared
                place = tempfile.mkdtemp(dir=work)
                bench = Bench(place, arguments.binary, 2, None, None) if shared else Bench(place, arguments.binary)
                measure(bench, name, arguments, samples)
                machine.stop_all()
        finally:
            machine.stop_all()
        facts = versions(arguments.binary)
        facts |= dict(date=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), rounds=arguments.rounds, seconds=arguments.seconds,
                      load=os.getloadavg()[0], took=round(time.time() - begun))
        size = stripped(arguments.binary, work)
    print(report(samples, size))
    steal = max((sample.get("steal", 0) for servers in samples.kept.values() for kept in servers.values() for sample in kept), default=0)
    print(f"\n{facts}; at most {100 * steal:.0f} % of a slice stolen by other guests")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(dict(facts=facts, size=size, samples=samples.kept), file)


if __name__ == "__main__":
    main()

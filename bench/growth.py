#!/usr/bin/env python3
"""How the cost of a request grows with what the gateway holds: routes, people and sessions, ended sessions, tokens.

Every size has a gateway of its own; all are measured in turn, round by round, and compared with the smallest.
"""
import argparse
import json
import os
import signal
import sys
import tempfile
import time

from rig import load, machine
from rig.figures import Samples, cpu_each, table
from rig.servers import Bench

CACHE = 100_000


class Growth:
    """One thing that grows. `settings` turns a size into what the gateway is started with."""

    def __init__(self, title, sizes, settings, path="/x", tokens=False):
        self.title, self.sizes, self.settings, self.path, self.tokens = title, sizes, settings, path, tokens


GROWTHS = {
    "routes": Growth("routes", [1, 10, 100, 1000, 10_000], lambda size: dict(count=size), path="/faculty1/course1/papers/x"),
    "people": Growth("people with a session each", [1, 1000, 30_000, 1_000_000], lambda size: dict(people=size)),
    "changes": Growth("ended sessions that still act", [0, 1000, 10_000, 100_000], lambda size: dict(changes=size)),
    "tokens": Growth("distinct tokens in turn", [1, 100, 10_000, CACHE, 2 * CACHE], lambda size: dict(values=dict(TOKEN_CACHE=CACHE)), tokens=True),
}


def start(bench, growth, size):
    server = bench.server("gateway/hs256", **growth.settings(size))
    server.rest = server.memory("Rss")
    server.at, server.env = 0, None
    if growth.tokens:
        path = os.path.join(server.dir, "tokens")
        with open(path, "w") as file:
            file.writelines(bench.keys.token("hs256", f"p{number}") + "\n" for number in range(size))
        server.env = {"TOKENS": path}
    return server


def slice_of(bench, growth, server, seconds):
    env = server.env and {**server.env, "FIRST": str(server.at)}
    # A file of tokens gives each request its own; else all have the server's.
    sample = load.wrk(bench, server, seconds, 64, path=growth.path, headers=[] if env else None, env=env)
    server.at += sample["n"]
    return sample


def grow(bench, name, arguments, samples, facts):
    growth = GROWTHS[name]
    servers = {size: start(bench, growth, size) for size in growth.sizes}
    for size, server in servers.items():
        # Until every token was met once, and at least a second.
        begun = time.monotonic()
        slice_of(bench, growth, server, 1)
        while growth.tokens and server.at < size and time.monotonic() - begun < 60:
            slice_of(bench, growth, server, 2)
        facts[f"{name} {size}"] = dict(start=server.took, rest=server.rest, warm=server.memory("Rss"))
    order = list(servers.items())
    for number in range(arguments.rounds):
        for size, server in order if number % 2 == 0 else order[::-1]:
            before = server.cpu()
            sample = slice_of(bench, growth, server, arguments.seconds)
            sample["cpu"] = server.cpu() - before
            if sample["error"] or sample["bad"]:
                raise RuntimeError(f"{name} {size}: {sample}")
            samples.add(name, str(size), sample)


def report(samples, facts):
    rows = [("what grows", "size", "CPU per request, µs", "ratio to the smallest [quartiles]", "start, ms", "memory at rest, MiB", "after load, MiB")]
    for name, sizes in samples.kept.items():
        smallest = str(GROWTHS[name].sizes[0])
        for size in sizes:
            middle, low, high = samples.ratio(name, size, smallest, cpu_each)
            fact = facts[f"{name} {size}"]
            rows.append((GROWTHS[name].title, f"{int(size):,}", f"{samples.median(name, size, cpu_each):.1f}", f"{middle:.2f} [{low:.2f}..{high:.2f}]",
                         f"{1000 * fact['start']:.0f}", f"{fact['rest'] / 2**20:.1f}", f"{fact['warm'] / 2**20:.1f}"))
    return table(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the gateway, a release build")
    parser.add_argument("--only", default=",".join(GROWTHS), help="what grows: " + ", ".join(GROWTHS))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--json", help="keep every sample in this file")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.many_files()
    samples, facts = Samples(), {}
    with tempfile.TemporaryDirectory(prefix="bench.") as work:
        try:
            for name in arguments.only.split(","):
                grow(Bench(tempfile.mkdtemp(dir=work), arguments.binary), name, arguments, samples, facts)
                machine.stop_all()
        finally:
            machine.stop_all()
    print(report(samples, facts))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(dict(facts=facts, samples=samples.kept), file)


if __name__ == "__main__":
    main()

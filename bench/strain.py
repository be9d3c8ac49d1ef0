#!/usr/bin/env python3
"""What quiet clients feel while others press: floods of bad tokens, a busy HTTP/2 connection, connections that all landed
on one worker, storms of logins; and what ten thousand websockets cost."""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from rig import load, machine, pressing, tokens
from rig.figures import Samples, cpu_each, table
from rig.servers import Bench

BAD = 20_000
# "correct horse battery" as the gateway itself hashes it: Argon2id, 19 MiB, two passes.
HASH = "$argon2id$v=19$m=19456,t=2,p=1$agcNM3fxSIRwPeMBdbwZ2Q$Wmv93R5csUvGITM6HgyKpH8SwrHVjFyf7CNkAS9wN6c"
NO_THROTTLE = "\n[throttle]\naccount_burst = 1000000\naddress_burst = 1000000\n"
rows = [("strain", "quiet clients", "p50, µs", "p99, µs", "p50 ratio", "p99 ratio [quartiles]", "may be")]


def quiet(bench, server, seconds, rate=200):
    return load.fixed_rate(bench, server, seconds, rate)


class Beside:
    """A command, or a function in a thread, that runs beside what is measured."""

    def __init__(self, bench, command=None, env=None):
        self.process = subprocess.Popen(machine.pinned(bench.load_cpus, command), env={**os.environ, **(env or {})},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if command else None

    def __enter__(self):
        time.sleep(0.3 if self.process else 0)

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()


def compare(bench, server, name, kinds, arguments, limit, of, against):
    """Quiet clients beside each of `kinds` in turn; `of` against `against`."""
    samples = Samples()
    for number in range(arguments.rounds):
        order = list(kinds.items())
        for kind, beside in order if number % 2 == 0 else order[::-1]:
            with beside():
                samples.add(name, kind, quiet(bench, server, arguments.seconds))
    for kind in kinds:
        p50, p99 = (samples.median(name, kind, lambda s, p=p: s[p]) for p in ("p50", "p99"))
        ratios = [samples.ratio(name, kind, against, lambda s, p=p: s[p]) for p in ("p50", "p99")]
        rows.append((name, kind, f"{p50:.0f}", f"{p99:.0f}", f"{ratios[0][0]:.2f}", "{:.2f} [{:.2f}..{:.2f}]".format(*ratios[1]),
                     limit if kind == of else ""))
    return samples


def bad_tokens(bench, mode, arguments, keep):
    server = bench.server("gateway/" + mode)
    # Each wrong in another place: no two alike, so that nothing can be remembered of them.
    path = os.path.join(server.dir, "bad")
    good = server.token
    head, signature = good.rsplit(".", 1)
    with open(path, "w") as file:
        file.writelines(head + "." + tokens.encode(os.urandom(len(signature) * 3 // 4)) + "\n" for _ in range(BAD))
    cost, at = Samples(), 0
    for number in range(arguments.rounds):
        for kind in ("good", "bad") if number % 2 == 0 else ("bad", "good"):
            before = server.cpu()
            sample = load.wrk(bench, server, arguments.seconds, 16, headers=None if kind == "good" else [],
                              env=None if kind == "good" else {"TOKENS": path, "FIRST": str(at)})
            at += sample["n"]
            sample["cpu"] = server.cpu() - before
            if kind == "bad" and sample["bad"] < sample["n"]:
                raise RuntimeError("a bad token was taken")
            cost.add("cost", kind, sample)
    middle, low, high = cost.ratio("cost", "bad", "good", cpu_each)
    each = [f"{cost.median('cost', kind, cpu_each):.1f}" for kind in ("good", "bad")]
    rows.append((f"{mode}: CPU of one request, µs", f"good {each[0]}, bad {each[1]}", "", "", "", f"{middle:.2f} [{low:.2f}..{high:.2f}]", ""))
    flood = ["wrk", "-t1", "-c16", "-d60s", "-s", load.SCRIPT, f"https://127.0.0.1:{server.port}/x"]
    kinds = {
        "alone": lambda: Beside(bench),
        "beside a flood of good tokens": lambda: Beside(bench, [*flood, "-H", load.bearer(server)[0]]),
        "beside a flood of bad tokens": lambda: Beside(bench, flood, {"TOKENS": path}),
    }
    keep[mode] = [cost.kept, compare(bench, server, f"bad tokens, {mode}", kinds, arguments, 2, "beside a flood of bad tokens",
                                     "beside a flood of good tokens").kept]


def busy_http2(bench, arguments, keep):
    server = bench.server("gateway/hs256")
    url, token = f"https://127.0.0.1:{server.port}/x", load.bearer(server)[0]
    kinds = {
        "alone": lambda: Beside(bench),
        "beside 100 busy connections": lambda: Beside(bench, ["wrk", "-t1", "-c100", "-d60s", "-H", token, url]),
        "beside one HTTP/2 connection with 100 streams": lambda: Beside(bench, ["h2load", "-t1", "-c1", "-m100", "-D60", "-H", token, url]),
    }
    keep["h2"] = compare(bench, server, "one busy HTTP/2 connection", kinds, arguments, 2,
                         "beside one HTTP/2 connection with 100 streams", "beside 100 busy connections").kept


def skew(bench, arguments, keep):
    server = bench.server("gateway/hs256", threads=2)
    kinds = {
        "busy connections spread": lambda: pressing.Flood(server, None),
        "busy connections sought on one worker": lambda: pressing.Flood(server, 0),
    }
    keep["skew"] = compare(bench, server, "two workers", kinds, arguments, 2, "busy connections sought on one worker",
                           "busy connections spread").kept


def argon2(bench, arguments, keep):
    accounts = [(f"a{number}", HASH) for number in range(200)]
    server = bench.server("gateway/hs256", accounts=accounts, extra=NO_THROTTLE)
    logins = lambda: pressing.Logins(server, 8, [name for name, _ in accounts], "correct horse battery")
    kinds = {"alone": lambda: Beside(bench), "beside 8 logins at a time (Argon2)": logins}
    keep["argon2"] = compare(bench, server, "logins", kinds, arguments, "p50 1.2", "beside 8 logins at a time (Argon2)", "alone").kept


def storm(bench, arguments, keep):
    provider = f"""
[provider.campus]
kind = "http-form"
url = "http://127.0.0.1:{bench.origin.port}/check"
dangerous_plain_http = true
id_field = "id"
password_field = "password"
code_field = "code"
success = ["0000"]
"""
    server = bench.server("gateway/hs256", extra=NO_THROTTLE + provider, values=dict(PROVIDERS='"people", "campus"'))
    logins = lambda: pressing.Logins(server, 64, [f"s{number}" for number in range(500)], "whatever it is", "campus")
    kinds = {"alone": lambda: Beside(bench), "beside 64 logins at a time (another service checks)": logins}
    keep["storm"] = compare(bench, server, "login storm", kinds, arguments, "p50 1.2",
                            "beside 64 logins at a time (another service checks)", "alone").kept


def websockets(bench, arguments, keep):
    with pressing.WebsocketOrigin(bench) as port:
        server = bench.server("gateway/hs256", values=dict(UP_PORT=port))
        # Each takes two descriptors of the gateway, which may have no more than this process.
        most = machine.many_files() // 2 - 500
        figure = pressing.websockets(server, min(arguments.websockets, most))
    keep["websockets"] = figure
    rows.append((f"{figure['n']:,} websockets", f"{figure['each']:.0f} bytes each", "", "", "", "", ""))


STRAINS = {
    "hs256": lambda *rest: bad_tokens(rest[0], "hs256", *rest[1:]),
    "es256": lambda *rest: bad_tokens(rest[0], "es256", *rest[1:]),
    "h2": busy_http2, "skew": skew, "argon2": argon2, "storm": storm, "websockets": websockets,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="the gateway, a release build")
    parser.add_argument("--only", default=",".join(STRAINS), help=", ".join(STRAINS))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--websockets", type=int, default=10_000)
    parser.add_argument("--json", help="keep every sample in this file")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.many_files()
    keep = {}
    with tempfile.TemporaryDirectory(prefix="bench.") as work:
        try:
            for name in arguments.only.split(","):
                place = tempfile.mkdtemp(dir=work)
                # Two workers need both cores; everybody else shares them too then.
                bench = Bench(place, arguments.binary, 2, None, None) if name == "skew" else Bench(place, arguments.binary)
                STRAINS[name](bench, arguments, keep)
                machine.stop_all()
        finally:
            machine.stop_all()
    print(table(rows))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(dict(rows=rows, samples=keep), file)


if __name__ == "__main__":
    main()

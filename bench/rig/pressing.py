"""Clients that press: those that wrk and h2load cannot play."""
import asyncio
import base64
import glob
import hashlib
import json
import multiprocessing
import os
import threading
import time

from . import load, machine

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Apart:
    """A function in a process of its own, ended when what it runs beside is over."""

    def __enter__(self):
        ready = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.press, args=(ready,), daemon=True)
        self.process.start()
        ready.wait(60)

    def press(self, ready):
        # They share a core with the quiet clients, who must not be late because of them.
        os.nice(10)
        self.run(ready)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()


def workers(server):
    """Nanoseconds each worker's thread has run, in the order of the workers."""
    ran = {}
    for task in glob.glob(f"/proc/{server.process.pid}/task/*"):
        try:
            with open(task + "/comm") as name, open(task + "/schedstat") as times:
                name = name.read().strip()
                if name.startswith("worker-"):
                    ran[name] = int(times.read().split()[0])
        except OSError:
            pass
    return [ran[name] for name in sorted(ran)]


class Flood(Apart):
    """Eight connections that never rest. With `worker`, up to 64 are tried until eight belong to that one."""

    WANTED, TRIED, AHEAD = 8, 64, 16

    def __init__(self, server, worker):
        self.server, self.worker = server, worker

    def run(self, ready):
        held, others = [], []
        request = load.head(self.server)
        length = None
        for _ in range(self.TRIED):
            connection = load.connect(self.server)
            before = workers(self.server)
            for _ in range(4):
                connection.sendall(request)
                length = len(connection.recv(65536))
            ran = [after - start for start, after in zip(before, workers(self.server))]
            ours = self.worker is None or ran.index(max(ran)) == self.worker
            (held if ours else others).append(connection)
            if len(held) == self.WANTED:
                break
        # Those that landed elsewhere go away: so they do when clients come and go.
        for connection in others:
            connection.close()
        for connection in held:
            threading.Thread(target=press, args=(connection, request * self.AHEAD, length * self.AHEAD), daemon=True).start()
        ready.set()
        time.sleep(600)


def press(connection, requests, answers):
    while True:
        connection.sendall(requests)
        got = 0
        while got < answers:
            got += len(connection.recv(1 << 16))


class Logins(Apart):
    """So many clients that log in again and again, each on a connection of its own."""

    def __init__(self, server, count, names, password, provider=None):
        self.server, self.count, self.names, self.password, self.provider = server, count, names, password, provider

    def run(self, ready):
        for number in range(self.count):
            threading.Thread(target=self.again, args=(number,), daemon=True).start()
        ready.set()
        time.sleep(600)

    def again(self, number):
        connection = load.connect(self.server)
        while True:
            said = dict(id=self.names[number % len(self.names)], password=self.password, provider=self.provider or "people")
            number += self.count
            body = json.dumps(said).encode()
            head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            answer = connection.recv(65536)
            if b" 200 " not in answer[:16]:
                raise RuntimeError(f"a login failed: {answer[:300]}")


class WebsocketOrigin:
    """An application that takes every websocket and then says nothing."""

    def __init__(self, bench):
        self.bench, self.port = bench, machine.free_port()

    def __enter__(self):
        self.process = multiprocessing.Process(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.process.start()
        time.sleep(1)
        return self.port

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    async def serve(self):
        server = await asyncio.start_server(self.take, "127.0.0.1", self.port, backlog=4096)
        await server.serve_forever()

    @staticmethod
    async def take(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = next((line.split(b":", 1)[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")), None)
        if key is None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        await reader.read()
        writer.close()


def websockets(server, count):
    """Memory of the gateway for each of `count` open websockets."""
    before, held = server.memory(), []
    headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    request = load.head(server, "/ws", load.bearer(server) + headers)
    for _ in range(count):
        connection = load.connect(server)
        connection.sendall(request)
        if b" 101 " not in connection.recv(4096):
            raise RuntimeError(f"websocket {len(held)} was not taken")
        held.append(connection)
    time.sleep(2)
    during = server.memory()
    for connection in held:
        connection.close()
    return dict(n=count, each=(during - before) / count)

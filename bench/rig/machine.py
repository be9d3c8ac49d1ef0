"""Processes on this machine: starting them, what they cost, and ending exactly those."""
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
started = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpus, command):
    return ["taskset", "-c", cpus, *command] if cpus else list(command)


class Process:
    """A server in the foreground, in a directory of its own."""

    def __init__(self, name, work):
        self.name = name
        self.port = free_port()
        self.dir = tempfile.mkdtemp(prefix=re.sub(r"\W+", "-", name) + ".", dir=work)
        os.chmod(self.dir, 0o755)
        self.process = None

    def start(self, command, cpus=None, env=None, patience=60):
        """Starts it and waits until somebody listens. Gives back how long that took."""
        begun = time.monotonic()
        self.output = os.path.join(self.dir, "output")
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(pinned(cpus, command), cwd=self.dir, env={**os.environ, **(env or {})}, stdout=out,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        started.append(self)
        while self.process.poll() is None and time.monotonic() - begun < patience:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return time.monotonic() - begun
            except OSError:
                time.sleep(0.005)
        with open(self.output, errors="replace") as out:
            raise RuntimeError(f"{self.name} did not start:\n{out.read()[-2000:]}")

    def pids(self):
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat(entry)
                if fields:
                    children.setdefault(int(fields[1]), []).append(int(entry))
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def cpu(self):
        """Seconds of user and system time of the whole tree. The kernel charges loopback's network work to it, too."""
        ticks = 0
        for pid in self.pids():
            fields = stat(pid)
            if fields:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory(self, what="Pss"):
        """Proportional set size of the whole tree, in bytes. Beside others of the same program `Rss` is what one would have."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += int(re.search(rf"^{what}:\s+(\d+)", file.read(), re.M)[1]) * 1024
            except (OSError, TypeError):
                pass
        return total

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        pids = self.pids()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(5)
                return
            except subprocess.TimeoutExpired:
                continue


def stat(pid):
    """The fields of /proc/PID/stat behind the name."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def stop_all():
    while started:
        started.pop().stop()


def ticks():
    """What the machine's processors did: (all, idle, stolen by other guests)."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return sum(fields), fields[3], fields[7]


def many_files():
    """Room for thousands of connections: how many files may be open from now on."""
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(hard, 50_000), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

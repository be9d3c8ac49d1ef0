"""Fills a gateway's database as if years had passed. Made from the program's own schema, before it is started."""
import os
import sqlite3
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "src", "store", "sqlite")
APPLICATION = 0x4D756E6A
DAY = 86_400_000


def fill(path, changes=0, people=0, accounts=()):
    """`changes` ended sessions that still act, `people` with one live session each, and local `accounts` (id, hash)."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    now = int(time.time() * 1000)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = OFF")
    steps = sorted((name for name in os.listdir(SCHEMA) if name.endswith(".sql")), key=lambda name: int(name[:-4]))
    for name in steps:
        with open(os.path.join(SCHEMA, name)) as file:
            db.executescript(file.read())
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {len(steps)}")
    with db:
        db.executemany("INSERT INTO people (realm, id, created, last_login) VALUES ('people', ?, ?, ?)",
                       ((f"p{number}", now - DAY, now - DAY) for number in range(people)))
        db.executemany(
            "INSERT INTO sessions (id, realm, user_id, provider, created, last_seen, address, user_agent, absolute_end, idle, persistent,"
            " rotate, refresh) VALUES (?, 'people', ?, 'people', ?, ?, '192.0.2.7', 'Mozilla/5.0 (X11; Linux x86_64)', ?, ?, 1, 1, ?)",
            ((os.urandom(16), f"p{number}", now - DAY, now - 1000, now + 29 * DAY, 30 * DAY, os.urandom(32)) for number in range(people)))
        db.executemany(
            "INSERT INTO changes (position, at, kind, session, realm, user_id, reason) VALUES (?, ?, 'session_ended', ?, 'people', ?, 'logged_out')",
            ((now - 60_000 - changes + number, now - 60_000, os.urandom(16), f"q{number % 20_000}") for number in range(changes)))
        db.executemany("INSERT INTO people (realm, id, created, status, password) VALUES ('people', ?, ?, 'active', ?)",
                       ((name, now - DAY, password) for name, password in accounts))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()

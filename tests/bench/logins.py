"""Logins through the store, and the console at 100,000 members: programs of their own, which say their figures."""
import json, subprocess, sys

from machine import *

FEW, MANY = 1_000, 1_000_000


def measure(asked):
    binary = build("store", asked.profile)
    OUT.mkdir(parents=True, exist_ok=True)
    rows = []
    # In the target directory: a disk, where /tmp may be memory.
    places = [("SQLite", str(OUT))] + ([("PostgreSQL", asked.postgres)] if asked.postgres else [])
    for name, place in places:
        for people in (FEW, MANY):
            if name == "PostgreSQL":
                subprocess.run(["psql", "-q", place, "-c", "DROP SCHEMA public CASCADE", "-c", "CREATE SCHEMA public"], check=True, stderr=subprocess.DEVNULL)
            said = subprocess.run([binary, "--bench", "--people", str(people), place], check=True, stdout=subprocess.PIPE, text=True).stdout
            rows += [{"store": name, **json.loads(line)} for line in said.splitlines()]
    return {"rows": rows}


def console(asked):
    binary = build("console", asked.profile)
    OUT.mkdir(parents=True, exist_ok=True)
    out = OUT / "console-pages.json"
    subprocess.run([binary, "--bench", "--out", out], check=True)
    return json.loads(out.read_text())

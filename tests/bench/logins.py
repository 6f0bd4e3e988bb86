"""Logins through the store, and the console at 100,000 members: programs of their own, which say their figures."""
import json, subprocess

from machine import *

FEW, MANY = 1_000, 1_000_000
PROGRAMS = pathlib.Path("/usr/lib/postgresql")


def measure(asked):
    binary = asked.store_binary or build("store", asked.profile)
    OUT.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as running:
        # In the target directory: a disk, where /tmp may be memory.
        rows = [row for people in asked.people if "SQLite" in asked.stores for row in run(binary, "SQLite", OUT, people, 1, asked.logins)]
        server = postgres(running) if "PostgreSQL" in asked.stores else None
        for people in asked.people if server else []:
            # How long logins into one organization wait for each other has little to do with how many members there are.
            for organizations in (1, 16) if people == min(asked.people) else (1,):
                name = f"usher_{people}_{organizations}"
                subprocess.run(["createdb", "-h", "127.0.0.1", "-p", server, "-U", "usher", name], check=True)
                rows += run(binary, "PostgreSQL", f"postgres://usher@127.0.0.1:{server}/{name}", people, organizations, asked.logins)
    return {"rows": rows}


def run(binary, store, place, people, organizations, logins):
    command = [binary, "--bench", "--people", people, "--organizations", organizations, "--logins", logins, place]
    said = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout
    print(f"{store}, {people} members, {organizations} organizations: done", file=sys.stderr, flush=True)
    return [{"store": store, **json.loads(line)} for line in said.splitlines()]


def postgres(running):
    """A server with its own files on that disk, which waits for the disk as servers do; its port. PostgreSQL does not run for root."""
    need("psql", "postgresql")
    programs = max(PROGRAMS.iterdir(), key=lambda version: int(version.name)) / "bin"
    directory = pathlib.Path(running.enter_context(tempfile.TemporaryDirectory(prefix="postgres-", dir=OUT)))
    become = []
    if os.getuid() == 0:
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(directory, "postgres", "postgres")
    files, port = directory / "data", str(free_port())
    subprocess.run([*become, programs / "initdb", "-A", "trust", "-U", "usher", "-E", "UTF8", "--locale=C.UTF-8", "-D", files], check=True, stdout=subprocess.DEVNULL)
    settings = ["listen_addresses=127.0.0.1", "shared_buffers=1GB", "max_wal_size=4GB", "max_connections=120"]
    options = [part for setting in settings for part in ("-c", setting)]
    process = subprocess.Popen([*become, programs / "postgres", "-D", files, "-p", port, "-k", "", *options], stderr=subprocess.DEVNULL)

    def stop():
        process.send_signal(signal.SIGINT)
        process.wait()
    running.callback(stop)
    while subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port]).returncode:
        time.sleep(0.1)
    return port


def console(asked):
    binary = build("console", asked.profile)
    OUT.mkdir(parents=True, exist_ok=True)
    out = OUT / "console-pages.json"
    subprocess.run([binary, "--bench", "--out", out], check=True)
    return json.loads(out.read_text())

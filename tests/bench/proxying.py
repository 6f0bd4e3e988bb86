"""Requests through the gateway, beside nginx and Apache on the same core, in front of the same app."""
import pathlib, statistics

import apache
from machine import *

# What a row is compared with, and what we aim at.
PLAIN = "nginx, plain proxy"
STATIC = "nginx, a file of 1 KiB"


def proxy_conf(upstream, port):
    return f"""
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}"""


def documented_conf(upstream, port, gateway):
    """The file that docs/forward-auth.md tells operators to use, with the addresses of here."""
    text = (ROOT / "docs/proxies/nginx.conf").read_text()
    for before, after in [("127.0.0.1:4180; keepalive 32;", f"{gateway}; keepalive 256; keepalive_requests 1000000000;"), ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
                          ("127.0.0.1:3000; keepalive 32;", f"127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000;"),
                          ("app.acme.example", "app.localhost"), ("auth.acme.example", "auth.localhost")]:
        assert before in text, before
        text = text.replace(before, after)
    return text


def cookies(path, host, tokens):
    """Another session for every request; the requests are written out before the clock starts."""
    lines = "\n".join(f'  "{token}",' for token in tokens)
    path.write_text(f"""local tokens = {{\n{lines}\n}}
local requests, at = {{}}, 0
function init(args)
  for i, token in ipairs(tokens) do requests[i] = wrk.format("GET", "/one-kib", {{ ["Host"] = "{host}", ["Cookie"] = "__Host-usher=" .. token }}) end
end
function request() at = at % #requests + 1; return requests[at] end
""")
    return path


def small(asked):
    """Answers of 1 KiB over 64 connections that stay open."""
    with scene() as (directory, running):
        upstream, plain, static, snippet = (free_port() for _ in range(4))
        files = f"server {{ listen 127.0.0.1:{upstream}; root {directory}; }}"
        nginx(directory, running, "upstream", OTHER_CORE, files)
        one = nginx(directory, running, "plain", SERVER_CORE, proxy_conf(upstream, plain))
        other = nginx(directory, running, "static", SERVER_CORE, f"server {{ listen 127.0.0.1:{static}; root {directory}; }}")
        gateway, said = usher(running, asked.binary, upstream)
        judge, asked_by = usher(running, asked.binary, upstream, "--trust")
        asking = nginx(directory, running, "snippet", SERVER_CORE, documented_conf(upstream, snippet, asked_by["address"]))
        [wait_for(port) for port in (upstream, plain, static, snippet)]
        session = [f"Host: {said['host']}", f"Cookie: {said['cookie']}"]
        question = ["Host: auth.localhost", f"Cookie: {asked_by['cookie']}", "X-Forwarded-For: 192.0.2.1", f"X-Forwarded-Host: {said['host']}",
                    "X-Forwarded-Method: GET", "X-Forwarded-Uri: /one-kib"]
        url = lambda port, path="/one-kib": f"http://127.0.0.1:{port}{path}"
        targets = [
            {"name": "upstream alone", "url": url(upstream), "pids": [], "group": "proxying"},
            {"name": PLAIN, "url": url(plain), "pids": [one.pid], "group": "proxying"},
            {"name": "Usher, valid session", "url": f"http://{said['address']}/one-kib", "headers": session, "pids": [gateway.pid], "group": "proxying"},
            {"name": STATIC, "url": url(static), "pids": [other.pid], "group": "forward-auth"},
            {"name": "Usher, forward-auth answer", "url": f"http://{asked_by['address']}/forward-auth", "headers": question, "pids": [judge.pid], "group": "forward-auth"},
            {"name": "nginx asks Usher (docs/proxies)", "url": url(snippet), "headers": [f"Host: {said['host']}", f"Cookie: {asked_by['cookie']}"],
             "pids": [asking.pid, judge.pid], "group": "proxying"},
        ]
        targets += apache.targets(directory, running, upstream)
        for target in targets:
            wrk(target, 1, asked.connections)
        rounds = interleave(targets, asked.rounds, lambda target: wrk(target, asked.seconds, asked.connections))
        memory = {target["name"]: sum(map(resident_kib, target["pids"])) for target in targets if target["pids"]}
    groups = {target["name"]: target["group"] for target in targets}
    return {"rounds": rounds, "memory_kib": memory, "groups": groups}


def pauses(path, milliseconds):
    """Each connection waits so long between two requests, in the middle; the wait is not in the latency."""
    path.write_text(f"function delay() return math.random(0, {2 * milliseconds}) end\n")
    return path


def latency(asked):
    """One connection, where nobody waits for anybody; and many that ask for half of what nginx can do."""
    with scene() as (directory, running):
        upstream, plain = free_port(), free_port()
        nginx(directory, running, "upstream", OTHER_CORE, f"server {{ listen 127.0.0.1:{upstream}; root {directory}; }}")
        one = nginx(directory, running, "plain", SERVER_CORE, proxy_conf(upstream, plain))
        gateway, said = usher(running, asked.binary, upstream)
        wait_for(upstream), wait_for(plain)
        targets = [
            {"name": PLAIN, "url": f"http://127.0.0.1:{plain}/one-kib", "pids": [one.pid]},
            {"name": "Usher, valid session", "url": f"http://{said['address']}/one-kib",
             "headers": [f"Host: {said['host']}", f"Cookie: {said['cookie']}"], "pids": [gateway.pid]},
        ]
        for target in targets:
            wrk(target, 1, 1)
        alone = interleave(targets, asked.rounds, lambda target: wrk(target, asked.seconds, 1))
        most = wrk(targets[0], 2, asked.connections)["per_second"]
        # With as many connections as it takes for a pause that a thread can keep to.
        connections = 4 * asked.connections
        script = pauses(directory / "pauses.lua", max(1, round(connections / (most / 2) * 1000)))
        half = interleave(targets, asked.rounds, lambda target: wrk(target, asked.seconds, connections, script))
        return {"rounds": alone, "half_load": half, "most_per_second": most}


def large(asked):
    """Answers of 10 MB over four connections."""
    with scene() as (directory, running):
        upstream, plain = free_port(), free_port()
        with open(directory / "ten-mb", "wb") as file:
            file.truncate(10_000_000)
        nginx(directory, running, "upstream", OTHER_CORE, f"server {{ listen 127.0.0.1:{upstream}; root {directory}; }}")
        one = nginx(directory, running, "plain", SERVER_CORE, proxy_conf(upstream, plain))
        gateway, said = usher(running, asked.binary, upstream)
        wait_for(upstream), wait_for(plain)
        targets = [
            {"name": PLAIN, "url": f"http://127.0.0.1:{plain}/ten-mb", "pids": [one.pid]},
            {"name": "Usher, valid session", "url": f"http://{said['address']}/ten-mb",
             "headers": [f"Host: {said['host']}", f"Cookie: {said['cookie']}"], "pids": [gateway.pid]},
        ]
        idle = {target["name"]: resident_kib(target["pids"][0]) for target in targets}
        rounds = interleave(targets, asked.rounds, lambda target: wrk(target, asked.seconds, 4))
        grown = {target["name"]: (resident_kib(target["pids"][0]) - idle[target["name"]]) / 4 for target in targets}
        return {"rounds": rounds, "grown_kib_per_stream": grown}


def misses(asked):
    """So many sessions in Redis that each is asked about again only when the gateway no longer believes it; beside few that it does."""
    need("redis-server", "redis-server")
    with scene() as (directory, running):
        upstream, redis = free_port(), free_port()
        nginx(directory, running, "upstream", OTHER_CORE, f"server {{ listen 127.0.0.1:{upstream}; root {directory}; }}")
        start(running, OTHER_CORE, ["redis-server", "--port", redis, "--save", "", "--appendonly", "no", "--dir", directory], stdout=subprocess.DEVNULL)
        wait_for(upstream), wait_for(redis)
        targets = []
        for name, sessions in [("Usher, Redis asked each time", 180_000), ("Usher, session in the cache", 100)]:
            gateway, said = usher(running, asked.binary, upstream, "--redis", f"redis://127.0.0.1:{redis}", "--sessions", sessions)
            tokens = pathlib.Path(said["tokens"]).read_text().split()
            script = cookies(directory / f"{sessions}.lua", said["host"], tokens)
            targets.append({"name": name, "url": f"http://{said['address']}/one-kib", "pids": [gateway.pid], "script": script, "sessions": sessions})
        for target in targets:
            # Everybody once: the first time takes a signature for each.
            wrk(target, max(2, target["sessions"] // 4_000), asked.connections, target["script"])

        def counted(target):
            before = commands(redis)
            round = wrk(target, asked.seconds * 2, asked.connections, target["script"])
            return {**round, "redis_commands": (commands(redis) - before) / round["requests"]}
        return {"rounds": interleave(targets, asked.rounds, counted)}


def commands(redis):
    """How many Redis has answered so far."""
    said = subprocess.run(["redis-cli", "-p", str(redis), "info", "stats"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"total_commands_processed:(\d+)", said)[1])

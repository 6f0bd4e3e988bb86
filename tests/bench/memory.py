"""What waits costs memory: sessions in the cache, connections that nobody uses, event streams."""
import hashlib, http.client, pathlib, resource, socket, ssl, threading

from machine import *
from proxying import cookies

SESSIONS, CONNECTIONS, STREAMS = 50_000, 5_000, 1_000
# What an app is told, one behind the other.
TOLD = "".join(f"$http_x_usher_{name}" for name in ("person", "email", "name", "organization", "role", "seat_tier", "assertion"))


def measure(asked):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return {"session": sessions(asked), "idle_connection_kib": idle(asked), "event_stream_kib": streams(asked)}


def sessions(asked):
    """Sessions that Redis holds, asked for once each: what the gateway keeps of them, and how much of that is what they say."""
    need("redis-server", "redis-server")
    with scene() as (directory, running):
        upstream, redis = free_port(), free_port()
        nginx(directory, running, "upstream", OTHER_CORE,
              f"server {{ listen 127.0.0.1:{upstream}; root {directory}; location = /told {{ return 200 {TOLD}; }} }}")
        start(running, OTHER_CORE, ["redis-server", "--port", redis, "--save", "", "--appendonly", "no", "--dir", directory], stdout=subprocess.DEVNULL)
        wait_for(upstream), wait_for(redis)
        gateway, said = usher(running, asked.binary, upstream, "--redis", f"redis://127.0.0.1:{redis}", "--sessions", SESSIONS)
        tokens = pathlib.Path(said["tokens"]).read_text().split()
        target = {"name": "Usher", "url": f"http://{said['address']}/one-kib", "pids": [gateway.pid]}
        once = lambda some: wrk(target, len(some) // 2_000, asked.connections, cookies(directory / "some.lua", said["host"], some))["requests"]
        few, many = tokens[:SESSIONS // 5], tokens[SESSIONS // 5:]
        once(few)
        before, seen = resident_kib(gateway.pid), once(many)
        assert seen > len(many), f"{seen} requests for {len(many)} sessions: too slow to ask for each of them once"
        grown = (resident_kib(gateway.pid) - before) * 1024 / len(many)
        return {"bytes": grown, "record": stored(redis, many[-1]), "told": told(said, many[-1])}


def stored(redis, token):
    """The text of a session's record, in bytes."""
    key = f"usher:session:{hashlib.sha256(token.encode()).hexdigest()}"
    said = subprocess.run(["redis-cli", "-p", str(redis), "strlen", key], check=True, capture_output=True, text=True).stdout
    return int(said)


def told(said, token):
    """The values of the headers that tell the app who it is, in bytes."""
    host, port = said["address"].rsplit(":", 1)
    asking = http.client.HTTPConnection(host, int(port))
    asking.request("GET", "/told", headers={"Host": said["host"], "Cookie": f"__Host-usher={token}"})
    return len(asking.getresponse().read())


def idle(asked):
    """Connections that sent one request and then nothing."""
    grown = {}
    with scene() as (directory, running):
        upstream, plain = free_port(), free_port()
        nginx(directory, running, "upstream", OTHER_CORE, f"server {{ listen 127.0.0.1:{upstream}; root {directory}; }}")
        one = nginx(directory, running, "plain", SERVER_CORE, f"server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}")
        wait_for(upstream), wait_for(plain)
        gateway, said = usher(running, asked.binary, upstream)
        judge, asked_by = usher(running, asked.binary, upstream, "--trust")
        secret, said_in_secret = usher(running, asked.binary, upstream, "--tls", certificate(directory))
        proxied = f"GET /one-kib HTTP/1.1\r\nHost: {said['host']}\r\nCookie: {said['cookie']}\r\n\r\n"
        judged = (f"GET /forward-auth HTTP/1.1\r\nHost: auth.localhost\r\nCookie: {asked_by['cookie']}\r\nX-Forwarded-For: 192.0.2.1\r\n"
                  f"X-Forwarded-Host: {said['host']}\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\n\r\n")
        in_secret = proxied.replace(said["cookie"], said_in_secret["cookie"])
        places = [("nginx, plain proxy", one, f"127.0.0.1:{plain}", proxied), ("Usher, proxying", gateway, said["address"], proxied),
                  ("Usher, forward-auth", judge, asked_by["address"], judged), ("Usher, proxying, TLS", secret, said_in_secret["address"], in_secret)]
        for name, process, address, request in places:
            tls = ssl._create_unverified_context() if process is secret else None
            converse(address, request, 100, tls)
            before = resident_kib(process.pid)
            held = [converse(address, request, 1, tls)[0] for _ in range(CONNECTIONS)]
            grown[name] = (resident_kib(process.pid) - before) / CONNECTIONS
            [connection.close() for connection in held]
    return grown


def certificate(directory):
    """Where one is, with its key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=app.localhost",
               "-keyout", directory / "key.pem", "-out", directory / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return directory


def converse(address, request, count, tls=None):
    """Opens connections and reads one answer on each."""
    host, port = address.rsplit(":", 1)
    opened = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)), timeout=30)
        if tls:
            connection = tls.wrap_socket(connection)
        connection.sendall(request.encode())
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        opened.append(connection)
    return opened


def streams(asked):
    """Event streams that say something now and then."""
    with scene() as (_, running):
        app = EventApp()
        gateway, said = usher(running, asked.binary, app.port)
        request = f"GET /events HTTP/1.1\r\nHost: {said['host']}\r\nCookie: {said['cookie']}\r\nAccept: text/event-stream\r\n\r\n"
        converse(said["address"], request, 10)
        before = resident_kib(gateway.pid)
        held = converse(said["address"], request, STREAMS)
        grown = (resident_kib(gateway.pid) - before) / STREAMS
        [connection.close() for connection in held]
        app.stop()
    return grown


class EventApp:
    """An app that answers with an event stream and holds it open."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
            self.open.append(connection)

    def stop(self):
        self.listener.close()
        [connection.close() for connection in self.open]

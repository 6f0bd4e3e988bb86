"""What every part of the benchmark needs: processes on their core, their CPU and memory, and a load."""
import contextlib, json, os, pathlib, re, shutil, signal, socket, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "bench"
TICK = os.sysconf("SC_CLK_TCK")
# The server that is looked at has a core of its own; the load and the app behind it share the other one.
SERVER_CORE, OTHER_CORE = "0", "1"


def need(program, package):
    if not shutil.which(program) and not pathlib.Path(f"/usr/sbin/{program}").exists():
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], check=True, stdout=sys.stderr)


def build(name, profile):
    """The program of one bench; built when it is not there."""
    done = subprocess.run(["cargo", "bench", "--profile", profile, "--no-run", "--bench", name, "--message-format", "json"],
                          cwd=ROOT, check=True, stdout=subprocess.PIPE)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


@contextlib.contextmanager
def scene():
    """A directory and processes, all gone at the end."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as name, contextlib.ExitStack() as running:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        (directory / "one-kib").write_text("x" * 1023 + "\n")
        yield directory, running


def start(running, core, command, **more):
    process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], **more)

    def stop():
        process.send_signal(signal.SIGTERM)
        process.wait()
    running.callback(stop)
    return process


def nginx(directory, running, name, core, http):
    """One worker, no log, keep-alive on both sides: nginx at its best."""
    conf = directory / f"{name}.conf"
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = " ".join(f"{kind}_temp_path {directory}/{name}.{kind};" for kind in kinds)
    conf.write_text(f"""
daemon off; worker_processes 1; worker_rlimit_nofile 30000; pid {directory}/{name}.pid; error_log {directory}/{name}.err;
events {{ worker_connections 14000; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; {temporary}
{http}
}}""")
    return start(running, core, [shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf], stderr=subprocess.DEVNULL)


def usher(running, binary, upstream, *more, core=SERVER_CORE):
    """A gateway with one route and somebody signed in: where it listens, the app's host, the cookie."""
    process = start(running, core, [binary, "--bench", f"http://127.0.0.1:{upstream}", *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = json.loads(process.stdout.readline())
    return process, said


def children(pid):
    try:
        listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(descendant for child in listed for descendant in children(int(child)))]


def cpu_seconds(pids):
    total = 0
    for each in {descendant for pid in pids for descendant in children(pid)}:
        fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_kib(pid):
    """Memory that belongs to these processes alone, with their share of what they have in common."""
    return sum(int(re.search(r"Pss:\s+(\d+)", pathlib.Path(f"/proc/{each}/smaps_rollup").read_text())[1]) for each in children(pid))


def open_files(pid):
    return sum(len(os.listdir(f"/proc/{each}/fd")) for each in children(pid))


def wrk(target, seconds, connections, script=None):
    """One load on one target: CPU of all its processes for each request, and how long they took."""
    headers = [part for header in target.get("headers", []) for part in ("-H", header)]
    lua = ["-s", script] if script else []
    command = ["taskset", "-c", OTHER_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", *headers, *lua, target["url"]]
    before = cpu_seconds(target["pids"])
    said = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    after = cpu_seconds(target["pids"])
    requests = int(re.search(r"(\d+) requests in", said)[1])
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{target['name']} did not answer every request:\n{said}")
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
    # A blank follows a unit of one letter.
    latency = {p: float(v) * unit[u] for p, v, u in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m) *$", said, re.M)}
    return {"target": target["name"], "requests": requests, "per_second": requests / seconds, "cpu_us": (after - before) / max(requests, 1) * 1e6,
            "p50_ms": latency["50"], "p99_ms": latency["99"], "load": os.getloadavg()[0]}


def interleave(targets, rounds, measure):
    """Each round in another order, so that nobody always follows the same neighbour."""
    results = []
    for number in range(rounds):
        shift = number % len(targets)
        for target in targets[shift:] + targets[:shift]:
            results.append({"round": number, **measure(target)})
    return results


def write(name, data):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")

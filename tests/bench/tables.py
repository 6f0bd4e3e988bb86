"""The figures as people read them."""
import json, statistics

from machine import OUT
from proxying import PLAIN, STATIC

BASE = {"proxying": PLAIN, "forward-auth": STATIC}


def middle(rounds, name, key):
    return statistics.median(r[key] for r in rounds if r["target"] == name)


def ratios(rounds, name, base, key):
    """Round by round against its neighbour in the same round."""
    other = {r["round"]: r[key] for r in rounds if r["target"] == base}
    return sorted(r[key] / other[r["round"]] for r in rounds if r["target"] == name and other[r["round"]])


def spread(values):
    return f"{statistics.median(values):.2f} [{values[0]:.2f}-{values[-1]:.2f}]" if values and values[-1] else "-"


def names(rounds):
    return list(dict.fromkeys(r["target"] for r in rounds))


def rows(data, base_of):
    rounds = data["rounds"]
    print(f"{'':32} {'req/s':>8} {'CPU us':>8} {'CPU / base':>20} {'rate / base':>20} {'p50 ms':>8} {'p99 ms':>8}")
    for name in names(rounds):
        base = base_of(name)
        cpu, rate = ratios(rounds, name, base, "cpu_us"), ratios(rounds, name, base, "per_second")
        print(f"{name:32} {middle(rounds, name, 'per_second'):8.0f} {middle(rounds, name, 'cpu_us'):8.1f} {spread(cpu):>20} {spread(rate):>20} "
              f"{middle(rounds, name, 'p50_ms'):8.2f} {middle(rounds, name, 'p99_ms'):8.2f}")


def proxying(data):
    rows(data, lambda name: BASE[data["groups"][name]])
    print("memory, MiB: " + ", ".join(f"{name} {kib / 1024:.1f}" for name, kib in data["memory_kib"].items()))


def latency(data):
    rows(data, lambda _: PLAIN)
    print(f"half of the {data['most_per_second']:.0f} a second that nginx can do:")
    rows({"rounds": data["half_load"]}, lambda _: PLAIN)
    for where, rounds in [("one connection", data["rounds"]), ("half load", data["half_load"])]:
        ours = names(rounds)[1]
        added = [middle(rounds, ours, key) - middle(rounds, PLAIN, key) for key in ("p50_ms", "p99_ms")]
        print(f"added over nginx at {where}: p50 {added[0]:.3f} ms, p99 {added[1]:.3f} ms")


def large(data):
    rows(data, lambda _: PLAIN)
    print("memory a stream, KiB: " + ", ".join(f"{name} {kib:.0f}" for name, kib in data["grown_kib_per_stream"].items()))


def misses(data):
    rows(data, lambda _: names(data["rounds"])[-1])
    print("commands to Redis for a request: " + ", ".join(f"{name} {middle(data['rounds'], name, 'redis_commands'):.2f}" for name in names(data["rounds"])))


def memory(data):
    session = data["session"]
    print(f"a session in the cache: {session['bytes']:.0f} bytes; its record as text has {session['record']}, what the app is told {session['told']}")
    for name, kib in data["idle_connection_kib"].items():
        print(f"an idle connection, {name}: {kib:.1f} KiB")
    print(f"an open event stream: {data['event_stream_kib']:.1f} KiB")


def logins(data):
    print(f"{'':12} {'members':>10} {'organizations':>14} {'':14} {'per second':>10} {'/ bare':>8} {'p50 ms':>8} {'p99 ms':>8}")
    bare = {(row["store"], row["people"], row["organizations"], row["round"].removeprefix("bare ")): row["per_second"] for row in data["rows"] if row["round"].startswith("bare ")}
    for row in data["rows"]:
        against = bare.get((row["store"], row["people"], row["organizations"], row["round"]))
        waits = f"{row['p50_us'] / 1e3:8.1f} {row['p99_us'] / 1e3:8.1f}" if "p50_us" in row else f"{'-':>8} {'-':>8}"
        print(f"{row['store']:12} {row['people']:10} {row['organizations']:14} {row['round']:14} {row['per_second']:10.0f} {row['per_second'] / against if against else 1:8.2f} {waits}")


def chart():
    """CPU for one proxied request, as bars beside nginx."""
    file = OUT / "proxying.json"
    if not file.exists():
        return
    data = json.loads(file.read_text())
    found = [(name, ratios(data["rounds"], name, BASE[data["groups"][name]], "cpu_us")) for name in names(data["rounds"])]
    bars = [(f"{name}" + ("" if data["groups"][name] == "proxying" else " (beside a file)"), statistics.median(values)) for name, values in found if values and values[-1]]
    widest = max(value for _, value in bars)
    height, top = 26, 54
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {top + height * len(bars) + 12}" font-family="system-ui, sans-serif" font-size="13">',
             "<style>text { fill: #1f2937 } .bar { fill: #94a3b8 } .ours { fill: #2563eb } @media (prefers-color-scheme: dark) { text { fill: #e5e7eb } .bar { fill: #64748b } .ours { fill: #60a5fa } }</style>",
             '<text x="12" y="24" font-size="16" font-weight="600">CPU for one request, nginx = 1</text>',
             f'<text x="12" y="43">answers of 1 KiB, {data["about"]["connections"]} connections, one core, middle of {data["about"]["rounds"]} rounds; less is better</text>']
    for number, (name, value) in enumerate(bars):
        y = top + number * height
        kind = "ours" if "Usher" in name else "bar"
        lines.append(f'<text x="12" y="{y + 17}">{name}</text><rect class="{kind}" x="300" y="{y + 4}" width="{value / widest * 380:.0f}" height="18" rx="3"/>'
                     f'<text x="{308 + value / widest * 380:.0f}" y="{y + 17}">{value:.2f}</text>')
    (OUT / "proxying.svg").write_text("\n".join(lines) + "\n</svg>\n")

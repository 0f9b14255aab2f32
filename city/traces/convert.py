"""Makes bitbrains-hourly.csv from the two Parquet files of the bitbrains-small trace (see README.md beside this file).

Usage: python convert.py CPU.parquet META.parquet OUT.csv      (needs pyarrow)
"""
import sys
from collections import defaultdict

import pyarrow.parquet as parquet

HOUR_MS = 3_600_000


def main(cpu_path, meta_path, out_path):
    meta = parquet.read_table(meta_path).to_pydict()
    capacity_mhz = dict(zip(meta["id"], meta["cpu_capacity"]))
    cpu = parquet.read_table(cpu_path).to_pydict()
    sums = defaultdict(lambda: [0.0, 0])
    for vm, end, used_mhz in zip(cpu["id"], cpu["timestamp"], cpu["cpu_usage"]):
        end_ms = int(end.timestamp() * 1000) if hasattr(end, "timestamp") else int(end)
        cell = sums[(vm, (end_ms - 1) // HOUR_MS)]
        cell[0] += used_mhz
        cell[1] += 1
    hours = [hour for _, hour in sums]
    # The first hour is incomplete for every machine; thirty days follow it.
    span = range(min(hours) + 1, max(hours) + 1)
    columns = {}
    for vm in sorted({vm for vm, _ in sums}):
        column = []
        for hour in span:
            total, count = sums.get((vm, hour), (0.0, 0))
            # An hour with fewer than half of its twelve samples stays empty: missing is missing.
            mean = min(10_000, round(total / count / capacity_mhz[vm] * 10_000)) if count >= 6 else None
            column.append("" if mean is None else str(mean))
        # Replayed from midnight UTC on, a day of Beijing time begins eight hours earlier.
        days = {(place + 8) // 24 % 30 for place, value in enumerate(column) if value != ""}
        if len(days) == 30 and sum(value != "" for value in column) >= 0.8 * len(column):
            columns[vm] = column
    with open(out_path, "w", encoding="ascii") as out:
        out.write("hour," + ",".join(f"vm{vm}" for vm in columns) + "\n")
        for place in range(len(span)):
            out.write(f"{place}," + ",".join(column[place] for column in columns.values()) + "\n")


main(*sys.argv[1:])

#!/usr/bin/env python3
"""Input for the workloads: the same arguments give the same rows on any machine.

usage: gen.py w1 FOLDER --resources N      month-end settlement: prices, discounts, segments
       gen.py w1p FOLDER --points N        hourly usage points; also as CSV, which CloudKitty's peer reads

Random numbers are PCG64 and integers; the order in which they are drawn is part of the definition.
"""
import argparse
import os
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

ITEMS, PROVIDERS, DEPARTMENTS = 200, 3, 52


def day(year, month, number):
    return (date(year, month, number) - date(1970, 1, 1)).days


MONTH_START, MONTH_END = day(2026, 3, 1), day(2026, 4, 1)
OPEN = -1


def write(folder, name, columns, csv, **options):
    table = pa.table(columns)
    pyarrow.parquet.write_table(table, f"{folder}/{name}.parquet", compression="zstd", **options)
    if csv:
        pyarrow.csv.write_csv(table, f"{folder}/{name}.csv")


def days_or_null(values):
    values = np.asarray(values)
    return pa.array(np.where(values == OPEN, 0, values).astype(np.int32), pa.int32(), mask=values == OPEN).cast(pa.date32())


def price_versions(random):
    """The days on which an item's price changes, item by item: never, before the month, once or twice in it."""
    base = random.integers(10, 700, ITEMS) * random.integers(10, 700, ITEMS)
    versions = []
    for item in range(ITEMS):
        kind = random.random()
        if kind < 0.55:
            changes = []
        elif kind < 0.70:
            changes = [day(2026, 1, 1)]
        elif kind < 0.95:
            changes = [day(2026, 3, int(random.integers(2, 31)))]
        else:
            changes = sorted(day(2026, 3, int(n)) for n in random.choice(np.arange(2, 31), 2, replace=False))
        start, price = day(2024, 1, 1), int(base[item])
        for change in changes:
            versions.append((item, start, change, price))
            start, price = change, max(1, price * int(random.integers(8000, 11001)) // 10000)
        versions.append((item, start, OPEN, price))
    return versions


def w1(folder, resources):
    random = np.random.Generator(np.random.PCG64(20260301))
    item, start, end, price = zip(*price_versions(random))
    write(folder, "prices", {
        "item_id": pa.array(item, pa.int32()),
        "version": pa.array(range(len(item)), pa.int32()),
        "valid_from": days_or_null(start),
        "valid_to": days_or_null(end),
        "unit_price_e4": pa.array(price, pa.int64()),
    }, csv=False)
    provider, department = np.divmod(np.arange(PROVIDERS * DEPARTMENTS), DEPARTMENTS)
    write(folder, "discounts", {
        "provider_id": pa.array(provider, pa.int16()),
        "dept_id": pa.array(department, pa.int16()),
        "discount_e4": pa.array(random.integers(7000, 10001, PROVIDERS * DEPARTMENTS), pa.int64()),
    }, csv=False)
    segments(folder, resources, random)


def segments(folder, resources, random):
    # A server is three components, anything else is one.
    components = np.where(random.random(resources) < 0.60, 3, 1)
    resource = np.repeat(np.arange(resources, dtype=np.int64), components)
    count = len(resource)
    lower_of_two = lambda below, size: np.minimum(random.integers(0, below, size), random.integers(0, below, size))
    department = lower_of_two(DEPARTMENTS, resources)
    provider = random.integers(0, PROVIDERS, resources)
    item = lower_of_two(ITEMS, count)
    quantity = np.where(random.random(count) < 0.5, 2 ** random.integers(0, 7, count), 10 * random.integers(1, 201, count))
    start = random.integers(day(2024, 1, 1), MONTH_END + 1, count)
    start = np.where(random.random(count) < 0.80, np.minimum(start, MONTH_START - 1), start)
    end = np.where(random.random(count) < 0.12, start + random.integers(1, 600, count), OPEN)
    # Changes of size within the month cut a component into two or three segments.
    dice = random.random(count)
    pieces = np.where(dice < 0.82, 1, np.where(dice < 0.97, 2, 3))
    of = np.repeat(np.arange(count), pieces)
    piece = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first_cut = MONTH_START + random.integers(1, 15, count)
    second_cut = first_cut + random.integers(1, 15, count)
    last = piece == pieces[of] - 1
    starts = np.choose(piece, [start[of], first_cut[of], second_cut[of]])
    ends = np.where(last, end[of], np.where(piece == 0, first_cut[of], second_cut[of]))
    resized = np.maximum(1, quantity[of] * random.integers(1, 5, len(of)) // 2)
    quantities = np.where(piece == 0, quantity[of], resized)
    kept = np.flatnonzero((ends == OPEN) | (ends > starts))
    kept = kept[random.permutation(len(kept))]  # the order of arrival
    owner = resource[of[kept]]
    write(folder, "segments", {
        "segment_id": pa.array(np.arange(len(kept)), pa.int64()),
        "resource_id": pa.array(owner, pa.int64()),
        "dept_id": pa.array(department[owner], pa.int16()),
        "provider_id": pa.array(provider[owner], pa.int16()),
        "item_id": pa.array(item[of[kept]], pa.int32()),
        "qty": pa.array(quantities[kept], pa.int32()),
        "start_date": days_or_null(starts[kept]),
        "end_date": days_or_null(ends[kept]),
    }, csv=False, row_group_size=1 << 20)


def w1p(folder, points):
    random = np.random.Generator(np.random.PCG64(20260302))
    flavors = 60
    write(folder, "flavors", {
        "flavor": pa.array([f"f{n:02d}" for n in range(flavors)]),
        "price_e6": pa.array(random.integers(20_000, 8_000_000, flavors), pa.int64()),
    }, csv=True)
    service = random.choice(3, points, p=[0.6, 0.3, 0.1])
    project = random.integers(0, 293, points)
    flavor = random.integers(0, flavors, points)
    volume = 10 * random.integers(1, 401, points)
    write(folder, "points", {
        "hour": pa.array(np.arange(points) * 744 // points, pa.int16()),
        "project": pa.array(project, pa.int16()),
        "service": pa.array(service, pa.int8()),
        "flavor": pa.array(np.where(service == 0, flavor, -1), pa.int16()),
        "qty": pa.array(np.where(service == 1, volume, 1), pa.int32()),
    }, csv=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["w1", "w1p"])
    parser.add_argument("folder")
    parser.add_argument("--resources", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    given = parser.parse_args()
    os.makedirs(given.folder, exist_ok=True)
    if given.what == "w1":
        w1(given.folder, given.resources)
    else:
        w1p(given.folder, given.points)


if __name__ == "__main__":
    main()

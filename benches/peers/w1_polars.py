#!/usr/bin/env python3
"""W1 on Polars. usage: w1_polars.py FOLDER [--lines OUT.parquet]"""
import os
import sys
from datetime import date

os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl

import cost

START, END = date(2026, 3, 1), date(2026, 4, 1)
PER_FEN = 1_000_000 * 31


def work():
    read = lambda name: pl.scan_parquet(f"{sys.argv[1]}/{name}.parquet")
    in_month = (pl.col("start_date") < END) & (pl.col("end_date").is_null() | (pl.col("end_date") > START))
    until = pl.min_horizontal(pl.col("end_date").fill_null(END), pl.col("valid_to").fill_null(END), pl.lit(END))
    since = pl.max_horizontal("start_date", "valid_from", pl.lit(START))
    product = pl.col("qty").cast(pl.Int64) * pl.col("unit_price_e4") * pl.col("discount_e4") * pl.col("days")
    lines = (
        read("segments").filter(in_month)
        .join(read("prices"), on="item_id")
        .join(read("discounts"), on=["provider_id", "dept_id"])
        .with_columns(days=(until - since).dt.total_days())
        .filter(pl.col("days") > 0)
        .with_columns(fen=(2 * product + PER_FEN) // (2 * PER_FEN))
    )
    if "--lines" in sys.argv:
        columns = ["segment_id", "dept_id", "item_id", "version", "days", "fen"]
        table = lines.select(columns).collect(engine="streaming")
        table.write_parquet(sys.argv[sys.argv.index("--lines") + 1])
        lines = table.lazy()
    weighted = pl.col("fen") * (pl.col("segment_id") % 9973 + 1)
    groups = lines.group_by("dept_id", "item_id").agg(n=pl.len(), fen=pl.col("fen").sum(), s2=weighted.sum())
    groups = groups.collect(engine="streaming")
    return [groups["n"].sum(), groups.height, groups["fen"].sum(), groups["s2"].sum()]


cost.run(work)

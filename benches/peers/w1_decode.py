#!/usr/bin/env python3
"""Decodes the segments of W1 with PyArrow, and nothing else. usage: w1_decode.py FOLDER"""
import sys

import pyarrow.dataset  # noqa: F401  loaded before the clock runs
import pyarrow.parquet

import cost

COLUMNS = ["segment_id", "dept_id", "provider_id", "item_id", "qty", "start_date", "end_date"]
cost.run(lambda: [pyarrow.parquet.read_table(f"{sys.argv[1]}/segments.parquet", columns=COLUMNS).num_rows, "rows decoded"])

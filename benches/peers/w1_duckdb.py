#!/usr/bin/env python3
"""W1 on DuckDB. usage: w1_duckdb.py FOLDER [--lines OUT.parquet]"""
import sys

import duckdb
import numpy  # noqa: F401  loaded before the clock runs

import cost

# qty x price x discount x days / (10^6 x 31) in fen, rounded half up once, in integers.
LINES = """
    SELECT segment_id, dept_id, item_id, version, days,
           (2 * qty::BIGINT * unit_price_e4 * discount_e4 * days + 31000000) // 62000000 AS fen
    FROM (
        SELECT s.segment_id, s.dept_id, s.item_id, p.version, s.qty, p.unit_price_e4, d.discount_e4,
               least(coalesce(s.end_date, DATE '2026-04-01'), DATE '2026-04-01', coalesce(p.valid_to, DATE '2026-04-01'))
               - greatest(s.start_date, DATE '2026-03-01', p.valid_from) AS days
        FROM '{folder}/segments.parquet' s
        JOIN '{folder}/prices.parquet' p USING (item_id)
        JOIN '{folder}/discounts.parquet' d ON d.provider_id = s.provider_id AND d.dept_id = s.dept_id
    )
    WHERE days > 0
"""
ANSWER = """
    SELECT sum(n), count(*), sum(fen), sum(s2) FROM (
        SELECT count(*) AS n, sum(fen) AS fen, sum(fen * (segment_id % 9973 + 1)) AS s2
        FROM {lines} GROUP BY dept_id, item_id
    )
"""


def work():
    db = duckdb.connect()
    db.execute("SET threads = 2")
    lines = LINES.format(folder=sys.argv[1])
    if "--lines" in sys.argv:
        db.execute(f"CREATE TEMP TABLE lines AS {lines}")
        db.execute(f"COPY lines TO '{sys.argv[sys.argv.index('--lines') + 1]}' (FORMAT parquet, COMPRESSION zstd)")
        lines = "lines"
    else:
        lines = f"({lines})"
    return [int(figure) for figure in db.execute(ANSWER.format(lines=lines)).fetchone()]


cost.run(work)

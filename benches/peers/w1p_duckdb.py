#!/usr/bin/env python3
"""W1p on DuckDB. usage: w1p_duckdb.py FOLDER"""
import sys

import duckdb
import numpy  # noqa: F401  loaded before the clock runs

import cost

QUERY = """
    WITH flavors AS (SELECT row_number() OVER () - 1 AS flavor, price_e6 FROM '{folder}/flavors.parquet'),
    priced AS (
        SELECT project, CASE service
            WHEN 0 THEN qty * price_e6 * 100
            WHEN 1 THEN qty * 350::BIGINT * CASE WHEN qty >= 3000 THEN 80 WHEN qty >= 1000 THEN 90 WHEN qty >= 500 THEN 95 ELSE 100 END
            ELSE qty * 3000000::BIGINT END AS e8
        FROM '{folder}/points.parquet' LEFT JOIN flavors USING (flavor)
    )
    SELECT count(*), sum(e8), sum(e8 * (project + 1)) FROM priced
"""


def work():
    db = duckdb.connect()
    db.execute("SET threads = 2")
    points, e8, s2 = (int(figure) for figure in db.execute(QUERY.format(folder=sys.argv[1])).fetchone())
    return [points, f"{e8 // 10**8}.{e8 % 10**8:08d}", s2]


cost.run(work)

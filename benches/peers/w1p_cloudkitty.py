#!/usr/bin/env python3
"""W1p on CloudKitty's own hashmap module, along the path its worker takes: for every hour a frame of points, copied by
the orchestrator, then rated. The CPU seconds are those of copying and rating only, not of reading the CSV.

usage: /usr/bin/python3 w1p_cloudkitty.py FOLDER     needs Debian's cloudkitty-common; reads points.csv and flavors.csv
"""
import copy
import csv
import datetime
import itertools
import json
import logging
import os
import resource
import sys
import tempfile
import time
import warnings
from decimal import Decimal

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from cloudkitty import service  # noqa: F401  registers the options
from oslo_config import cfg
from oslo_db import options

cfg.CONF([], project="cloudkitty")
options.set_defaults(cfg.CONF)
database = os.path.join(tempfile.mkdtemp(), "cloudkitty.sqlite")
cfg.CONF.set_override("connection", f"sqlite:///{database}", "database")
from cloudkitty import dataframe, db
from cloudkitty.rating import hash as hashmap
from cloudkitty.rating.hash.db import api
from cloudkitty.rating.hash.db.sqlalchemy import models

SERVICES = ["instance", "volume.size", "network.floating"]
MONTH = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)


def rows(name):
    with open(f"{sys.argv[1]}/{name}.csv") as file:
        yield from csv.DictReader(file)


def configure(flavors):
    models.Base.metadata.create_all(db.get_engine())
    rules = api.get_instance()
    instance, volume, floating = (rules.create_service(name) for name in SERVICES)
    field = rules.create_field(instance.service_id, "flavor_id")
    for flavor in flavors:
        price = Decimal(int(flavor["price_e6"])) / 10**6
        rules.create_mapping(cost=price, map_type="flat", value=flavor["flavor"], field_id=field.field_id)
    rules.create_mapping(cost=Decimal("0.000350"), map_type="flat", service_id=volume.service_id)
    for level, rate in ((500, "0.95"), (1000, "0.90"), (3000, "0.80")):
        rules.create_threshold(level=Decimal(level), cost=Decimal(rate), map_type="rate", service_id=volume.service_id)
    rules.create_mapping(cost=Decimal("0.030000"), map_type="flat", service_id=floating.service_id)
    module = hashmap.HashMap()
    make_exact(module._entries)
    return module


def make_exact(entries):
    """SQLite hands NUMERIC(20,8) back as floats; the databases CloudKitty is run on do not."""
    for value in entries.values():
        if isinstance(value, dict):
            make_exact(value)
    if "cost" in entries:
        entries["cost"] = Decimal(entries["cost"]).quantize(Decimal("1e-8"))


def frames(flavors):
    for hour, points in itertools.groupby(rows("points"), lambda row: int(row["hour"])):
        usage = {}
        for row in points:
            which = int(row["service"])
            metadata = {"flavor_id": flavors[int(row["flavor"])]["flavor"]} if which == 0 else {}
            groupby = {"project_id": row["project"], "id": "resource"}
            point = dataframe.DataPoint("unit", int(row["qty"]), 0, groupby, metadata)
            usage.setdefault(SERVICES[which], []).append(point)
        start = MONTH + datetime.timedelta(hours=hour)
        yield dataframe.DataFrame(start=start, end=start + datetime.timedelta(hours=1), usage=usage)


def main():
    flavors = list(rows("flavors"))
    module = configure(flavors)
    points, total, weighted, cpu = 0, Decimal(0), 0, 0.0
    began = time.perf_counter()
    for frame in frames(flavors):
        before = time.process_time()
        copied = copy.deepcopy(frame)
        rated = module.process(copied)
        cpu += time.process_time() - before
        for _, point in rated.iterpoints():
            points, total = points + 1, total + point.price
            weighted += int(point.price * 10**8) * (int(point.groupby["project_id"]) + 1)
    print(points, f"{total:.8f}", weighted)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"wall_s": round(time.perf_counter() - began, 3), "cpu_s": round(cpu, 3), "peak_mib": peak_mib}))


main()

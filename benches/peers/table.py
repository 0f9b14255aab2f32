#!/usr/bin/env python3
"""Prints the results of run.sh: the least CPU seconds and the peak memory of each, and how many times ours it is.

usage: table.py RESULTS.tsv     Ends with 1 if answers differ within a workload.
"""
import json
import sys


def main():
    runs, answers = {}, {}
    for line in open(sys.argv[1]):
        workload, name, answer, cost = line.rstrip("\n").split("\t")
        runs.setdefault((workload, name), []).append(json.loads(cost))
        answers.setdefault(workload, {}).setdefault(answer, set()).add(name)
    print(f"{'workload':14}{'engine':12}{'CPU s':>10}{'x ours':>9}{'wall s':>10}{'peak MiB':>10}{'x ours':>9}")
    ours = {}
    for (workload, name), costs in runs.items():
        cpu, wall, peak = (min(cost[key] for cost in costs) for key in ("cpu_s", "wall_s", "peak_mib"))
        own_cpu, own_peak = ours.setdefault(workload, (cpu, peak))
        ratios = f"{cpu / max(own_cpu, 0.001):.2f}", f"{peak / max(own_peak, 1):.2f}"
        print(f"{workload:14}{name:12}{cpu:10.3f}{ratios[0]:>9}{wall:10.3f}{peak:10}{ratios[1]:>9}")
    decode = min(cost["cpu_s"] for cost in runs["W1 decode", "ours"])
    for mode in ("W1 aggregate", "W1 lines"):
        print(f"{mode}: {min(c['cpu_s'] for c in runs[mode, 'ours']) / max(decode, 0.001):.2f} times decoding its input")
    wrong = {workload: found for workload, found in answers.items() if len(found) > 1}
    for workload, found in wrong.items():
        print(f"{workload}: answers differ: {found}")
    for workload, found in answers.items():
        if workload not in wrong:
            print(f"{workload}: {next(iter(found))}")
    sys.exit(1 if wrong else 0)


main()

"""Compares the rules that fail in a validator report (JUnit XML) with a list of waivers.

Usage: compare.py REPORT.xml WAIVERS. Exit 0 if exactly the waived rules fail, 1 if not, 2 if there is no report.
"""

import re
import sys
import xml.etree.ElementTree as ET


def outcomes(path):
    """Rule id -> passed, failed or skipped; and the message of each failure."""
    found, messages = {}, {}
    for case in ET.parse(path).iter("testcase"):
        rule = case.get("name").split(" :: ")[0].split(" ")[0].rstrip(":")
        fault = case.find("failure") if case.find("failure") is not None else case.find("error")
        if fault is not None:
            found[rule] = "failed"
            messages[rule] = re.sub(r"\s+", " ", fault.get("message") or "")
        else:
            found[rule] = "skipped" if case.find("skipped") is not None else "passed"
    return found, messages


def waived(path):
    with open(path, encoding="utf-8") as lines:
        rules = (line.split("#")[0].strip() for line in lines)
        return {rule for rule in rules if rule}


def main(report, waivers):
    try:
        found, messages = outcomes(report)
    except (OSError, ET.ParseError) as fault:
        print(f"no report: {fault}", file=sys.stderr)
        return 2
    count = {word: list(found.values()).count(word) for word in ("passed", "failed", "skipped")}
    if not count["passed"]:
        print("the report holds no rule that passed", file=sys.stderr)
        return 2
    failed = {rule for rule, word in found.items() if word == "failed"}
    expected = waived(waivers)
    for rule in sorted(failed - expected):
        print(f"FAILS, not waived: {rule}: {messages[rule][:300]}")
    for rule in sorted(expected - failed):
        print(f"waived, but {found.get(rule, 'not checked')}: {rule}")
    print(f"{count['passed']} rules pass, {count['failed']} fail ({len(failed & expected)} waived), {count['skipped']} skipped")
    return 0 if failed == expected else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

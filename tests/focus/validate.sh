#!/usr/bin/env bash
# Runs the FOCUS 1.2 rules over an export and compares the failing ones with the waivers.
#
#   tests/focus/validate.sh FILE.csv|FILE.parquet [WAIVERS]
#
# Without FILE it writes the specimens of crates/documents, as CSV, Parquet and with Chinese names, and checks those. WAIVERS is a file of rule ids, one a line,
# with the reason behind a #; by default waivers.txt beside this script. FOCUS_CRITERIA names what the provider supports,
# comma separated (see the validator's --show-applicability-criteria); without it only unconditional rules are checked. The validator is set up once in .tools/.
# Needs Python 3.12: python3.12 on the path, or FOCUS_PYTHON. Exit 0: just the waived rules fail. Exit 1: others do,
# or a waived one passes. Exit 2: the validator could not be set up or did not run.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
tools="$root/.tools/focus-validator-2.2.1"

find_python() {
    local candidate
    for candidate in "${FOCUS_PYTHON:-}" python3.12 "$HOME"/.pyenv/versions/3.12.*/bin/python python3; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "validate.sh: Python 3.12 is needed; set FOCUS_PYTHON to one" >&2
    exit 2
}

if [ ! -e "$tools/ready" ]; then
    python="$(find_python)"
    rm -rf "$tools"
    "$python" -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" || exit 2
    touch "$tools/ready"
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# check FILE WAIVERS
check() {
    local file status=0
    file="$(realpath "$1")"
    rm -f "$work/report.xml"
    # The validator looks for its list of currencies below the working directory.
    (
        cd "$("$tools/bin/python" -c 'import focus_validator as f, pathlib; print(pathlib.Path(f.__file__).parent.parent)')"
        "$tools/bin/focus-validator" --data-file "$file" --validate-version 1.2 --block-download \
            ${FOCUS_CRITERIA:+--applicability-criteria "$FOCUS_CRITERIA"} \
            --output-type unittest --output-destination "$work/report.xml" >"$work/output.txt" 2>&1
    ) || true
    if [ ! -s "$work/report.xml" ]; then
        tail -n 20 "$work/output.txt" >&2
        exit 2
    fi
    echo "$(basename "$file"), waivers $(basename "$2"):"
    "$tools/bin/python" "$here/compare.py" "$work/report.xml" "$2" || status=$?
    return "$status"
}

if [ $# -ge 1 ]; then
    check "$1" "${2:-$here/waivers.txt}"
else
    (cd "$root" && cargo run --quiet -p documents --example specimen -- "$work/specimen" >/dev/null)
    check "$work/specimen/focus.csv" "$here/waivers.txt"
    check "$work/specimen/focus.parquet" "$here/waivers.txt"
    check "$work/specimen/focus-zh.csv" "$here/waivers-zh.txt"
fi

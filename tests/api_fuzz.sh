#!/bin/sh
# Holds the running program against its own OpenAPI document, as somebody of every role: no 5xx, and every answer as the
# document says. Needs python3; installs pinned tools below .tools. More examples: FUZZ_EXAMPLES=100 make api-fuzz;
# only some roles: FUZZ_ROLES="unit|provider" make api-fuzz.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
tools="$root/.tools/api-fuzz"
program="${YUNHENG_PROGRAM:-$root/target/debug/yunheng}"
examples="${FUZZ_EXAMPLES:-5}"
SCHEMATHESIS=4.32.5
VALIDATOR=0.9.0

if [ ! -x "$tools/bin/schemathesis" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install -q "schemathesis==$SCHEMATHESIS" "openapi-spec-validator==$VALIDATOR"
fi
"$tools/bin/openapi-spec-validator" "$root/docs/openapi.json"

work=$(mktemp -d)
server=
stop() {
    test -z "$server" || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT INT TERM

"$program" --data "$work/data" init >/dev/null
printf '\n[serve]\nlisten = "127.0.0.1:0"\nrequests_per_minute = 0\n' >>"$work/data/yunheng.toml"
printf '代码,名称,类别,生效日期\nBUREAU,数据局,主管部门,2026-01-01\n' >"$work/bureau.csv"
"$program" --data "$work/data" import organisations "$work/bureau.csv" >/dev/null
"$program" --data "$work/data" account first --organisation BUREAU >"$work/links"
: >"$work/served"
"$program" --data "$work/data" serve >"$work/served" 2>"$work/log" &
server=$!
tries=0
until base=$(grep -o 'http://[0-9.:]*' "$work/served" | head -1) && test -n "$base"; do
    tries=$((tries + 1))
    test "$tries" -lt 300 || { echo "the server did not start"; cat "$work/log"; exit 1; }
    sleep 0.1
done
python3 "$here/api_fuzz/people.py" "$base" "$work/links" "$work/people"

grep -E "${FUZZ_ROLES:-.}" "$work/people" >"$work/chosen"
failed=0
roles=0
while read -r role cookie; do
    roles=$((roles + 1))
    echo "== $role"
    # Ending one's own session would end the test. What was meant well and refused is not a fault of the document: an
    # order that does not exist is a 404 for anybody.
    "$tools/bin/schemathesis" run "$base/api/v1/openapi.json" \
        --header "Cookie: $cookie" --header "X-Yunheng-Request: 1" \
        --exclude-operation-id end_session \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
        --phases examples,coverage,fuzzing --max-examples "$examples" --seed 20260301 --workers 1 \
        --no-color --continue-on-failure >"$work/report" 2>&1 || { failed=$((failed + 1)); cat "$work/report"; }
    tail -3 "$work/report"
done <"$work/chosen"
# What the server noted of its own faults.
grep -c 'a request failed' "$work/log" && failed=$((failed + 1)) || true
echo "$((roles - failed)) passed, $failed failed"
test "$failed" -eq 0

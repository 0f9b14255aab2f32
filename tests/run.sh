#!/bin/sh
# Runs every test and says how many ran in each suite. A suite that has fewer than tests/suites.txt says fails:
# tests do not disappear unnoticed.
set -eu
cd "$(dirname "$0")/.."
YUNHENG_TEST_POSTGRES=$(sh tests/postgres.sh up)
export YUNHENG_TEST_POSTGRES
# The host's time zone must not matter; this one is far from Beijing and has daylight saving.
TZ=America/Denver
export TZ
cargo nextest run --locked --workspace --no-fail-fast
cargo nextest list --locked --workspace -T oneline 2>/dev/null | awk '{print $1}' | sort | uniq -c |
    awk '{print $2, $1}' >target/suites.txt
echo "tests by suite:"
cat target/suites.txt
awk 'NR == FNR { least[$1] = $2; next } { found[$1] = $2 }
     END { for (s in least) if (found[s] + 0 < least[s]) { print "suite " s " has " found[s] + 0 " tests, expected at least " least[s]; bad = 1 } exit bad }' \
    tests/suites.txt target/suites.txt

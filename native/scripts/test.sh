#!/usr/bin/env bash
# Runs the C++ unit tests under AddressSanitizer and UBSan, then again once for each rule of the client that has
# a switch, with that rule broken: the tests named after it must then fail. Ends with `N passed, N failed`.
set -euo pipefail

native="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ ! -f /usr/include/gtest/gtest.h && ! -f /usr/local/include/gtest/gtest.h ]]; then
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
    echo 'transship: GoogleTest is missing: installing libgtest-dev with apt-get' >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libgtest-dev ||
      true
  fi
fi
if [[ ! -f /usr/include/gtest/gtest.h && ! -f /usr/local/include/gtest/gtest.h ]]; then
  echo 'native unit tests: skipped, GoogleTest is not installed (Debian and Ubuntu: apt-get install libgtest-dev)'
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
fi

bash "$native/scripts/build.sh" sanitize
tests="$native/build/sanitize/transship-unit-tests"
report="$(mktemp)"
trap 'rm -f "$report"' EXIT

passed=0
failed=0

# What the report says is counted, and the exit code must agree: a crash loses the rest of a run.
status=0
"$tests" --gtest_brief=1 --gtest_output="json:$report" || status=$?
if [[ -s "$report" ]]; then
  total="$(grep -om1 '"tests": [0-9]*' "$report" | grep -o '[0-9]*')"
  failed="$(grep -om1 '"failures": [0-9]*' "$report" | grep -o '[0-9]*')"
  passed=$((total - failed))
fi
if [[ $status != 0 && $failed == 0 ]]; then
  echo "the unit tests ended with status $status" >&2
  failed=1
fi

# Users look error codes up in lib/errors.ts.
if diff <(grep -oE 'TRANSSHIP_[A-Z0-9_]+' "$native/src/common/error.cc" | sort -u) \
  <(grep -oE '^  TRANSSHIP_[A-Z0-9_]+' "$native/lib/errors.ts" | tr -d ' ' | sort -u); then
  passed=$((passed + 1))
else
  echo 'the error codes of src/common/error.cc and lib/errors.ts differ' >&2
  failed=$((failed + 1))
fi

# A rule whose break goes unnoticed is not tested.
mapfile -t items < <(grep -rhoE 'TRANSSHIP_MUTANT\("V[12]-[0-9]+"\)' "$native/src" | grep -oE 'V[12]-[0-9]+' | sort -u)
for item in "${items[@]}"; do
  filter="*${item/-/_}_*:*_${item/-/_}"
  if [[ "$("$tests" --gtest_list_tests --gtest_filter="$filter")" != *'  '* ]]; then
    echo "no test is named after $item" >&2
    failed=$((failed + 1))
  elif TRANSSHIP_MUTANT="$item" timeout 60 "$tests" --gtest_brief=1 --gtest_filter="$filter" >/dev/null 2>&1; then
    echo "breaking $item goes unnoticed" >&2
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
done

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]

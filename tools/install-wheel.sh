#!/bin/sh
# Builds the wheel and installs it alone, with what run.lock pins, into the empty environment $1.
# The Containerfile and the wheel's test both take these steps. $2: "offline" takes kept wheels.
set -eu
target=$1
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
if [ "${2:-}" = offline ]; then
  source="--no-index --find-links .cache/wheels"
else
  source=""
fi
built=$target.dist
"$python" -m venv --clear "$target.build"
# shellcheck disable=SC2086  # several options
"$target.build/bin/pip" install --quiet $source --require-hashes --requirement requirements/build.lock
"$target.build/bin/hatchling" build --target wheel --directory "$built" >/dev/null
"$python" -m venv --clear "$target"
# shellcheck disable=SC2086
"$target/bin/pip" install --quiet $source --require-hashes --requirement requirements/run.lock
"$target/bin/pip" install --quiet --no-index --no-deps "$built"/doorward-*.whl
"$target/bin/pip" check
rm -rf "$target.build" "$built"

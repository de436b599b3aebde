#!/bin/sh
# For cron: crontab -e, then
#   30 2 * * *  "$HOME/vecmill/docs/batch/nightly.sh"
# Cron mails the output, which is empty unless the run failed. Log lines are appended to runs/nightly.jsonl.
set -eu

project=${VECMILL_PROJECT:-$HOME/vecmill}
settings=${VECMILL_SETTINGS:-pipeline.toml}
cd "$project"
mkdir -p runs
log=runs/nightly.jsonl

# If an earlier run is still in progress, it holds the lock of its directory, and this run fails with a message.
code=0
nice -n 10 .venv/bin/vecmill --log-format json run "$settings" >/dev/null 2>>"$log" || code=$?
if [ "$code" -ne 0 ]; then
    echo "vecmill run $settings ended with exit code $code:" >&2
    tail -n 1 "$log" >&2
    exit "$code"
fi

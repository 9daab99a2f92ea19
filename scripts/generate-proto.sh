#!/bin/sh
# Regenerates src/encoding/proto from proto/ (the result is checked in).
set -e
cd "$(dirname "$0")/.."
npx buf generate

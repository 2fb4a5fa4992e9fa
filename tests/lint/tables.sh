#!/bin/sh
# Example configuration, tomsd.conf(5) and ARCHITECTURE.md agree with the tables in the code (make man).
set -eu
cd "$(dirname "$0")/../.."
sh packaging/tables.sh "$(dirname "${1:-build/obj}")/tomsd" check
echo "tables: ok"

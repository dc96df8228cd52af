#!/bin/sh
# kv_backup.sh STORE FOLDER - the first file is whole, each further one has what changed since the one before. Killed at
# any moment, the next run makes good for it; a second one at the same time waits. All of them, in their order, make the
# state again, in any kind of store:
#
#     holdfast kv checkpoint import FOLDER/*.hfkv --store OTHER
set -eu
store=$1 folder=$2
mkdir -p "$folder"
exec 9>>"$folder/lock"
flock 9
{ read -r number last <"$folder/last"; } 2>/dev/null || number=100000 last=
if [ -z "$last" ] && [ -e "$folder/100001.hfkv" ]; then
	echo "$folder/last is lost: what changed is not known, begin in another folder" >&2
	exit 1
fi
point=$(holdfast kv checkpoint create backup --store "$store" -o raw)
holdfast kv checkpoint export "$point" "$folder/$number.hfkv" ${last:+--since "$last"} --store "$store" --json=entries,deleted
echo "$((number + 1)) $point" >"$folder/last.new"
sync "$folder/last.new"
mv "$folder/last.new" "$folder/last"
sync "$folder"
holdfast kv checkpoint prune --name backup --newest 1 --store "$store" --json >/dev/null

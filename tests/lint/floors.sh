#!/bin/sh
# Includes only go down: reads every #include below src/ and include/tomsd/ against tests/lint/floors.
# Says what is wrong, file by line, and exits 1; one ok line otherwise. Run from the top of the tree.
set -eu
cd "$(dirname "$0")/../.."

find src include/tomsd -type f \( -name '*.c' -o -name '*.h' \) | LC_ALL=C sort |
	xargs grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null |
	awk -v floors=tests/lint/floors '
	# A shell pattern with * alone, as a regular expression; * also runs over slashes.
	function pattern(p) {
		gsub(/[.+?()|^$\[\]]/, "\\\\&", p)
		gsub(/\*/, ".*", p)
		return "^" p "$"
	}
	function exists(path,  line, rc) {
		rc = (getline line < path)
		close(path)
		return rc >= 0
	}
	function wrong(words) {
		print file ":" number ": " words
		bad++
	}
	# The room of a door: include/tomsd/NAME.h, include/tomsd/NAME/x.h, or a further door of a room.
	function room_of_door(path,  name) {
		name = path
		sub(/^tomsd\//, "", name)
		if (name ~ /\//) sub(/\/.*/, "", name)
		else sub(/\.h$/, "", name)
		return name in owner ? owner[name] : ""
	}
	function room_of_file(path,  parts) {
		if (path ~ /^include\//) {
			sub(/^include\//, "", path)
			return room_of_door(path)
		}
		return split(path, parts, "/") == 3 && parts[2] in floor ? parts[2] : ""
	}
	function sees_all(path,  i) {
		for (i = 1; i <= n_all; i++)
			if (path ~ all[i]) return 1
		return 0
	}
	function check_door(path,  door, mine) {
		door = room_of_door(path)
		if (door == "") { wrong("no room in tests/lint/floors owns the door " path); return }
		if (!exists("include/" path)) { wrong("no such door: " path); return }
		if (sees_all(file)) return
		mine = room_of_file(file)
		if (mine == "" || mine == door || floor[door] < floor[mine]) return
		wrong(mine " (floor " floor[mine] ") includes " path " of " door " (floor " floor[door] ")" \
			(floor[mine] == floor[door] ? ": siblings meet through rows or queues" : ": includes only go down"))
	}
	function check_private(path,  beside) {
		if (path ~ /\//) { wrong("\"" path "\" is neither a door (tomsd/...) nor a header beside this file"); return }
		beside = file
		sub(/[^\/]*$/, "", beside)
		if (beside ~ /^include\//) wrong("a door includes doors only, not \"" path "\"")
		else if (!exists(beside path)) wrong("no \"" path "\" beside this file")
	}
	function check_library(path,  i, j, ok) {
		for (i = 1; i <= n_lib; i++) {
			if (path !~ lib[i]) continue
			ok = 0
			for (j = 1; j <= lib_paths[i]; j++)
				if (file ~ lib_path[i, j]) ok = 1
			if (!ok) wrong("<" path "> belongs to " lib_says[i] " alone")
			return
		}
	}
	BEGIN {
		while ((getline line < floors) > 0) {
			n = split(line, w, /[ \t]+/)
			if (w[1] == "room") {
				floor[w[3]] = w[2] + 0
				owner[w[3]] = w[3]
				for (i = 4; i <= n; i++) if (w[i] != "") owner[w[i]] = w[3]
			} else if (w[1] == "all") {
				all[++n_all] = pattern(w[2])
			} else if (w[1] == "lib") {
				lib[++n_lib] = pattern(w[2])
				for (i = 3; i <= n; i++) if (w[i] != "") {
					lib_path[n_lib, ++lib_paths[n_lib]] = pattern(w[i])
					lib_says[n_lib] = lib_says[n_lib] (lib_says[n_lib] ? ", " : "") w[i]
				}
			}
		}
	}
	{
		split($0, at, ":")
		file = at[1]
		number = at[2]
		text = $0
		sub(/^[^:]*:[^:]*:[ \t]*#[ \t]*include[ \t]*/, "", text)
		total++
		files[file] = 1
		if (!(file in judged)) {
			judged[file] = 1
			if (!sees_all(file) && room_of_file(file) == "")
				wrong("this file stands in no room of tests/lint/floors")
		}
		close_at = substr(text, 1, 1) == "<" ? ">" : "\""
		path = substr(text, 2)
		path = substr(path, 1, index(path, close_at) - 1)
		if (path ~ /(^|\/)\.\.?(\/|$)/) wrong("no . or .. in an include: " path)
		else if (path ~ /^tomsd\// && close_at == ">") wrong("doors stand in quotes: " path)
		else if (path ~ /^tomsd\//) check_door(path)
		else if (close_at == ">") check_library(path)
		else check_private(path)
	}
	END {
		if (bad) {
			print "floors: " bad " wrong"
			exit 1
		}
		for (f in files) n_files++
		print "floors: ok, " total " includes in " n_files " files"
	}'

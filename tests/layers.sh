#!/bin/sh
# tests/layers.sh - each room includes only its own headers and the public
# headers of the rooms to its left:
#
#     conf/ -> tls/ -> net/ -> cos/ -> ftp/ -> cosftpd.c
#
# and calls that block, or that move bytes, stand in the one file meant for
# them.  Comments and strings do not count.  tests/layers.sh [DIRECTORY]

cd "${1:-$(dirname "$0")/..}" || exit 2
set --
for f in cosftpd.c conf/*.[ch] tls/*.[ch] net/*.[ch] cos/*.[ch] ftp/*.[ch] \
    tests/*.[ch] tests/fakecos/*.[ch]; do
	[ -f "$f" ] && set -- "$@" "$f"
done
[ $# -gt 0 ] || { echo "layers: no sources here"; exit 2; }

exec awk '
BEGIN {
	n = split("conf tls net cos ftp cosftpd.c", order, " ")
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
	n = split("conf/conf.h conf/log.h tls/tls.h net/net.h net/process.h " \
	    "cos/cos.h ftp/ftp.h", list, " ")
	for (i = 1; i <= n; i++)
		public[list[i]] = 1
	# the stand-in must not share the mistakes of what it checks
	stand_in["tls/tls.h"] = stand_in["conf/log.h"] = 1

	# name(s), the files that may call them, why
	rule("recv|send|recvfrom|sendto", "net/stream.c",
	    "streams move all bytes")
	# process.c hands descriptors over (SCM_RIGHTS)
	rule("recvmsg|sendmsg", "net/stream.c net/process.c",
	    "streams move all bytes")
	rule("getaddrinfo|getnameinfo|gethostbyname|gethostbyname2|" \
	    "gethostbyaddr|res_query|res_search", "net/resolve.c",
	    "name lookups block")
	rule("sleep|usleep|nanosleep|clock_nanosleep", "",
	    "nothing but the loop waits")
}

function rule(names, files, why) {
	nrules++
	rule_re[nrules] = "(^|[^A-Za-z0-9_])(" names ")[ \t]*[(]"
	rule_files[nrules] = " " files " "
	rule_why[nrules] = why
}

function check(ok, what) {
	if (ok) {
		passed++
		return
	}
	failed++
	printf "not ok - %s:%d: %s\n", FILENAME, FNR, what
}

# Sets text (no comments) and code (no comments, no strings).
function strip(line,    q) {
	text = code = ""
	for (;;) {
		if (in_comment) {
			q = index(line, "*/")
			if (q == 0)
				return
			line = substr(line, q + 2)
			in_comment = 0
		}
		if (!match(line, /\/\*|\/\/|"|\047/)) {
			text = text line
			code = code line
			return
		}
		text = text substr(line, 1, RSTART - 1)
		code = code substr(line, 1, RSTART - 1) " "
		q = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART)
		if (q == "//")
			return
		if (q == "/*") {
			in_comment = 1
			line = substr(line, 3)
			continue
		}
		if (q == "\"")
			match(line, /^"([^"\\]|\\.)*"/)
		else
			match(line, /^\047([^\047\\]|\\.)*\047/)
		if (RSTART == 0)
			return		# goes on in the next line
		text = text substr(line, 1, RLENGTH)
		line = substr(line, RLENGTH + 1)
	}
}

# "ftp/../net/net.h" is net/net.h
function normal(path) {
	gsub(/\/\.\//, "/", path)
	while (match(path, /[^\/]+\/\.\.\//))
		path = substr(path, 1, RSTART - 1) \
		    substr(path, RSTART + RLENGTH)
	return path
}

function include(what,    path, room) {
	if (what ~ /^</) {
		check(what !~ /bearssl/ || FILENAME ~ /^tls\/([^\/]*\.c|tls_int\.h)$/,
		    "#include " what ": only tls/*.c knows BearSSL")
		return
	}
	if (what !~ /^"[^"]*"$/) {
		check(0, "#include " what ": neither <file> nor \"file\"")
		return
	}
	path = normal(dir substr(what, 2, length(what) - 2))
	if (path ~ /bearssl/ && path !~ /^tls\//)
		check(0, "#include " what ": only tls/*.c knows BearSSL")
	else if (dir == "tests/fakecos/")
		check(path ~ /^tests\/fakecos\/[^\/]*\.h$/ || path in stand_in,
		    "#include " what ": the stand-in shares tls.h and log.h only")
	else if (dir == "tests/")
		check(1)
	else if (path ~ "^" dir "[^/]*\\.h$" && dir != "")
		check(1)
	else {
		room = path
		sub(/\/.*/, "", room)
		check(path in public && rank[room] < rank[mine],
		    "#include " what ": not a public header to the left of " \
		    mine)
	}
}

FNR == 1 {
	in_comment = 0
	dir = FILENAME
	sub(/[^\/]*$/, "", dir)
	mine = FILENAME
	sub(/\/.*/, "", mine)
	nfiles++
}

{
	strip($0)
	if (text ~ /^[ \t]*#[ \t]*(include|include_next|import)[^A-Za-z_]/) {
		what = text
		sub(/^[ \t]*#[ \t]*[a-z_]*[ \t]*/, "", what)
		sub(/[ \t]*$/, "", what)
		include(what)
	}
	if (!(mine in rank))
		next
	for (i = 1; i <= nrules; i++)
		if (match(code, rule_re[i]))
			check(index(rule_files[i], " " FILENAME " ") > 0,
			    substr(code, RSTART, RLENGTH) ") in this file: " \
			    rule_why[i])
}

END {
	printf "layers: %d passed, %d failed\n", passed, failed
	exit (failed > 0)
}
' "$@"

/*
 * net/limits.c - what this machine lets us have: descriptors and memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "net_int.h"

int64_t
net_limit_descriptors(int64_t want)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return -1;
	if (r.rlim_cur != RLIM_INFINITY && (int64_t)r.rlim_cur < want) {
		rlim_t old = r.rlim_cur;

		r.rlim_cur = r.rlim_max == RLIM_INFINITY ||
		    (int64_t)r.rlim_max > want ? (rlim_t)want : r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) < 0)
			r.rlim_cur = old;
	}
	return r.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)r.rlim_cur;
}

/* The number behind a name at the beginning of a line; -1 when there is none
 * ("max").  By hand: scanf brings floating point, 12 KB of it. */
static int64_t
number_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(name);
	int64_t v = -1;
	char line[128], *end;

	if (f == NULL)
		return -1;
	while (v < 0 && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, n) != 0)
			continue;
		v = strtoll(line + n, &end, 10);
		if (end == line + n)
			v = -1;
	}
	fclose(f);
	return v;
}

int64_t
net_limit_memory(void)
{
	int64_t have, max, used;

	have = number_in("/proc/meminfo", "MemAvailable:");	/* KB */
	if (have >= 0)
		have *= 1024;
	max = number_in("/sys/fs/cgroup/memory.max", "");
	used = number_in("/sys/fs/cgroup/memory.current", "");
	if (max < 0) {			/* cgroup v1 */
		max = number_in("/sys/fs/cgroup/memory/"
		    "memory.limit_in_bytes", "");
		used = number_in("/sys/fs/cgroup/memory/"
		    "memory.usage_in_bytes", "");
	}
	if (max >= 0 && used >= 0 && (have < 0 || max - used < have))
		have = max > used ? max - used : 0;
	return have;
}

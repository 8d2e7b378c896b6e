/*
 * net/limits.c - what this machine lets us have: descriptors and memory.
 */
#include <inttypes.h>
#include <stdio.h>
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

/* A number at the beginning of a file; -1 when there is none ("max"). */
static int64_t
number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t v = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%" SCNd64, &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

static int64_t
mem_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	int64_t kb = -1;

	if (f == NULL)
		return -1;
	while (kb < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %" SCNd64, &kb) != 1)
			kb = -1;
	fclose(f);
	return kb < 0 ? -1 : kb * 1024;
}

int64_t
net_limit_memory(void)
{
	int64_t have = mem_available(), max, used;

	max = number_in("/sys/fs/cgroup/memory.max");
	used = number_in("/sys/fs/cgroup/memory.current");
	if (max < 0) {			/* cgroup v1 */
		max = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
		used = number_in("/sys/fs/cgroup/memory/memory.usage_in_bytes");
	}
	if (max >= 0 && used >= 0 && (have < 0 || max - used < have))
		have = max > used ? max - used : 0;
	return have;
}

/*
 * conf/conf_user.c - users, groups and directories of this machine.
 *
 * The two files are read here: a static program has no other sources of names,
 * and must not wait for any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf_int.h"

#define ID_MAX 0x7fffffff

/* From lines of NAME:x:ID:GROUP...; name may be a number, which needs no line:
 * its group has the same one then. */
static bool
find(const char *file, const char *name, unsigned long id[2])
{
	FILE *f = fopen(file, "re");
	char line[1024], *p, *end;
	unsigned long wanted = strtoul(name, &end, 10);
	bool numeric = *name >= '0' && *name <= '9' && *end == '\0';
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		p = strchr(line, ':');
		if (p != NULL)
			*p++ = '\0';
		p = p != NULL ? strchr(p, ':') : NULL;
		if (p == NULL)
			continue;
		id[0] = strtoul(p + 1, &end, 10);
		id[1] = strtoul(end + (*end == ':'), NULL, 10);
		found = *end == ':' && (numeric ? wanted == id[0] :
		    strcmp(name, line) == 0);
	}
	if (f != NULL)
		fclose(f);
	if (numeric && !found)
		id[0] = id[1] = wanted;
	return numeric || found;
}

bool
conf_find_user(const char *run_as, uid_t *uid, gid_t *gid)
{
	const char *colon = strchr(run_as, ':');
	unsigned long user[2], group[2];
	char name[65];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(run_as, ":"), run_as);
	if (!find("/etc/passwd", name, user))
		return false;
	group[0] = user[1];
	if (colon != NULL && !find("/etc/group", colon + 1, group))
		return false;
	*uid = (uid_t)user[0];
	*gid = (gid_t)group[0];
	return user[0] <= ID_MAX && group[0] <= ID_MAX;
}

const char *
conf_check_user(const char *s)
{
	uid_t uid;
	gid_t gid;

	if (!conf_find_user(s, &uid, &gid))
		return "no such user or group, allowed: USER or USER:GROUP, by "
		    "names or numbers";
	return uid != 0 && gid != 0 ? NULL : "is root, allowed: an ordinary "
	    "user";
}

const char *
conf_check_dir(const char *s)
{
	struct stat st;

	return *s == '/' && stat(s, &st) == 0 && S_ISDIR(st.st_mode) ? NULL :
	    "not an existing directory, allowed: the full path of an empty one";
}

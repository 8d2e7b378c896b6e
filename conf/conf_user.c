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

/* A decimal number and what follows; false: there is none. */
static bool
number(const char *s, char stop, unsigned *n)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	*n = (unsigned)v;
	return *s >= '0' && *s <= '9' && *end == stop && v <= ID_MAX;
}

/* From lines of NAME:x:ID[:GROUP:...]; name may be the number itself. */
static bool
find(const char *file, const char *name, unsigned *id, unsigned *group)
{
	FILE *f = fopen(file, "re");
	char line[1024], *word[4];
	unsigned wanted, have, other;
	bool numeric = number(name, '\0', &wanted), found = false;
	int i;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		word[0] = line;
		for (i = 1; i < 4 && word[i - 1] != NULL; i++) {
			word[i] = strchr(word[i - 1], ':');
			if (word[i] != NULL)
				*word[i]++ = '\0';
		}
		if (i < 4 || word[3] == NULL || !number(word[2], '\0', &have))
			continue;
		found = numeric ? wanted == have : strcmp(name, line) == 0;
		if (found)
			*id = have;
		if (found && group != NULL && number(word[3], ':', &other))
			*group = other;
	}
	if (f != NULL)
		fclose(f);
	if (numeric && !found)
		*id = wanted;
	return found || numeric;
}

bool
conf_find_user(const char *run_as, uid_t *uid, gid_t *gid)
{
	char user[65];
	const char *colon = strchr(run_as, ':');
	unsigned id, group;

	snprintf(user, sizeof(user), "%.*s", (int)strcspn(run_as, ":"), run_as);
	group = ID_MAX;
	if (!find("/etc/passwd", user, &id, &group))
		return false;
	if (group == ID_MAX)
		group = id;		/* a number without a name */
	if (colon != NULL && !find("/etc/group", colon + 1, &group, NULL))
		return false;
	*uid = id;
	*gid = group;
	return true;
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

/*
 * conf/conf_host.c - buckets, regions, endpoints, addresses: what a text of
 * this kind may look like, and the endpoint that a region stands for.
 *
 * The checks return what is wrong, NULL when nothing is.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf_int.h"

#define HOST_MAX 253		/* RFC 1035 2.3.4, as text */
#define LABEL_MAX 63

static const char sample_text[] = "still the text of the sample, put your own";

static bool
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alnum(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool
conf_is_host(const char *name, size_t len)
{
	size_t i, label = 0;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (i = 0; i <= len; i++) {
		if (i < len && name[i] != '.') {
			if (!is_alnum(name[i]) && name[i] != '-' &&
			    name[i] != '_')
				return false;
			continue;
		}
		if (i == label || i - label > LABEL_MAX ||
		    name[label] == '-' || name[i - 1] == '-')
			return false;
		label = i + 1;
	}
	return true;
}

/* Digits and dots: an address, or a mistyped one. */
static bool
is_numeric(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] != '.' && !isdigit((unsigned char)s[i]))
			return false;
	return len > 0;
}

const char *
conf_check_name(const char *s)
{
	if (strcmp(s, "COS_SECRETID") == 0 || strcmp(s, "COS_SECRETKEY") == 0 ||
	    (strlen(s) >= 4 && s[strspn(s, "X")] == '\0'))
		return sample_text;
	return NULL;
}

const char *
conf_check_bucket(const char *s)
{
	const char *dash = strrchr(s, '-'), *p;

	for (p = s; *p != '\0'; p++)
		if (!is_lower_or_digit(*p) && *p != '-')
			goto wrong;
	if (dash == NULL || dash == s || *s == '-' || dash[1] == '\0' ||
	    !is_numeric(dash + 1, strlen(dash + 1)))
		goto wrong;
	if (p - s > LABEL_MAX)
		return "longer than a host name allows (63)";
	return NULL;
wrong:
	return "not a bucket name, allowed: NAME-APPID as in "
	    "examplebucket-1250000000, with lower-case letters, digits and "
	    "hyphens, APPID in digits";
}

const char *
conf_check_region(const char *s)
{
	const char *p;

	if (strcmp(s, "region") == 0 || strstr(s, "ap-xxx") != NULL)
		return sample_text;
	for (p = s; *p != '\0'; p++)
		if (!is_lower_or_digit(*p) && *p != '-' && *p != '.')
			break;
	if (*p != '\0' || !conf_is_host(s, strlen(s)) ||
	    strstr(s, "myqcloud") != NULL || strstr(s, "tencentcos") != NULL)
		return "not a region, allowed: a name as in ap-guangzhou "
		    "(a host name goes into cos_endpoint)";
	return NULL;
}

static bool
is_port(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= 5 && strspn(s, "0123456789") == len &&
	    *s != '0' && atoi(s) <= 65535;
}

const char *
conf_check_server(const char *s)
{
	size_t host = strcspn(s, ":");

	return conf_is_host(s, host) && (s[host] == '\0' ||
	    is_port(s + host + 1)) ? NULL :
	    "not an endpoint, allowed: HOST or HOST:PORT";
}

const char *
conf_check_endpoint(const char *s)
{
	size_t host = strcspn(s, ":");

	if (strcmp(s, "region.myqcloud.com") == 0 ||
	    strstr(s, "ap-xxx") != NULL)
		return sample_text;
	if (strstr(s, "://") != NULL)
		return "not an endpoint, allowed: HOST or HOST:PORT "
		    "(http or https goes into cos_protocol)";
	if (strchr(s, '/') != NULL)
		return "not an endpoint, allowed: HOST or HOST:PORT, "
		    "without a slash";
	if (is_numeric(s, host))
		return "not an endpoint, allowed: HOST or HOST:PORT (the "
		    "bucket's name goes in front, so HOST cannot be an "
		    "address)";
	return conf_check_server(s);
}

const char *
conf_check_role(const char *s)
{
	while (isalnum((unsigned char)*s) || (*s != '\0' &&
	    strchr("_-.,+=@", *s) != NULL))
		s++;
	return *s == '\0' ? NULL : "not the name of a role";
}

const char *
conf_check_masquerade(const char *s)
{
	struct in6_addr six;
	struct in_addr four;
	size_t len = strlen(s);

	if (inet_pton(AF_INET, s, &four) == 1)
		return NULL;
	if (inet_pton(AF_INET6, s, &six) == 1)
		return "an IPv6 address, allowed: an IPv4 address or a domain "
		    "name (EPSV, used with IPv6, needs none)";
	if (is_numeric(s, len) || !conf_is_host(s, len))
		return "not an address, allowed: an IPv4 address or a domain "
		    "name";
	return NULL;
}

const char *
conf_check_listen(const char *s)
{
	struct in6_addr addr;		/* room for either */

	if (inet_pton(AF_INET, s, &addr) == 1 ||
	    inet_pton(AF_INET6, s, &addr) == 1)
		return NULL;
	return "not an address, allowed: an IPv4 or IPv6 address of this "
	    "machine";
}

const char *
conf_check_file(const char *s)
{
	return access(s, R_OK) == 0 ? NULL : errno == ENOENT ?
	    "no such file" : "cannot be read";
}

/* Regions of the time before "cos." and the new domain, with their hosts. */
static const struct old_region {
	const char *name, *endpoint;
} old_regions[] = {
	{ "cn-north", "cn-north.myqcloud.com" },
	{ "cn-south", "cn-south.myqcloud.com" },
	{ "cn-south-2", "cn-south-2.myqcloud.com" },
	{ "cn-east", "cn-east.myqcloud.com" },
	{ "cn-southwest", "cn-southwest.myqcloud.com" },
	{ "sg", "sg.myqcloud.com" },
	{ "cossh", "cos-internal.ap-shanghai.tencentcos.cn" },
	{ "cosgz", "cos-internal.ap-guangzhou.tencentcos.cn" },
	{ "cosbj", "cos-internal.ap-beijing.tencentcos.cn" },
	{ "costj", "cos-internal.ap-beijing-1.tencentcos.cn" },
	{ "coscd", "cos-internal.ap-chengdu.tencentcos.cn" },
	{ "cossgp", "cos-internal.ap-singapore.tencentcos.cn" },
	{ "coshk", "cos-internal.ap-hongkong.tencentcos.cn" },
	{ "cosca", "cos-internal.na-toronto.tencentcos.cn" },
	{ "cosger", "cos-internal.eu-frankfurt.tencentcos.cn" },
};

char *
conf_region_endpoint(const char *region)
{
	const char *domain = "cos-internal.";
	char *text;
	size_t i;

	for (i = 0; i < sizeof(old_regions) / sizeof(old_regions[0]); i++)
		if (strcmp(region, old_regions[i].name) == 0)
			return strdup(old_regions[i].endpoint);
	if (strncmp(region, "cos.", 4) == 0 ||
	    strncmp(region, domain, strlen(domain)) == 0)
		domain = "";
	if (asprintf(&text, "%s%s.tencentcos.cn", domain, region) < 0)
		return NULL;
	return text;
}

/*
 * f_line.c - the control channel's input: Telnet, line ends, the split into
 * verb and argument, and the arguments with a form of their own.  In pieces as
 * whole.
 */
#include "../../ftp/ftp_int.h"
#include "fuzz.h"

static void
check_address(const struct net_addr *a)
{
	char text[NET_ADDR_TEXT];
	struct net_addr again;

	MUST(net_addr_parse(&again, net_addr_text(a, text),
	    net_addr_port(a)) == 0);
	MUST(net_addr_same_host(a, &again));
}

static void
check_argument(const char *arg)
{
	char text[128];
	unsigned facts = ftp_facts_parse(arg);
	struct net_addr a;

	MUST((facts & ~(unsigned)FTP_FACT_ALL) == 0);
	ftp_facts_text(text, sizeof(text), facts, false);
	MUST(ftp_facts_parse(text) == facts);
	if (ftp_port_parse(arg, &a) == 0)
		check_address(&a);
	if (ftp_eprt_parse(arg, &a) == 0)
		check_address(&a);
}

static void
take(struct ftp_line *l, enum ftp_line_status status, struct story *s)
{
	const char *arg;
	char verb[9];
	size_t n;

	tellf(s, "[%d]", status);
	if (status != FTP_LINE_OK)
		return;
	n = strlen(l->text);
	MUST(n == l->len && n <= FTP_LINE_MAX);
	MUST(strpbrk(l->text, "\r\n") == NULL);
	tell(s, l->text, n);
	ftp_line_split(l, verb, &arg);
	MUST(strlen(verb) <= 8 && all_of(verb, strlen(verb), ""));
	MUST(strpbrk(verb, "abcdefghijklmnopqrstuvwxyz") == NULL);
	MUST(arg >= l->text && arg <= l->text + n);
	check_argument(arg);
	tellf(s, "<%s|", verb);
	tell(s, arg, strlen(arg));
}

static void
feed(struct ftp_line *l, const char *p, size_t n, struct story *s)
{
	enum ftp_line_status status;
	size_t used;

	for (; n > 0; p += used, n -= used) {
		status = ftp_line_feed(l, p, n, &used);
		MUST(used > 0 && used <= n);
		MUST(status != FTP_LINE_NONE || used == n);
		if (status != FTP_LINE_NONE)
			take(l, status, s);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct story whole, cut;
	struct ftp_line a = { .len = 0 }, b = { .len = 0 };
	struct pieces s;
	const char *p;
	size_t len;

	if (n == 0)
		return 0;
	whole.n = cut.n = 0;
	feed(&a, (const char *)data + 1, n - 1, &whole);
	pieces_begin(&s, data + 1, n - 1, data[0]);
	while ((p = pieces_next(&s, &len)) != NULL)
		feed(&b, p, len, &cut);
	MUST(same_story(&whole, &cut));
	return 0;
}

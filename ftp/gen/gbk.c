/*
 * ftp/gen/gbk.c - run by the build: writes the table of ftp/gbk.c as C.
 *
 * The characters are those of iconv(3) on the machine that builds.  Both musl
 * and glibc know more than code page 936 of Windows, which is what clients
 * send; that is left out, and a sum over the rest shows that it is this code
 * page and nothing near it.
 *
 * Packed, its 21791 characters take 12 KB: the ideographs that GB 2312 lacks
 * stand in the order of Unicode, so the rows of GB 2312 come first, and of the
 * rest nearly all are "the next that has no code yet".  The bytes mean:
 *
 *     0 n            n codes without a character
 *     1 n            n times the next character that has no code yet
 *     2 hi lo        this character
 *     3 to 127       the last character and so much, less BIAS
 *     128 + hi, lo   U+4E00 and so much
 */
#include <iconv.h>
#include <stdio.h>

enum {
	LEADS = 126, TRAILS = 190, CODES = LEADS * TRAILS,
	RUN_MAX = 255, BIAS = 65, IDEOGRAPHS = 0x4e00,
	COUNT = 21791
};
static const unsigned SUM = 0x3ab37151;

static unsigned chars[0x10000];		/* by code, 0: none */
static unsigned char taken[0x10000];
static unsigned char out[3 * CODES];
static size_t len;

static unsigned
code_of(unsigned i)
{
	unsigned trail = 0x40 + i % TRAILS;

	return (0x81 + i / TRAILS) << 8 | (trail + (trail >= 0x7f));
}

/* In GBK 1.0 or GB 18030, but not in the code page: private use, what Unicode
 * got later, and a second euro beside the byte 0x80. */
static int
foreign(unsigned code, unsigned c)
{
	return (c >= 0xe000 && c <= 0xf8ff) || code == 0xa2e3 ||
	    code == 0xa8bf || (code >= 0xa989 && code <= 0xa995) ||
	    code >= 0xfe50;
}

static unsigned
ask(iconv_t cd, unsigned code)
{
	char in[2] = { (char)(code >> 8), (char)code };
	unsigned char to[8];
	char *ip = in, *op = (char *)to;
	size_t in_left = sizeof(in), out_left = sizeof(to);

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &ip, &in_left, &op, &out_left) != 0 ||
	    out_left != sizeof(to) - 2)
		return 0;
	return (unsigned)to[0] << 8 | to[1];
}

/* false: not code page 936 */
static int
read_all(iconv_t cd)
{
	unsigned sum = 2166136261u, i, code, c, n = 0;	/* FNV-1a */
	int k;

	for (i = 0; i < CODES; i++) {
		code = code_of(i);
		c = ask(cd, code);
		if (c == 0 || foreign(code, c))
			continue;
		chars[code] = c;
		n++;
		for (k = 24; k >= 0; k -= 8)
			sum = (sum ^ ((code << 16 | c) >> k & 0xff)) *
			    16777619u;
	}
	return n == COUNT && sum == SUM;
}

/* ---- packing ---- */

static unsigned
next_free(unsigned c)
{
	do
		c++;
	while (c < 0xffff && taken[c]);
	return c;
}

/* How many from p on have no character, or follow as the next free ones. */
static unsigned
run_of(const unsigned *p, unsigned left, unsigned last, int gap)
{
	unsigned n;

	for (n = 0; n < left && n < RUN_MAX; n++) {
		last = gap ? 0 : next_free(last);
		if (p[n] != last)
			break;
	}
	return n;
}

static void
put(unsigned byte)
{
	out[len++] = (unsigned char)byte;
}

static void
put_one(unsigned c, unsigned last)
{
	unsigned step = c - last + BIAS, far = c - IDEOGRAPHS;

	if (step >= 3 && step <= 127) {
		put(step);
	} else if (far <= 0x7fff) {
		put(0x80 | far >> 8);
		put(far & 0xff);
	} else {
		put(2);
		put(c >> 8);
		put(c & 0xff);
	}
}

static void
pack(const unsigned *p, unsigned n)
{
	unsigned last = 0, i, k, run;
	int gap;

	for (i = 0; i < n; i += run) {
		gap = p[i] == 0;
		run = run_of(p + i, n - i, last, gap);
		if (gap || run > 1) {
			put(!gap);
			put(run);
		} else {
			run = 1;
			put_one(p[i], last);
		}
		for (k = i; k < i + run && !gap; k++)
			taken[last = p[k]] = 1;
	}
}

int
main(void)
{
	static unsigned order[CODES];
	iconv_t cd = iconv_open("UTF-16BE", "GBK");
	unsigned i, code, n = 0;
	int rest;

	if (cd == (iconv_t)-1 || !read_all(cd)) {
		fprintf(stderr, "The iconv of this system does not know GBK: "
		    "install musl-tools,\nlibc-gconv-modules-extra (Debian) "
		    "or glibc-gconv-extra (Fedora).\n");
		return 1;
	}
	for (rest = 0; rest <= 1; rest++)
		for (i = 0; i < CODES; i++) {
			code = code_of(i);
			if ((code >= 0xb000 && code < 0xf800 &&
			    (code & 0xff) >= 0xa1) != rest)
				order[n++] = chars[code];
		}
	pack(order, n);
	printf("extern const unsigned char ftp_gbk_table[];\n"
	    "const unsigned char ftp_gbk_table[%zu] = {", len);
	for (i = 0; i < len; i++)
		printf("%s%u,", i % 18 == 0 ? "\n" : "", out[i]);
	printf("\n};\n");
	return 0;
}

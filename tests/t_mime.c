/*
 * tests/t_mime.c - cos/mime.c.
 */
#include "../cos/cos_int.h"
#include "test.h"

#define UNKNOWN	"application/octet-stream"

static const struct {
	const char *key, *type;
} rows[] = {
	{ "a.txt", "text/plain" },
	{ "dir.html/a.TXT", "text/plain" },
	{ "a.tar.gz", "application/gzip" },
	{ "index.html", "text/html" },
	{ "x.HtMl", "text/html" },
	{ "photo.jpeg", "image/jpeg" },
	{ "photo.JPG", "image/jpeg" },
	{ "a b/\xe4\xb8\xad.pdf", "application/pdf" },
	{ "f.woff2", "font/woff2" },
	{ "f.7z", "application/x-7z-compressed" },	/* the first row */
	{ "f.zst", "application/zstd" },		/* the last one */
	{ "f.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "style.css", "text/css" },
	{ "data.json", "application/json" },
	{ "a.jsonld", "application/ld+json" },
	{ "movie.mp4", "video/mp4" },
	{ "v.xml", "application/xml" },
	{ ".a.png", "image/png" },
	{ "", UNKNOWN },
	{ "a", UNKNOWN },
	{ "txt", UNKNOWN },
	{ "a.", UNKNOWN },
	{ ".txt", UNKNOWN },
	{ "dir/.html", UNKNOWN },
	{ "dir.txt/", UNKNOWN },
	{ "dir.txt/file", UNKNOWN },
	{ "a.unknown", UNKNOWN },
	{ "a.tx", UNKNOWN },
	{ "a.txtt", UNKNOWN },
	{ "a.txt ", UNKNOWN },
	{ "a.averyveryverylongextension", UNKNOWN },
	{ "a.\xff\xfe", UNKNOWN },
};

/* Every extension must be found: the table is searched by halving.  They are
 * listed here once more, in no order. */
static const char exts[] = "zip zst 7z aac apk avi avif bmp bz2 c cer conf css "
    "csv doc docx eot epub flac flv gif gz h heic htm html ico ics ini jar "
    "jpeg jpg js json jsonld log m3u8 m4a m4v md mid mjs mkv mov mp3 mp4 mpeg "
    "mpg odp ods odt oga ogg ogv opus otf pdf png ppt pptx ps psd rar rtf sh "
    "svg tar tgz tif tiff ts tsv ttf txt vtt wasm wav weba webm webp wmv woff "
    "woff2 xhtml xls xlsx xml xz yaml yml";

int
main(void)
{
	char list[sizeof(exts)], key[32], *ext, *save;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_STR(cos_mime(rows[i].key), rows[i].type, rows[i].key);
	memcpy(list, exts, sizeof(exts));
	for (ext = strtok_r(list, " ", &save); ext != NULL;
	    ext = strtok_r(NULL, " ", &save)) {
		snprintf(key, sizeof(key), "a.%s", ext);
		CHECK(strcmp(cos_mime(key), UNKNOWN) != 0, "%s", key);
	}
	return test_end("t_mime");
}

/*
 * f_store.c - the errands: a listing of each bucket (--check), or its uploads
 * that are not complete, each aborted (--clean).  All that comes is the
 * store's.
 */
#include "../../ftp/ftp_int.h"
#include "world.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char section[] = "COS_ACCOUNT_0", id[] = "AKIDexample",
	    key[] = WORLD_SECRET, bucket[] = "b-1250000000",
	    endpoint[] = "localhost:80";
	static struct conf_account account = { .section = section,
	    .secret_id = id, .secret_key = key, .bucket = bucket,
	    .endpoint = endpoint };
	static struct conf c = { .accounts = &account, .naccounts = 1,
	    .memory_limit = 16 << 20, .single_file_max_size = 8 << 20,
	    .min_part_size = 1 << 20 };
	static FILE *null;
	struct err e;

	if (n == 0)
		return 0;
	if (null == NULL)
		null = fopen("/dev/null", "w");
	MUST(null != NULL);
	world_begin(data + 1, n - 1);
	MUST(ftp_ask_store(&c, data[0] & 1 ? 3600 : 0, null, &e) >= 0);
	world_end();
	return 0;
}

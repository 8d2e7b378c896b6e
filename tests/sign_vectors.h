/*
 * tests/sign_vectors.h - known signatures of the COS XML API.
 *
 * All but the last two rows were made by running three official SDK signers
 * (Python, Node, Go) with a fixed time and invented keys; all three agreed.
 * The last two are the worked examples of the official page, which publishes
 * the signing key but not the secret it came from.
 */
#ifndef COSFTPD_SIGN_VECTORS_H
#define COSFTPD_SIGN_VECTORS_H

#define SIGN_ID	"AKIDEXAMPLEEXAMPLEEXAMPLEEXAMPLE0001"
#define SIGN_SECRET	"ExampleSecretKeyForTestsOnly0001"

static const struct sign_vector {
	const char *id;
	const char *method, *path, *target;	/* target: the request line's */
	struct cos_pair param[8], header[8];
	int64_t start, end;
	bool official;				/* not made with SIGN_SECRET */
	const char *param_list, *header_list;
	const char *hash;			/* SHA-1 of HttpString */
	const char *sign_key, *signature;
} sign_vectors[] = {
	{
	    .id = "get-plain",
	    .method = "GET",
	    .path = "/exampleobject",
	    .target =
		"/exampleobject",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "7ea33791cd867bae3db67145e6cb06958f2a62e7",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "1b24e3b5225e802d1d3e45e0829c8217d0b6ac57",
	},
	{
	    .id = "head-nested",
	    .method = "HEAD",
	    .path = "/dir/sub/file.txt",
	    .target =
		"/dir/sub/file.txt",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "53860536577c190cc040fa8c4814db24a7c3115f",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "971293cf116810662e5117104abcf6df6cced402",
	},
	{
	    .id = "get-range-response-params",
	    .method = "GET",
	    .path = "/dir/file.bin",
	    .target =
		"/dir/file.bin?versionId=MTg0NDUxNzYzMDc0NDMzNDExOTc&response-"
		"content-type=application%2Foctet-stream",
	    .param = {
		{ "versionId", "MTg0NDUxNzYzMDc0NDMzNDExOTc" },
		{ "response-content-type", "application/octet-stream" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Range", "bytes=1048576-2097151" },
		{ "If-Match", "\"39270a968a357d24207e9911162507eb\"" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "response-content-type;versionid",
	    .header_list =
		"host;if-match;range",
	    .hash = "feaa3a756ae5a8e4eab7874fa856a44ce13cb9ad",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "049b1764d7b72c1077072e2540021c32d2a70797",
	},
	{
	    .id = "put-small",
	    .method = "PUT",
	    .path = "/upload/hello.txt",
	    .target =
		"/upload/hello.txt",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "13" },
		{ "Content-Type", "application/octet-stream" },
		{ "Content-MD5", "mQ/fVh815F3k6TAUm8m0eg==" },
		{ "x-cos-storage-class", "STANDARD_IA" },
		{ "x-cos-meta-mtime", "1700000000" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"content-length;content-md5;content-type;host;x-cos-meta-mtime;"
		"x-cos-storage-class",
	    .hash = "6ce5295be14a49ee8c377aab82dbbcc6dbaea471",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "9143c897cb18d6294589a251b628cd31b9ac2a2c",
	},
	{
	    .id = "put-dir-marker",
	    .method = "PUT",
	    .path = "/dir/new folder/",
	    .target =
		"/dir/new%20folder/",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "0" },
		{ "Content-Type", "application/x-directory" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"content-length;content-type;host",
	    .hash = "d2f923dac2a628d31c55b1adebad3074e7486cf2",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "2d71cf0facfc7908dd6eea16eb133a38d358b390",
	},
	{
	    .id = "list-objects",
	    .method = "GET",
	    .path = "/",
	    .target =
		"/?prefix=%E7%9B%AE%E5%BD%95%2Fa%20b%2Bc%25d%2F&delimiter=%2F&"
		"marker=&max-keys=1000&encoding-type=url",
	    .param = {
		{ "prefix", "\347\233\256\345\275\225/a b+c%d/" },
		{ "delimiter", "/" },
		{ "marker", "" },
		{ "max-keys", "1000" },
		{ "encoding-type", "url" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "delimiter;encoding-type;marker;max-keys;prefix",
	    .header_list =
		"host",
	    .hash = "6052d0c5e1a1b3b2cada09eeaa7296c73e08127a",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "83b5d83378bd09b70b457f82a4851b3decaabe72",
	},
	{
	    .id = "list-empty-prefix",
	    .method = "GET",
	    .path = "/",
	    .target =
		"/?prefix=&delimiter=&marker=&max-keys=1&encoding-type=url",
	    .param = {
		{ "prefix", "" },
		{ "delimiter", "" },
		{ "marker", "" },
		{ "max-keys", "1" },
		{ "encoding-type", "url" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "delimiter;encoding-type;marker;max-keys;prefix",
	    .header_list =
		"host",
	    .hash = "e3318c4696ff4f073f8472c75c7181a10c93516e",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "75ebd1866bd4869efe577f8db6b4cda8a77e326f",
	},
	{
	    .id = "initiate-multipart",
	    .method = "POST",
	    .path = "/big/file name+1%~*.bin",
	    .target =
		"/big/file%20name%2B1%25~%2A.bin?uploads=",
	    .param = {
		{ "uploads", "" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "0" },
		{ "Content-Type", "application/octet-stream" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "uploads",
	    .header_list =
		"content-length;content-type;host",
	    .hash = "20456c4f94669b64e3625a675d1ed62b677d966f",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "fd297f0a2079ff34748321670533e02c491e32d9",
	},
	{
	    .id = "upload-part",
	    .method = "PUT",
	    .path = "/big/file name+1%~*.bin",
	    .target =
		"/big/file%20name%2B1%25~%2A.bin?partNumber=12&uploadId=158513"
		"0821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9e"
		"cc6361",
	    .param = {
		{ "partNumber", "12" },
		{ "uploadId",
		  "1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf"
		  "654b9ecc6361" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "1048576" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "partnumber;uploadid",
	    .header_list =
		"content-length;host",
	    .hash = "5d304b257cbb7daa99f980aca1aa3e68f7095252",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "a0ebf87b083371d3c1a99871fa592a0009fc7e45",
	},
	{
	    .id = "complete-multipart",
	    .method = "POST",
	    .path = "/big/file name+1%~*.bin",
	    .target =
		"/big/file%20name%2B1%25~%2A.bin?uploadId=1585130821cbb7df1d11"
		"846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361",
	    .param = {
		{ "uploadId",
		  "1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf"
		  "654b9ecc6361" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "353" },
		{ "Content-Type", "application/xml" },
		{ "Content-MD5", "Me/0Gvtc2x4VPIOhoIRllw==" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "uploadid",
	    .header_list =
		"content-length;content-md5;content-type;host",
	    .hash = "ce3567f210827b02f562fe1284a1ffda1cb9b3a7",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "c0782bf8fbe70ac68521693129ead8bac74a3a02",
	},
	{
	    .id = "abort-multipart",
	    .method = "DELETE",
	    .path = "/big/file name+1%~*.bin",
	    .target =
		"/big/file%20name%2B1%25~%2A.bin?uploadId=1585130821cbb7df1d11"
		"846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361",
	    .param = {
		{ "uploadId",
		  "1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf"
		  "654b9ecc6361" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "uploadid",
	    .header_list =
		"host",
	    .hash = "9b06a5a03651db3f1c9f52f1570dffc69d492ec0",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "03bcdd34ca301c88997c21d72c56044959a8b04b",
	},
	{
	    .id = "list-uploads",
	    .method = "GET",
	    .path = "/",
	    .target =
		"/?uploads=&prefix=big%2F&key-marker=big%2Ffile%20name%2B1%25~"
		"%2A.bin&upload-id-marker=1585130821cbb7df1d&max-uploads=1000&e"
		"ncoding-type=url",
	    .param = {
		{ "uploads", "" },
		{ "prefix", "big/" },
		{ "key-marker", "big/file name+1%~*.bin" },
		{ "upload-id-marker", "1585130821cbb7df1d" },
		{ "max-uploads", "1000" },
		{ "encoding-type", "url" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "encoding-type;key-marker;max-uploads;prefix;upload-i"
		"d-marker;uploads",
	    .header_list =
		"host",
	    .hash = "0058731b21905a3360e89eeaffc103bda218b84e",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "5dd5a3bdba0475b8506efd6d4e85292a335f857f",
	},
	{
	    .id = "copy-object",
	    .method = "PUT",
	    .path = "/dst/\351\207\215\345\221\275\345\220\215 b.txt",
	    .target =
		"/dst/%E9%87%8D%E5%91%BD%E5%90%8D%20b.txt",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "0" },
		{ "x-cos-copy-source",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/src/a%2"
		  "0b%2Bc%E4%B8%AD.txt" },
		{ "x-cos-metadata-directive", "Copy" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"content-length;host;x-cos-copy-source;x-cos-metadata-directive",
	    .hash = "a2326c00349f663ace5698d0b18160297a42ae4f",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "b4436f5fefb8a3b66a989897fb7d0a36fc192acd",
	},
	{
	    .id = "delete-object",
	    .method = "DELETE",
	    .path = "/old/file.txt",
	    .target =
		"/old/file.txt",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "d4a1c2d9662194252febaba49aec385edd2fcfd6",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "61f5c92ca9a4cf5d0627ff5fe33642f037057feb",
	},
	{
	    .id = "delete-multiple",
	    .method = "POST",
	    .path = "/",
	    .target =
		"/?delete=",
	    .param = {
		{ "delete", "" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "158" },
		{ "Content-Type", "application/xml" },
		{ "Content-MD5", "zUd/xgzNGDrqJMJUOWV2AQ==" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "delete",
	    .header_list =
		"content-length;content-md5;content-type;host",
	    .hash = "2e253524e2785177b119468aab14e5b6cf2044ac",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "f43b2b01dac6b0a810acb279efcb813cb7b4287b",
	},
	{
	    .id = "append-object",
	    .method = "POST",
	    .path = "/log/app.log",
	    .target =
		"/log/app.log?append=&position=0",
	    .param = {
		{ "append", "" },
		{ "position", "0" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "Content-Length", "4096" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "append;position",
	    .header_list =
		"content-length;host",
	    .hash = "b4c5c648c8227eba88f4eeb61f5c56c3988b90e1",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "a3113bd50fa396dddca355300a0f6d3ede3d0c92",
	},
	{
	    .id = "key-chinese",
	    .method = "GET",
	    .path = "/\344\270\255\346\226\207\347\233\256\345\275\225/\346\226\207"
		"\344\273\266 \345\220\215.txt",
	    .target =
		"/%E4%B8%AD%E6%96%87%E7%9B%AE%E5%BD%95/%E6%96%87%E4%BB%B6%20%E5"
		"%90%8D.txt",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "9dae62a33b65b96aa05ff28d67fc6f1d58d71239",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "3706b4e5d1e37bc5694f58402c723910fbdc8527",
	},
	{
	    .id = "key-double-slash",
	    .method = "GET",
	    .path = "/a//b///c",
	    .target =
		"/a//b///c",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "f545f2fa3aba63572cbf9ad4c6ed084884440eee",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "5b49edce4d116b1f42264a624a125db49937e32f",
	},
	{
	    .id = "key-ascii-punctuation",
	    .method = "GET",
	    .path = "/p !\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~",
	    .target =
		"/p%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%3A%3B%3C%3D%3E%3F%"
		"40%5B%5C%5D%5E_%60%7B%7C%7D~",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "2a2844c1de2b439a4e760845019148f7fb42a739",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "564db59e436d72694cc176e27270eb7d888b8f02",
	},
	{
	    .id = "param-ascii-punctuation",
	    .method = "GET",
	    .path = "/",
	    .target =
		"/?prefix=p%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%"
		"3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~",
	    .param = {
		{ "prefix", "p !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" },
	    },
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "prefix",
	    .header_list =
		"host",
	    .hash = "87ea48d8e4261bb0c5af4cc510724ad53ac3c150",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "44cc7540320e5acb6dfd27cbcbedbe3093d8f4e8",
	},
	{
	    .id = "temp-key-token-signed",
	    .method = "GET",
	    .path = "/exampleobject",
	    .target =
		"/exampleobject",
	    .header = {
		{ "Host",
		  "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "x-cos-security-token",
		  "5e776c4216ff4d31a7c74fe194a978a3ff2EXAMPLE" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host;x-cos-security-token",
	    .hash = "87c9ad0aa2031d86b1884cb310fd1c84909c0330",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "dd7e901cc76f41ca7fc0fb662081bfabc8f8fa10",
	},
	{
	    .id = "custom-endpoint-port",
	    .method = "GET",
	    .path = "/exampleobject",
	    .target =
		"/exampleobject",
	    .header = {
		{ "Host", "examplebucket-1250000000.cos.judge.test:9100" },
	    },
	    .start = 1700000000, .end = 1700003600,
	    .param_list = "",
	    .header_list =
		"host",
	    .hash = "55d95fbd729ff4785da7ee78da20b8716cad982b",
	    .sign_key = "68d781485b4d71347d5c5b18815eb3e8330356e5",
	    .signature = "af0c2acf748ff1f474e4b3d67f58e81ef713fff2",
	},
	{
	    .id = "official-doc-put",
	    .method = "PUT",
	    .path = "/exampleobject(\350\205\276\350\256\257\344\272\221)",
	    .target =
		"/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)",
	    .header = {
		{ "Date", "Thu, 16 May 2019 06:45:51 GMT" },
		{ "Host",
		  "examplebucket-1250000000.cos.ap-beijing.myqcloud.com" },
		{ "Content-Type", "text/plain" },
		{ "Content-Length", "13" },
		{ "Content-MD5", "mQ/fVh815F3k6TAUm8m0eg==" },
		{ "x-cos-acl", "private" },
		{ "x-cos-grant-read", "uin=\"100000000011\"" },
	    },
	    .start = 1557989151, .end = 1557996351, .official = true,
	    .param_list = "",
	    .header_list =
		"content-length;content-md5;content-type;date;host;x-cos-acl;x-"
		"cos-grant-read",
	    .hash = "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
	    .sign_key = "eb2519b498b02ac213cb1f3d1a3d27a3b3c9bc5f",
	    .signature = "3b8851a11a569213c17ba8fa7dcf2abec6935172",
	},
	{
	    .id = "official-doc-get",
	    .method = "GET",
	    .path = "/exampleobject(\350\205\276\350\256\257\344\272\221)",
	    .target =
		"/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)?response-content-"
		"type=application%2Foctet-stream&response-cache-control=max-age"
		"%3D600",
	    .param = {
		{ "response-content-type", "application/octet-stream" },
		{ "response-cache-control", "max-age=600" },
	    },
	    .header = {
		{ "Date", "Thu, 16 May 2019 06:55:53 GMT" },
		{ "Host",
		  "examplebucket-1250000000.cos.ap-beijing.myqcloud.com" },
	    },
	    .start = 1557989753, .end = 1557996953, .official = true,
	    .param_list = "response-cache-control;response-content-type",
	    .header_list =
		"date;host",
	    .hash = "54ecfe22f59d3514fdc764b87a32d8133ea611e6",
	    .sign_key = "937914bf490e9e8c189836aad2052e4feeb35eaf",
	    .signature = "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
	},
};

#endif

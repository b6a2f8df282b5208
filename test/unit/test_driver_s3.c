/* Objects in a bucket, against the strict little service of the end-to-end tests: what it does
 * not accept no other will. And the parts of it that need no service. */
#include "driver_test.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "image_file.h"
#include "s3.h"

static Http *http;
static char *endpoint, *home;
static pid_t service;
static int lifeline;

/* ---- parts ---- */

static void paths(void **state) {
    (void)state;
    static const struct {
        const char *key, *path;
    } cases[] = {
        {"ab/id/output-1.png", "/media/p/ab/id/output-1.png"},
        {"a b+c", "/media/p/a%20b%2Bc"},
        {"~-._", "/media/p/~-._"},
        {"!*'()=:@&$,;?#[]%", "/media/p/%21%2A%27%28%29%3D%3A%40%26%24%2C%3B%3F%23%5B%5D%25"},
        {"\xc3\xa9", "/media/p/%C3%A9"},
    };
    Bucket bucket = {.name = "media", .prefix = "p/"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *path = s3_path(&bucket, cases[i].key);
        assert_string_equal(path, cases[i].path);
        char *decoded = mem_strdup(path);
        s3_decode(decoded);
        assert_string_equal(decoded + strlen("/media/p/"), cases[i].key);
        free(decoded);
        free(path);
    }
    char *itself = s3_path(&bucket, NULL);
    assert_string_equal(itself, "/media");
    free(itself);
    bucket.virtual_host = true;
    char *path = s3_path(&bucket, "a/b"), *root = s3_path(&bucket, NULL);
    assert_string_equal(path, "/p/a/b");
    assert_string_equal(root, "/");
    free(path);
    free(root);
}

static void queries(void **state) {
    (void)state;
    char *query = NULL;
    s3_query_add(&query, "prefix", "a/b c");
    s3_query_add(&query, "start-after", "");
    assert_string_equal(query, "prefix=a%2Fb%20c&start-after=");
    free(query);
    char odd[] = "a+b%2Bc%zz%2";
    s3_decode(odd);
    assert_string_equal(odd, "a b+c%zz%2");
}

static void documents(void **state) {
    (void)state;
    const char text[] = "<?xml version=\"1.0\"?><R xmlns=\"x\"><Keys>no</Keys><Key>a &amp; "
                        "b&lt;&#13;&#x41;&bad;</Key>"
                        "<Key a=\"1\">second</Key><Empty/><Open>";
    XmlPart whole = {text, text + sizeof text - 1}, part;
    const char *at = NULL;
    char *key = xml_text(whole, "Key");
    assert_string_equal(key, "a & b<\rA&bad;");
    free(key);
    assert_true(xml_next(whole, &at, "Key", &part));
    assert_true(xml_next(whole, &at, "Key", &part));
    assert_memory_equal(part.start, "second</Key>", 12);
    assert_false(xml_next(whole, &at, "Key", &part));
    static const char *const absent[] = {"Empty", "Open", "None", "K"};
    for (size_t i = 0; i < COUNT(absent); i++)
        assert_null(xml_text(whole, absent[i]));
    XmlPart nothing = {text, text};
    assert_null(xml_text(nothing, "Key"));
}

/* What a service says, with the advice for it, and whether it is worth another try. */
static void errors(void **state) {
    (void)state;
    static const struct {
        long status;
        const char *body, *code, *words;
        bool absent, retry, keys;
    } cases[] = {
        {403, "<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message></Error>",
         "SignatureDoesNotMatch", "SignatureDoesNotMatch: No. Correct AWS_SECRET_ACCESS_KEY", false,
         false, true},
        {403, "<Error><Code>AccessDenied</Code></Error>", "AccessDenied", "s3:PutObject", false,
         false, false},
        {404, "<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket", "Make the bucket", false,
         false, false},
        {404, "<Error><Code>NoSuchKey</Code></Error>", "NoSuchKey", "no such object", true, false,
         false},
        {404, "", "NoSuchKey", "no such object", true, false, false},
        {403, "", "AccessDenied", "s3:PutObject", false, false, false},
        {400, "<Error><Code>ExpiredToken</Code></Error>", "ExpiredToken", "has expired", false,
         false, true},
        {403, "<Error><Code>InvalidAccessKeyId</Code></Error>", "InvalidAccessKeyId",
         "AWS_ACCESS_KEY_ID", false, false, true},
        {400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>",
         "AuthorizationHeaderMalformed",
         "to \"eu-west-3\", where the bucket is; it is \"us-east-1\"", false, false, false},
        {403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", "RequestTimeTooSkewed",
         "Set this machine's clock", false, false, false},
        {503, "<Error><Code>SlowDown</Code></Error>", "SlowDown", "later", false, true, false},
        {500, "not XML", "", "HTTP status 500", false, true, false},
        {418, "<html>", "", "HTTP status 418", false, false, false},
        {400, "<Error><Code>RequestTimeout</Code></Error>", "RequestTimeout", "too slow", false,
         true, false},
    };
    Bucket bucket = {.name = "media", .prefix = "", .region = "us-east-1"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        HttpReply reply = {.code = CURLE_OK, .status = cases[i].status, .error = ""};
        XmlPart body = {cases[i].body, cases[i].body + strlen(cases[i].body)};
        S3Error error;
        assert_false(s3_is_success(&reply, body));
        s3_error_read(&error, &bucket, &reply, body);
        assert_string_equal(error.code, cases[i].code);
        if (!strstr(error.words, cases[i].words))
            fail_msg("%s", error.words);
        assert_true(error.absent == cases[i].absent && error.retry == cases[i].retry &&
                    error.keys_are_old == cases[i].keys);
        s3_error_free(&error);
    }
    const char late[] = "<Error><Code>InternalError</Code></Error>";
    HttpReply reply = {.code = CURLE_OK, .status = 200, .error = ""};
    assert_false(s3_is_success(&reply, (XmlPart){late, late + sizeof late - 1}));
    assert_true(s3_is_success(&reply, (XmlPart){"", (const char *)""}));
}

/* ---- keys ---- */

/* Write the credentials file of this test's home. */
static void write_keys(const char *text) {
    char *path = mem_printf("%s/.aws/credentials", home), *error = NULL;
    if (!write_whole(path, text, strlen(text), &error))
        fail_msg("%s", error);
    free(path);
}

static void forget_keys(void) {
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_PROFILE",
                                        "AWS_SHARED_CREDENTIALS_FILE"};
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    char *path = mem_printf("%s/.aws/credentials", home);
    unlink(path);
    free(path);
}

static void use_keys(const char *id, const char *secret) {
    setenv("AWS_ACCESS_KEY_ID", id, 1);
    setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
}

static void keys(void **state) {
    (void)state;
    S3Keys found;
    char *error = NULL;
    forget_keys();
    assert_false(s3_keys_find(&found, NULL, &error));
    assert_non_null(strstr(error, "--storage-key-file"));
    free(error);
    error = NULL;
    write_keys(
        "# comment\n[other]\naws_access_key_id = X\n\n[default]\r\naws_access_key_id=FILE\r\n"
        " aws_secret_access_key = file/secret=\nregion = x\n[profile work]\n"
        "aws_access_key_id = WORK\naws_secret_access_key = w\naws_session_token = t\n");
    assert_true(s3_keys_find(&found, NULL, &error));
    assert_string_equal(found.id, "FILE");
    assert_string_equal(found.secret, "file/secret=");
    assert_null(found.token);
    assert_false(s3_keys_reload(&found));
    write_keys("[default]\naws_access_key_id=FILE\naws_secret_access_key=new\n");
    assert_true(s3_keys_reload(&found));
    assert_string_equal(found.secret, "new");
    s3_keys_free(&found);
    setenv("AWS_PROFILE", "work", 1);
    assert_false(s3_keys_find(&found, NULL, &error));
    assert_non_null(strstr(error, "no section for the profile"));
    free(error);
    error = NULL;
    use_keys("ENV", "secret");
    assert_true(s3_keys_find(&found, NULL, &error));
    assert_string_equal(found.id, "ENV");
    assert_false(s3_keys_reload(&found));
    s3_keys_free(&found);
    use_keys("ENV", "sec ret");
    assert_false(s3_keys_find(&found, NULL, &error));
    assert_null(strstr(error, "sec ret"));
    free(error);
    error = NULL;
    use_keys("ENV", "");
    assert_false(s3_keys_find(&found, NULL, &error));
    assert_non_null(strstr(error, "AWS_SECRET_ACCESS_KEY is not"));
    free(error);
    forget_keys();
}

/* ---- the service ---- */

typedef struct Got {
    bool done;
    StorageReply reply;
    char *error;
} Got;

static void keep(void *context, StorageReply *reply) {
    Got *got = context;
    *got = (Got){true, *reply, mem_strdup(reply->error)};
    reply->bytes = NULL;
    reply->kept = NULL;
    reply->has_file = false;
    reply->entries = NULL;
    reply->count = 0;
}

static void wait_for(Got *got) {
    while (!got->done)
        loop_turn(http_loop(http));
}

static void free_got(Got *got) {
    free(got->reply.bytes);
    bytes_free(got->reply.kept);
    for (size_t i = 0; i < got->reply.count; i++)
        free(got->reply.entries[i].key);
    free(got->reply.entries);
    free(got->error);
    *got = (Got){0};
}

typedef struct Said {
    bool done;
    char *text;
} Said;

static void keep_text(void *context, const HttpReply *reply) {
    Said *said = context;
    *said = (Said){true, mem_strdup(reply->body->data ? reply->body->data : "")};
    assert_int_equal(reply->status, 200);
}

/* Tell the service's control, or ask it; its answer is the caller's. */
static char *control(const char *what, const char *body) {
    Said said = {0};
    HttpRequest request = {.method = body ? "POST" : "GET",
                           .url = mem_printf("%s/-/%s", endpoint, what),
                           .body = body,
                           .body_length = body ? strlen(body) : 0,
                           .reply_maximum = 1 << 20,
                           .connect_timeout_ms = 60000,
                           .idle_timeout_ms = 60000,
                           .total_timeout_ms = 60000};
    http_send(http, request, keep_text, &said);
    while (!said.done)
        loop_turn(http_loop(http));
    return said.text;
}

static void order(const char *what, const char *body) {
    free(control(what, body));
}

/* Open the bucket with the test's keys. */
static Storage open_bucket(const char *where, StorageOptions options) {
    Storage storage;
    char *error = NULL;
    if (!options.endpoint)
        options.endpoint = endpoint;
    if (!storage_open(&storage, where, &options, http, &error))
        fail_msg("%s", error);
    return storage;
}

/* Store bytes; gives the error, "" where that went well. */
static char *put_bytes(Storage *storage, const char *key, const char *bytes, size_t length) {
    char sha256[65];
    Got got = {0};
    sha256_hex(bytes, length, sha256);
    Bytes *held = bytes_of(bytes, length);
    StorageObject object = {key, "image/png", held, sha256};
    storage_put(storage, &object, keep, &got);
    assert_false(got.done);
    wait_for(&got);
    bytes_free(held);
    char *error = mem_strdup(got.error);
    free_got(&got);
    return error;
}

static void put_well(Storage *storage, const char *key, const char *words) {
    char *error = put_bytes(storage, key, words, strlen(words));
    assert_string_equal(error, "");
    free(error);
}

/* Store words, and have that fail with words about it. */
static void put_badly(Storage *storage, const char *expected) {
    char *error = put_bytes(storage, "ab/bad", "words", 5);
    if (!strstr(error, expected))
        fail_msg("\"%s\" is not in: %s", expected, error);
    assert_null(strstr(error, "test/secret"));
    free(error);
}

/* Everything that is done with objects, in both styles, with a prefix and without. */
static void kept_and_removed(void **state) {
    (void)state;
    static const char *const keys[] = {"ab/0b7d/output-1.png", "a b+c/~x!(1)=:\xc3\xa9&.png", "b"};
    char *virtual = mem_printf("http://s3.localhost%s", strrchr(endpoint, ':'));
    use_keys("AKIATEST", "test/secret+key");
    for (int style = 0; style < 2; style++) {
        StorageOptions options = {.style = style ? "virtual" : "path",
                                  .endpoint = style ? virtual : NULL};
        Storage storage = open_bucket(style ? "s3://media/a/prefix/" : "s3://media", options);
        Got check = {0}, list = {0};
        storage_check(&storage, true, keep, &check);
        wait_for(&check);
        assert_string_equal(check.error, "");
        for (size_t i = 0; i < COUNT(keys); i++)
            put_well(&storage, keys[i], keys[i]);
        storage_list(&storage, "", keep, &list);
        wait_for(&list);
        assert_int_equal(list.reply.count, COUNT(keys));
        assert_string_equal(list.reply.entries[0].key, keys[1]);
        assert_int_equal(list.reply.entries[0].bytes, strlen(keys[1]));
        for (size_t i = 0; i < COUNT(keys); i++) {
            Got got = {0}, head = {0}, gone = {0}, again = {0}, small = {0};
            storage_get(&storage, keys[i], strlen(keys[i]) - 1, keep, &small);
            wait_for(&small);
            assert_true(!small.reply.ok && !small.reply.absent);
            free_got(&small);
            storage_get(&storage, keys[i], 100, keep, &got);
            storage_head(&storage, keys[i], keep, &head);
            wait_for(&got);
            wait_for(&head);
            assert_true(got.reply.ok && head.reply.ok);
            assert_int_equal(got.reply.length, strlen(keys[i]));
            assert_int_equal(head.reply.length, strlen(keys[i]));
            assert_memory_equal(got.reply.bytes, keys[i], strlen(keys[i]));
            storage_remove(&storage, keys[i], keep, &gone);
            wait_for(&gone);
            assert_true(gone.reply.ok);
            storage_get(&storage, keys[i], 3, keep, &again);
            wait_for(&again);
            assert_true(!again.reply.ok && again.reply.absent);
            free_got(&got);
            free_got(&head);
            free_got(&gone);
            free_got(&again);
        }
        char *url = storage_url(&storage, "ab/x");
        assert_string_equal(url, style ? "s3://media/a/prefix/ab/x" : "s3://media/ab/x");
        free(url);
        free_got(&check);
        free_got(&list);
        storage_close(&storage);
    }
    free(virtual);
}

/* A listing goes on over pages, past what is not ours. */
static void pages(void **state) {
    (void)state;
    Storage storage = open_bucket("s3://media/many", (StorageOptions){0});
    for (int i = 0; i < 2100; i++) {
        char *line = mem_printf("media/many/%s%04d\nx", i < 1050 ? ".other/" : "", i);
        order("put", line);
        free(line);
    }
    Got first = {0}, second = {0};
    storage_list(&storage, "", keep, &first);
    wait_for(&first);
    assert_true(first.reply.ok && first.reply.more);
    const char *last = first.reply.entries[first.reply.count - 1].key;
    storage_list(&storage, last, keep, &second);
    wait_for(&second);
    assert_false(second.reply.more);
    assert_int_equal(first.reply.count + second.reply.count, 1050);
    assert_string_equal(second.reply.entries[second.reply.count - 1].key, "2099");
    free_got(&first);
    free_got(&second);
    storage_close(&storage);
}

/* What is wrong with keys, bucket, region and clock is said, with what to do about it. */
static void refusals(void **state) {
    (void)state;
    use_keys("AKIATEST", "wrong");
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    put_badly(&storage, "SignatureDoesNotMatch");
    storage_close(&storage);
    use_keys("NOBODY", "test/secret+key");
    storage = open_bucket("s3://media", (StorageOptions){0});
    put_badly(&storage, "InvalidAccessKeyId");
    storage_close(&storage);
    use_keys("AKIATEST", "test/secret+key");
    storage = open_bucket("s3://none", (StorageOptions){0});
    put_badly(&storage, "in bucket \"none\": NoSuchBucket");
    storage_close(&storage);
    storage = open_bucket("s3://media", (StorageOptions){.region = "eu-west-1"});
    put_badly(&storage, "to \"us-east-1\", where the bucket is; it is \"eu-west-1\" now");
    storage_close(&storage);
    setenv("AWS_SESSION_TOKEN", "unexpected", 1);
    storage = open_bucket("s3://media", (StorageOptions){0});
    put_badly(&storage, "InvalidToken");
    storage_close(&storage);
    unsetenv("AWS_SESSION_TOKEN");
    storage = open_bucket("s3://media", (StorageOptions){0});
    order("clock", "3600");
    put_badly(&storage, "Set this machine's clock, which is 60 minutes behind the service's");
    order("clock", "-3600");
    put_badly(&storage, "60 minutes ahead of the service's");
    order("clock", "0");
    storage_close(&storage);
    storage = open_bucket("s3://media", (StorageOptions){.endpoint = "http://127.0.0.1:9"});
    static const char *const bad[][2] = {{"s3:///x", "names no bucket"},
                                         {"s3://a b", "names no bucket"},
                                         {"s3://media/../x", "names no bucket"},
                                         {"s3://", "not of the form"}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        Storage none;
        char *error = NULL;
        assert_false(storage_open(&none, bad[i][0], NULL, http, &error));
        assert_non_null(strstr(error, bad[i][1]));
        free(error);
    }
    storage_close(&storage);
}

/* How many calls of a method there were whose path matches. */
static int count_calls(const char *method, const char *part) {
    char *text = control("calls", NULL);
    json_t *calls = json_loads(text, 0, NULL), *call;
    size_t i;
    int count = 0;
    json_array_foreach(calls, i, call) count +=
        strcmp(json_string_value(json_object_get(call, "method")), method) == 0 &&
        strstr(json_string_value(json_object_get(call, "path")), part) != NULL;
    json_decref(calls);
    free(text);
    return count;
}

/* Failures of the moment are tried again, those that stay are told. */
static void tried_again(void **state) {
    (void)state;
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    order("fault", "PUT again 2 503");
    order("fault", "PUT again 1 500:InternalError");
    order("fault", "PUT again 1 cut");
    put_well(&storage, "ab/again", "words");
    order("fault", "PUT never 8 503");
    char *error = put_bytes(&storage, "ab/never", "x", 1);
    assert_non_null(strstr(error, "SlowDown"));
    free(error);
    order("fault", "PUT denied 1 403:AccessDenied");
    error = put_bytes(&storage, "ab/denied", "x", 1);
    assert_non_null(strstr(error, "AccessDenied"));
    free(error);
    int before = count_calls("PUT", ".renderchain");
    Got check = {0};
    order("fault", "PUT .renderchain 2 503");
    storage_check(&storage, true, keep, &check);
    wait_for(&check);
    assert_false(check.reply.ok);
    assert_int_equal(count_calls("PUT", ".renderchain"), before + 2);
    free_got(&check);
    storage_close(&storage);
}

/* Keys that have expired are read again from their file. */
static void new_keys(void **state) {
    (void)state;
    forget_keys();
    write_keys("[default]\naws_access_key_id=AKIATEST\naws_secret_access_key=old\n");
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    write_keys("[default]\naws_access_key_id=AKIATEST\naws_secret_access_key=test/secret+key\n");
    put_well(&storage, "ab/new-keys", "words");
    storage_close(&storage);
    forget_keys();
    use_keys("AKIATEST", "test/secret+key");
}

/* More than 64 MB go in parts; what fails on the way leaves none. */
static void in_parts(void **state) {
    (void)state;
    size_t length = (64 << 20) + 12345;
    char *bytes = mem_alloc(length), sha256[65], sha256_there[65];
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    for (size_t i = 0; i < length; i += 4096)
        bytes[i] = (char)(i >> 12);
    sha256_hex(bytes, length, sha256);
    order("fault", "PUT partNumber=2 1 503");
    order("fault", "POST uploadId 1 late");
    char *error = put_bytes(&storage, "ab/large", bytes, length);
    assert_string_equal(error, "");
    free(error);
    assert_int_equal(count_calls("PUT", "ab/large?partNumber"), 6);
    Got got = {0};
    storage_get(&storage, "ab/large", length, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    sha256_hex(got.reply.bytes, got.reply.length, sha256_there);
    assert_string_equal(sha256_there, sha256);
    free_got(&got);
    order("fault", "PUT fails.partNumber=3 1 403");
    error = put_bytes(&storage, "ab/fails", bytes, length);
    assert_non_null(strstr(error, "AccessDenied"));
    free(error);
    char *open = control("uploads", NULL);
    assert_string_equal(open, "0");
    free(open);
    storage_get(&storage, "ab/fails", 100, keep, &got);
    wait_for(&got);
    assert_true(got.reply.absent);
    free_got(&got);
    assert_int_equal(count_calls("PUT", "ab/limit?partNumber"), 0);
    error = put_bytes(&storage, "ab/limit", bytes, 64 << 20);
    assert_string_equal(error, "");
    free(error);
    assert_int_equal(count_calls("PUT", "ab/limit?partNumber"), 0);
    storage_close(&storage);
    free(bytes);
}

/* What may be large is in a temporary file as it comes, and stored from there. */
static void large_in_files(void **state) {
    (void)state;
    size_t length = (64 << 20) + 54321;
    char *data = mem_alloc(length);
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    for (size_t i = 0; i < length; i += 4096)
        data[i] = (char)(i >> 11);
    Bytes *bytes = bytes_new(data, length);
    StorageObject object = {"ab/one", "video/mp4", bytes, bytes_sha256(bytes)};
    Got got = {0};
    storage_put(&storage, &object, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    free_got(&got);

    bytes_allow(16, "/tmp");
    size_t before = bytes_in_memory();
    storage_keep(&storage, "ab/one", length, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    Bytes *kept = got.reply.kept;
    got.reply.kept = NULL;
    free_got(&got);
    assert_null(bytes_data(kept));
    assert_int_equal(bytes_in_memory(), before);
    assert_string_equal(bytes_sha256(kept), bytes_sha256(bytes));
    object = (StorageObject){"ab/two", "video/mp4", kept, bytes_sha256(kept)};
    order("fault", "PUT partNumber=2 1 503");
    storage_put(&storage, &object, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    free_got(&got);
    storage_open_object(&storage, "ab/two", length, keep, &got);
    wait_for(&got);
    char last;
    assert_true(got.reply.ok && got.reply.has_file);
    assert_int_equal(got.reply.length, length);
    assert_int_equal(pread(got.reply.file, &last, 1, (off_t)(length - 1)), 1);
    assert_int_equal(last, bytes_data(bytes)[length - 1]);
    assert_int_equal(pread(got.reply.file, &last, 1, (off_t)length), 0);
    assert_int_equal(bytes_in_memory(), before);
    close(got.reply.file);
    free_got(&got);
    bytes_allow(16, NULL);
    bytes_free(kept);
    storage_open_object(&storage, "ab/two", length, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok && !got.reply.has_file);
    assert_memory_equal(got.reply.bytes, bytes_data(bytes), length);
    free_got(&got);

    storage_get(&storage, "ab/two", length, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    assert_int_equal(got.reply.length, length);
    assert_memory_equal(got.reply.bytes, bytes_data(bytes), length);
    free_got(&got);
    storage_keep(&storage, "ab/two", length - 1, keep, &got);
    wait_for(&got);
    assert_false(got.reply.ok);
    free_got(&got);
    storage_keep(&storage, "ab/none", length, keep, &got);
    wait_for(&got);
    assert_true(got.reply.absent);
    free_got(&got);
    bytes_free(bytes);
    storage_close(&storage);
}

/* A dropped job reports nothing. */
static void dropped(void **state) {
    (void)state;
    Storage storage = open_bucket("s3://media", (StorageOptions){0});
    Got got = {0};
    Bytes *bytes = bytes_of("words", 5);
    StorageObject object = {"ab/dropped", "image/png", bytes, NULL};
    order("fault", "PUT dropped 1 hold");
    StorageJob *job = storage_put(&storage, &object, keep, &got);
    while (count_calls("PUT", "ab/dropped") == 0)
        loop_turn(http_loop(http));
    storage_drop(job);
    order("release", "");
    bytes_free(bytes);
    assert_false(got.done);
    storage_close(&storage);
}

/* ---- setting up ---- */

/* Start the service; it ends with us. */
static int start_service(void) {
    int in[2], out[2];
    char port[16] = "";
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    service = fork();
    if (service == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("perl", "perl", TEST_SERVERS "/S3Server.pm", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    lifeline = in[1];
    for (size_t at = 0; at < sizeof port - 1 && read(out[0], port + at, 1) == 1; at++)
        if (port[at] == '\n')
            break;
    close(out[0]);
    endpoint = mem_printf("http://127.0.0.1:%d", atoi(port));
    return atoi(port) > 0 ? 0 : -1;
}

static int set_up(void **state) {
    (void)state;
    char *error = NULL;
    home = mem_strdup("/tmp/renderchain-test-XXXXXX");
    if (!mkdtemp(home))
        return -1;
    char *aws = mem_printf("%s/.aws", home);
    setenv("HOME", home, 1);
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    bool made = file_make_directories(aws, &error);
    free(aws);
    http = http_new(NULL);
    return made ? start_service() : -1;
}

static int tear_down(void **state) {
    (void)state;
    char *command = mem_printf("rm -rf '%s'", home);
    close(lifeline);
    waitpid(service, NULL, 0);
    http_free(http);
    free(endpoint);
    free(home);
    int status = system(command);
    free(command);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),    cmocka_unit_test(queries),  cmocka_unit_test(documents),
        cmocka_unit_test(errors),   cmocka_unit_test(keys),     cmocka_unit_test(kept_and_removed),
        cmocka_unit_test(pages),    cmocka_unit_test(refusals), cmocka_unit_test(tried_again),
        cmocka_unit_test(new_keys), cmocka_unit_test(in_parts), cmocka_unit_test(large_in_files),
        cmocka_unit_test(dropped),
    };
    return cmocka_run_group_tests_name("driver S3", tests, set_up, tear_down);
}

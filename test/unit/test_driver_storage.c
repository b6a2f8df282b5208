/* Objects in a directory: stored whole, read, listed in the order of bytes and removed, all
 * without waiting; and what goes wrong with a disk. */
#include "driver_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "background.h"
#include "files.h"
#include "storage.h"

static char *top; /* a directory of this test */
static Http *http;
static Storage storage;

/* What a job reported. */
typedef struct Got {
    bool done;
    StorageReply reply; /* its bytes and entries are ours */
    char *error;
} Got;

static void keep(void *context, StorageReply *reply) {
    Got *got = context;
    assert_false(got->done);
    got->done = true;
    got->reply = *reply;
    got->error = mem_strdup(reply->error);
    reply->bytes = NULL;
    reply->kept = NULL;
    reply->entries = NULL;
    reply->count = 0;
}

/* Turn the loop until a job has reported. */
static Got *wait_for(Got *got) {
    while (!got->done)
        loop_turn(http_loop(http));
    return got;
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

/* Store words under a key; gives the error, which is "" where that went well. */
static char *put_words(const char *key, const char *words) {
    Got got = {0};
    Bytes *bytes = bytes_of(words, strlen(words));
    StorageObject object = {key, "image/png", bytes, ""};
    storage_put(&storage, &object, keep, &got);
    assert_false(got.done);
    wait_for(&got);
    bytes_free(bytes);
    assert_true(got.reply.ok == !*got.error);
    char *error = mem_strdup(got.error);
    free_got(&got);
    return error;
}

static void put_well(const char *key, const char *words) {
    char *error = put_words(key, words);
    assert_string_equal(error, "");
    free(error);
}

/* Does a key hold exactly these words (NULL: is it absent)? */
static void expect_words(const char *key, const char *words) {
    Got got = {0}, head = {0};
    storage_get(&storage, key, 1 << 20, keep, &got);
    storage_head(&storage, key, keep, &head);
    wait_for(&got);
    wait_for(&head);
    assert_true(got.reply.ok == (words != NULL));
    assert_true(head.reply.ok == (words != NULL));
    assert_true(got.reply.absent == !words);
    assert_true(head.reply.absent == !words);
    if (words) {
        assert_int_equal(got.reply.length, strlen(words));
        assert_int_equal(head.reply.length, strlen(words));
        assert_memory_equal(got.reply.bytes, words, strlen(words));
    }
    free_got(&got);
    free_got(&head);
}

/* Remove a key; was it there? */
static bool remove_key(const char *key) {
    Got got = {0};
    storage_remove(&storage, key, keep, &got);
    wait_for(&got);
    assert_true(got.reply.ok);
    bool there = !got.reply.absent;
    free_got(&got);
    return there;
}

/* Is there something of that name below the storage directory? */
static bool is_there(const char *name) {
    char *path = mem_printf("%s/%s", top, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void kept_and_removed(void **state) {
    (void)state;
    char *url = storage_url(&storage, "ab/id/output-1.png");
    expect_words("ab/id/output-1.png", NULL);
    put_well("ab/id/output-1.png", "one");
    put_well("ab/id/output-1.png", "two");
    expect_words("ab/id/output-1.png", "two");
    assert_string_equal(storage.backend, "file");
    assert_true(strncmp(url, "file:///", 8) == 0 && access(url + 7, F_OK) == 0);
    assert_true(remove_key("ab/id/output-1.png"));
    assert_false(remove_key("ab/id/output-1.png"));
    expect_words("ab/id/output-1.png", NULL);
    assert_false(is_there("ab/id"));
    free(url);
}

/* What a killed driver has begun to write is removed with its key. */
static void half_written(void **state) {
    (void)state;
    put_well("ab/id/output-2.png", "other");
    char *partial = mem_printf("%s/ab/id/.output-1.png~", top), *error = NULL;
    assert_true(write_whole(partial, "hal", 3, &error));
    expect_words("ab/id/output-1.png", NULL);
    assert_true(remove_key("ab/id/output-1.png"));
    assert_false(is_there("ab/id/.output-1.png~"));
    expect_words("ab/id/output-2.png", "other");
    assert_true(remove_key("ab/id/output-2.png"));
    free(partial);
}

static void too_large(void **state) {
    (void)state;
    Got got = {0};
    put_well("ab/large", "123456");
    storage_keep(&storage, "ab/large", 5, keep, &got);
    wait_for(&got);
    assert_non_null(strstr(got.error, "larger than the limit of 5 bytes"));
    free_got(&got);
    storage_get(&storage, "ab/large", 5, keep, &got);
    wait_for(&got);
    assert_false(got.reply.ok);
    assert_false(got.reply.absent);
    assert_non_null(strstr(got.error, "larger than the limit of 5 bytes"));
    free_got(&got);
    assert_true(remove_key("ab/large"));
}

/* Keys come in the order of bytes, which is not that of directories and then files. */
static void listed(void **state) {
    (void)state;
    static const char *const keys[] = {"a!/x", "a-b", "a.png", "a/b/c", "a/b.png", "a0", "b/1/2/3"};
    static const char *const sorted[] = {"a!/x",  "a-b", "a.png",  "a/b.png",
                                         "a/b/c", "a0",  "b/1/2/3"};
    for (size_t i = 0; i < COUNT(keys); i++)
        put_well(keys[i], keys[i]);
    for (size_t from = 0; from <= COUNT(sorted); from++) {
        Got got = {0};
        storage_list(&storage, from ? sorted[from - 1] : "", keep, &got);
        wait_for(&got);
        assert_true(got.reply.ok);
        assert_false(got.reply.more);
        assert_int_equal(got.reply.count, COUNT(sorted) - from);
        for (size_t i = 0; i < got.reply.count; i++) {
            assert_string_equal(got.reply.entries[i].key, sorted[from + i]);
            assert_int_equal(got.reply.entries[i].bytes, strlen(sorted[from + i]));
        }
        free_got(&got);
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_true(remove_key(keys[i]));
}

/* More than a page is listed in several. */
static void pages(void **state) {
    (void)state;
    enum { KEYS = 1001 };
    Got done[KEYS] = {0};
    char keys[KEYS][32];
    Bytes *bytes = bytes_of("x", 1);
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "%02x/%04d", i % 7, i);
        StorageObject object = {keys[i], NULL, bytes, ""};
        storage_put(&storage, &object, keep, &done[i]);
    }
    for (int i = 0; i < KEYS; i++) {
        assert_true(wait_for(&done[i])->reply.ok);
        free_got(&done[i]);
    }
    bytes_free(bytes);
    Got first = {0}, second = {0};
    storage_list(&storage, "", keep, &first);
    wait_for(&first);
    assert_int_equal(first.reply.count, 1000);
    assert_true(first.reply.more);
    storage_list(&storage, first.reply.entries[999].key, keep, &second);
    wait_for(&second);
    assert_int_equal(second.reply.count, 1);
    assert_false(second.reply.more);
    free_got(&first);
    free_got(&second);
    for (int i = 0; i < KEYS; i++)
        assert_true(remove_key(keys[i]));
}

/* A dropped job reports nothing, whether it had begun or not. */
static void dropped(void **state) {
    (void)state;
    Got got[32] = {0};
    StorageJob *jobs[COUNT(got)];
    char keys[COUNT(got)][16];
    Bytes *bytes = bytes_of("words", 5);
    for (size_t i = 0; i < COUNT(got); i++) {
        snprintf(keys[i], sizeof keys[i], "%02zu/dropped", i);
        StorageObject object = {keys[i], NULL, bytes, ""};
        jobs[i] = storage_put(&storage, &object, keep, &got[i]);
    }
    for (size_t i = 0; i < COUNT(got); i += 2)
        storage_drop(jobs[i]);
    for (size_t i = 1; i < COUNT(got); i += 2) {
        assert_true(wait_for(&got[i])->reply.ok);
        free_got(&got[i]);
    }
    bytes_free(bytes);
    for (size_t i = 0; i < COUNT(got); i++) {
        assert_false(got[i].done);
        assert_true(remove_key(keys[i]) || i % 2 == 0);
    }
    storage_drop(NULL);
}

/* Keys may come from a request: none leads out of the directory. */
static void unsafe_keys(void **state) {
    (void)state;
    static const char *const unsafe[] = {"",     "/etc/passwd", "../x", "a/../../x",
                                         "a//b", "a/",          "./a",  "a/./b",
                                         ".a",   "a/.b",        "a\nb", "a\x7f"};
    for (size_t i = 0; i < COUNT(unsafe); i++) {
        Got got = {0};
        assert_false(storage_key_is_safe(unsafe[i]));
        storage_get(&storage, unsafe[i], 100, keep, &got);
        wait_for(&got);
        assert_false(got.reply.ok);
        assert_non_null(strstr(got.error, "is no key of an object"));
        free_got(&got);
    }
    assert_true(storage_key_is_safe("ab/0b7d/output-1.png"));
    assert_true(storage_key_is_safe("a..b/c."));
}

/* A full disk is said to be one, and leaves nothing behind. */
static void full_disk(void **state) {
    (void)state;
    struct rlimit before, small = {1000, RLIM_INFINITY};
    char *large = mem_alloc(5001);
    memset(large, 'x', 5000);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char *error = put_words("ab/full/output-1.png", large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(error, "Make room there"));
    expect_words("ab/full/output-1.png", NULL);
    assert_false(is_there("ab/full/.output-1.png~"));
    put_well("ab/full/output-1.png", large);
    assert_true(remove_key("ab/full/output-1.png"));
    free(error);
    free(large);
}

/* A directory that has vanished is not made anew: it may be a disk that is not mounted. */
static void vanished(void **state) {
    (void)state;
    Storage other;
    Got got[3] = {0};
    char *error = NULL, *where = mem_printf("file:%s/other", top), *root = where + 5;
    assert_true(storage_open(&other, where, NULL, http, &error));
    assert_int_equal(rmdir(root), 0);
    Bytes *bytes = bytes_of("words", 5);
    StorageObject object = {"ab/x", NULL, bytes, ""};
    storage_check(&other, true, keep, &got[0]);
    storage_put(&other, &object, keep, &got[1]);
    storage_remove(&other, "ab/x", keep, &got[2]);
    for (int i = 0; i < 3; i++) {
        wait_for(&got[i]);
        assert_false(got[i].reply.ok);
        assert_non_null(strstr(got[i].error, "is gone"));
        free_got(&got[i]);
    }
    assert_int_equal(access(root, F_OK), -1);
    bytes_free(bytes);
    storage_close(&other);
    free(where);
}

static void places(void **state) {
    (void)state;
    char *file = mem_printf("%s/file", top), *error = NULL;
    assert_true(write_whole(file, "words", 5, &error));
    assert_int_equal(chmod(file, 0755), 0);
    const char *const cases[][2] = {{"file", "Not a directory"},
                                    {"file/below", "Not a directory"},
                                    {"\xff", "UTF-8"},
                                    {"new/place", NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        Storage opened;
        Got got = {0};
        char *where = mem_printf("file:%s/%s", top, cases[i][0]);
        bool ok = storage_open(&opened, where, NULL, http, &error);
        assert_true(ok == !cases[i][1]);
        if (ok) {
            storage_check(&opened, true, keep, &got);
            assert_true(wait_for(&got)->reply.ok);
            free_got(&got);
        } else {
            assert_non_null(strstr(error, cases[i][1]));
        }
        storage_close(&opened);
        free(where);
        free(error);
        error = NULL;
    }
    unlink(file);
    free(file);
}

static int set_up(void **state) {
    (void)state;
    char *error = NULL;
    top = mem_strdup("/tmp/renderchain-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    char *where = mem_printf("file:%s", top);
    http = http_new(NULL);
    bool ok = storage_open(&storage, where, NULL, http, &error);
    free(where);
    return ok ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char *command = mem_printf("rm -rf '%s'", top);
    storage_close(&storage);
    http_free(http);
    int status = system(command);
    free(command);
    free(top);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_removed),
        cmocka_unit_test(half_written),
        cmocka_unit_test(too_large),
        cmocka_unit_test(listed),
        cmocka_unit_test(pages),
        cmocka_unit_test(dropped),
        cmocka_unit_test(unsafe_keys),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(vanished),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests_name("driver storage", tests, set_up, tear_down);
}

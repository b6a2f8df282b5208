/* Local images of a request become stored objects: registered before they are uploaded, then
 * named by key and hash. And what a collector asks and tells the database. The database is played
 * by the test. */
#include "driver_test.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "collect.h"
#include "files.h"
#include "upload.h"

static App app;
static char *top;

/* ---- a database that says what the test wants ---- */

typedef struct Asked {
    char *sql, *first, *second;
    DbDone *done;
    void *context;
    int files_then; /* how many objects there were when it was asked */
} Asked;

static Asked asked[8];
static int asked_count;
static DbReply answers[8]; /* in the order of the questions */

/* How many objects are stored. */
static int count_files(void) {
    char *command = mem_printf("find '%s/objects' -type f 2>/dev/null | wc -l", top);
    FILE *pipe = popen(command, "r");
    int count = -1;
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    free(command);
    return count;
}

static void answer(void *context) {
    Asked *question = context;
    question->done(question->context, &answers[question - asked]);
}

void __wrap_db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                    void *context);
void __wrap_db_call(Db *db, const char *sql, int count, const char *const *parameters, DbDone *done,
                    void *context) {
    (void)db;
    Asked *question = &asked[asked_count++];
    *question = (Asked){mem_strdup(sql),
                        count > 0 ? mem_strdup(parameters[0]) : NULL,
                        count > 1 ? mem_strdup(parameters[1]) : NULL,
                        done,
                        context,
                        count_files()};
    loop_after(http_loop(app.http), 0, answer, question);
}

/* Forget what was asked. */
static void forget(void) {
    for (int i = 0; i < asked_count; i++) {
        free(asked[i].sql);
        free(asked[i].first);
        free(asked[i].second);
    }
    asked_count = 0;
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] =
            (DbReply){.ok = true, .sqlstate = "00000", .message = "", .detail = "", .hint = ""};
}

/* ---- uploads ---- */

typedef struct Got {
    bool done, bad_input;
    char *error, sqlstate[6];
} Got;

static void keep(void *context, const UploadResult *result) {
    Got *got = context;
    *got = (Got){true, result->bad_input, mem_strdup(result->error), ""};
    if (result->sqlstate)
        snprintf(got->sqlstate, sizeof got->sqlstate, "%s", result->sqlstate);
}

/* Upload what a request names. */
static Got upload_from(json_t *request) {
    Got got = {0};
    upload_start(&app, NULL, request, NULL, 0, keep, &got);
    assert_false(got.done);
    while (!got.done)
        loop_turn(http_loop(app.http));
    return got;
}

static void uploaded(void **state) {
    (void)state;
    char *path = mem_printf("%s/photo.png", top);
    json_t *request = json_pack("{s:s, s:[{s:s}, {s:s}, {s:s}], s:s, s:{s:s}}", "prompt", "p",
                                "references", "path", path, "url", "http://host/x", "key", "k",
                                "style", path, "lastFrame", "path", path);
    forget();
    int before = count_files();
    Got got = upload_from(request);
    assert_null(got.error);
    assert_int_equal(asked_count, 1);
    assert_non_null(strstr(asked[0].sql, "register_inputs"));
    assert_int_equal(asked[0].files_then, before);
    assert_int_equal(count_files(), before + 3);
    json_t *objects = json_loads(asked[0].second, 0, NULL);
    const json_t *now[] = {json_array_get(json_object_get(request, "references"), 0),
                           json_object_get(request, "style"),
                           json_object_get(request, "lastFrame")};
    for (size_t i = 0; i < COUNT(now); i++) {
        const char *key = json_string_value(json_object_get(now[i], "key"));
        char *where = mem_printf("%s/objects/%s", top, key);
        assert_string_equal(key,
                            json_string_value(json_object_get(json_array_get(objects, i), "key")));
        assert_memory_equal(key + 3, asked[0].first, 36);
        assert_memory_equal(key, asked[0].first, 2);
        assert_int_equal(access(where, F_OK), 0);
        assert_int_equal(json_string_length(json_object_get(now[i], "sha256")), 64);
        assert_string_equal(json_string_value(json_object_get(now[i], "mime")), "image/png");
        assert_null(json_object_get(now[i], "path"));
        free(where);
    }
    const json_t *references = json_object_get(request, "references");
    assert_non_null(json_object_get(json_array_get(references, 1), "url"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(references, 2), "key")),
                        "k");
    json_decref(objects);
    json_decref(request);
    free(path);
}

static void nothing_to_upload(void **state) {
    (void)state;
    json_t *request = json_pack("{s:s, s:n, s:[{s:s}]}", "prompt", "p", "style", "references",
                                "url", "http://x/");
    json_t *copy = json_deep_copy(request);
    forget();
    Got got = upload_from(request);
    assert_null(got.error);
    assert_int_equal(asked_count, 0);
    assert_true(json_equal(request, copy));
    json_decref(copy);
    json_decref(request);
}

/* Files that come with a request stand for the members that are their objects, and no others. */
static void files_uploaded(void **state) {
    (void)state;
    Buf png = make_png(2, 2);
    json_t *request =
        json_pack("{s:{}, s:[{}, {s:s}], s:{}}", "style", "references", "key", "k", "mask");
    UploadFile files[] = {
        {json_incref(json_array_get(json_object_get(request, "references"), 0)), NULL, 0},
        {json_incref(json_object_get(request, "style")), NULL, 0},
        {json_object(), NULL, 0}};
    for (size_t i = 0; i < COUNT(files); i++) {
        files[i].bytes = mem_alloc(png.length);
        memcpy(files[i].bytes, png.data, png.length);
        files[i].length = png.length;
    }
    forget();
    Got got = {0};
    int before = count_files();
    upload_start(&app, NULL, request, files, COUNT(files), keep, &got);
    while (!got.done)
        loop_turn(http_loop(app.http));
    assert_null(got.error);
    assert_int_equal(count_files(), before + 2);
    assert_non_null(json_object_get(json_object_get(request, "style"), "sha256"));
    assert_non_null(
        json_object_get(json_array_get(json_object_get(request, "references"), 0), "sha256"));
    assert_int_equal(json_object_size(json_object_get(request, "mask")), 0);
    json_decref(request);
    buf_free(&png);
}

/* What goes wrong leaves the request as it was. */
static void refused(void **state) {
    (void)state;
    char *path = mem_printf("%s/photo.png", top);
    json_t *request = json_pack("{s:s, s:{s:s}}", "style", path, "mask", "path", "/nowhere.png");
    json_t *copy = json_deep_copy(request);
    forget();
    Got got = upload_from(request);
    assert_true(got.bad_input);
    assert_non_null(strstr(got.error, "/nowhere.png"));
    assert_int_equal(asked_count, 0);
    free(got.error);
    json_object_del(request, "mask");
    json_object_del(copy, "mask");
    int before = count_files();
    answers[0] = (DbReply){.sqlstate = "42501", .message = "denied", .detail = "", .hint = ""};
    got = upload_from(request);
    assert_false(got.bad_input);
    assert_string_equal(got.sqlstate, "42501");
    assert_int_equal(count_files(), before);
    free(got.error);
    forget();
    char *objects = mem_printf("%s/objects", top), *away = mem_printf("%s/away", top);
    assert_int_equal(rename(objects, away), 0);
    got = upload_from(request);
    assert_int_equal(rename(away, objects), 0);
    assert_non_null(strstr(got.error, "is gone"));
    assert_true(json_equal(request, copy));
    free(got.error);
    free(objects);
    free(away);
    json_decref(copy);
    json_decref(request);
    free(path);
}

/* ---- collecting ---- */

typedef struct Collected {
    bool done;
    CollectResult result;
    char *error;
} Collected;

static void keep_result(void *context, const CollectResult *result) {
    Collected *collected = context;
    *collected = (Collected){true, *result, mem_strdup(result->error)};
}

/* A result with a column of keys. */
static PGresult *keys_of(const char *const *keys, int count) {
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc column = {.name = (char *)"key"};
    assert_true(PQsetResultAttrs(result, 1, &column));
    for (int i = 0; i < count; i++)
        assert_true(PQsetvalue(result, i, 0, (char *)(uintptr_t)keys[i], (int)strlen(keys[i])));
    return result;
}

/* What is removed is told, what cannot be is not; several keys are quoted as SQL needs it. */
static void collected(void **state) {
    (void)state;
    static const char *const keys[] = {"c/there", "c/absent", "c/od\"d\\,{}", "../bad"};
    char *there = mem_printf("%s/objects/c", top), *error = NULL;
    Collected got = {0};
    assert_true(file_make_directories(there, &error));
    free(there);
    there = mem_printf("%s/objects/c/there", top);
    assert_true(write_whole(there, "x", 1, &error));
    forget();
    PGresult *rows = keys_of(keys, COUNT(keys));
    answers[0].result = rows;
    collect_start(&app, NULL, COUNT(keys), keep_result, &got);
    while (!got.done)
        loop_turn(http_loop(app.http));
    assert_int_equal(asked_count, 2);
    assert_string_equal(asked[0].first, "file");
    assert_string_equal(asked[1].first, "{\"c/there\",\"c/absent\",\"c/od\\\"d\\\\,{}\"}");
    assert_int_equal(got.result.taken, 4);
    assert_int_equal(got.result.removed, 3);
    assert_int_equal(got.result.absent, 2);
    assert_int_equal(got.result.failed, 1);
    assert_true(got.result.more);
    assert_non_null(strstr(got.error, "is no key"));
    assert_int_equal(access(there, F_OK), -1);
    free(got.error);
    PQclear(rows);
    free(there);
}

static void nothing_to_collect(void **state) {
    (void)state;
    Collected got = {0}, refused_got = {0};
    forget();
    PGresult *rows = keys_of(NULL, 0);
    answers[0].result = rows;
    answers[1] = (DbReply){.sqlstate = "08006", .message = "gone", .detail = "", .hint = ""};
    collect_start(&app, NULL, 10, keep_result, &got);
    collect_start(&app, NULL, 10, keep_result, &refused_got);
    while (!got.done || !refused_got.done)
        loop_turn(http_loop(app.http));
    assert_int_equal(asked_count, 2);
    assert_true(got.result.taken == 0 && !got.result.more && !got.error);
    assert_string_equal(refused_got.error, "gone");
    free(refused_got.error);
    PQclear(rows);
}

static void collection_dropped(void **state) {
    (void)state;
    static const char *const keys[] = {"c/x", "c/y"};
    Collected got = {0};
    forget();
    PGresult *rows = keys_of(keys, COUNT(keys));
    answers[0].result = answers[1].result = rows;
    collect_drop(collect_start(&app, NULL, 2, keep_result, &got));
    Collect *removing = collect_start(&app, NULL, 2, keep_result, &got);
    for (int i = 0; i < 3; i++)
        loop_turn(http_loop(app.http));
    if (asked_count == 2 && !got.done)
        collect_drop(removing);
    else if (!got.done)
        while (!got.done)
            loop_turn(http_loop(app.http));
    collect_drop(NULL);
    PQclear(rows);
}

static int set_up(void **state) {
    (void)state;
    char *error = NULL;
    top = mem_strdup("/tmp/renderchain-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    Buf png = make_png(3, 2);
    char *path = mem_printf("%s/photo.png", top), *where = mem_printf("file:%s/objects", top);
    app.http = http_new(NULL);
    bool ok = write_whole(path, png.data, png.length, &error) &&
              storage_open(&app.storage, where, NULL, app.http, &error);
    buf_free(&png);
    free(path);
    free(where);
    return ok ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char *command = mem_printf("rm -rf '%s'", top);
    forget();
    background_free(app.background);
    storage_close(&app.storage);
    http_free(app.http);
    int status = system(command);
    free(command);
    free(top);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uploaded),
        cmocka_unit_test(nothing_to_upload),
        cmocka_unit_test(files_uploaded),
        cmocka_unit_test(refused),
        cmocka_unit_test(collected),
        cmocka_unit_test(nothing_to_collect),
        cmocka_unit_test(collection_dropped),
    };
    return cmocka_run_group_tests_name("driver upload", tests, set_up, tear_down);
}

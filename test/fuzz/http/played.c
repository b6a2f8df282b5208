/* The database, the storage, the uploads and the follower of renders, as the linker puts them in
 * the place of the real ones (--wrap): they note what reached them, and answer something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "follow.h"
#include "http_fuzz.h"
#include "image_file.h"
#include "request.h"
#include "storage.h"
#include "upload.h"

Played played = {.followed = -1};
const char *const tokens[4] = {"nobody", "reader", "writer", "operator"};

static App *the_app;
static Random answers;
static char hashes[4][65];
static FollowEars ears;

/* Begin: the app that is served. */
void play_start(App *app, uint64_t seed) {
    the_app = app;
    answers = random_of(seed, 0);
    for (size_t i = 0; i < 4; i++)
        sha256_hex(tokens[i], strlen(tokens[i]), hashes[i]);
}

/* Forget what came, and answer as this case has it. */
void play_anew(const Random *random) {
    free(played.part);
    free(played.document);
    free(played.wrong);
    json_decref(played.form);
    played = (Played){.followed = -1};
    answers = *random;
}

/* A byte of the one object there is. */
char object_byte(size_t at) {
    return (char)(at * 7 + 'a');
}

/* Note what should never have come; the first of it. */
static void wrong(const char *what, const char *value) {
    if (!played.wrong)
        played.wrong = mem_printf("%s: %s", what, value);
}

/* ---- the database ---- */

/* An answer on its way. */
typedef struct Due {
    DbDone *done;
    void *context;
    PGresult *result;
    const char *sqlstate;
} Due;

/* Give it. */
static void give(void *context) {
    Due *due = context;
    DbReply reply = {.ok = !due->sqlstate,
                     .result = due->result,
                     .sqlstate = due->sqlstate ? due->sqlstate : "00000",
                     .message = due->sqlstate ? "no\r\nX-Injected: 1 \"\\ \xc3\xa9" : "",
                     .detail = "\r\n\r\n<b>",
                     .hint = ""};
    due->done(due->context, &reply);
    PQclear(due->result);
    free(due);
}

/* A result of one row. */
static PGresult *row_of(int count, const char *const *names, const char *const *values) {
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[2] = {{0}};
    for (int i = 0; i < count; i++)
        columns[i] = (PGresAttDesc){.name = (char *)names[i], .typid = 25, .typlen = -1};
    PQsetResultAttrs(result, count, columns);
    for (int i = 0; values && i < count; i++)
        PQsetvalue(result, 0, i, (char *)values[i], (int)strlen(values[i]));
    return result;
}

/* Whose token has a hash? */
static PGresult *token_row(const char *hash) {
    static const char *const names[] = {"user_id", "level"};
    static const char *const levels[] = {"", "read", "write", "admin"};
    for (size_t i = 1; i < 4; i++)
        if (strcmp(hashes[i], hash) == 0)
            return row_of(2, names,
                          (const char *const[]){"00000000-0000-0000-0000-00000000000a", levels[i]});
    return row_of(2, names, NULL);
}

/* Note what a statement is about, and look whether it may be asked so. */
static void note(const char *sql, int count, const char *const *parameters) {
    bool body_first = strstr(sql, "submit_own") != NULL;
    const char *body = body_first                       ? parameters[0]
                       : strstr(sql, "$3") && count > 2 ? parameters[2]
                                                        : NULL;
    played.asked++;
    if (!body_first && count > 0 && strstr(sql, "$1::uuid, $2::uuid") && parameters[0]) {
        played.part = mem_strdup(parameters[0]);
        if (!is_uuid(parameters[0]))
            wrong("no id", parameters[0]);
    } else if (strstr(sql, "own_object")) {
        played.part = mem_strdup(parameters[0]);
        if (!storage_key_is_safe(parameters[0]))
            wrong("an unsafe key", parameters[0]);
    }
    if (!body)
        return;
    json_t *json = json_loads(body, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(json))
        wrong("a body that is no JSON object", body);
    json_decref(json);
    played.document = mem_strdup(body);
}

void __wrap_db_call_once(Db *db, const char *sql, int count, const char *const *parameters,
                         DbDone *done, void *context);

/* Answer a statement: mostly something good, sometimes a refusal. */
void __wrap_db_call_once(Db *db, const char *sql, int count, const char *const *parameters,
                         DbDone *done, void *context) {
    static const char *const refusals[] = {"RC003", "RC005", "RC006", "RC010", "22P02",
                                           "42501", "08006", "40001", "XX000"};
    static const char *const values[] = {
        "null", "[]", "{\"renderId\": \"x\\r\\nX-Injected: 1\", \"imageUrl\": 1, \"outputKey\": 2}",
        "{\"mime\": \"image/png\\r\\nX-Injected: 1\", \"sha256\": \"a\\r\\nX-Injected: 1\"}",
        "{\"mime\": \"image/png\", \"data\": [1e400, 123456789012345678901234567890]}"};
    static const char *const object = "{\"mime\": \"image/png\", \"sha256\": \"aa\"}";
    Due *due = mem_alloc(sizeof *due);
    (void)db;
    *due = (Due){.done = done, .context = context};
    if (strstr(sql, "check_token")) {
        due->result = token_row(parameters[0]);
    } else {
        note(sql, count, parameters);
        bool plain = chance(&answers, 70);
        if (!plain && chance(&answers, 50))
            due->sqlstate = refusals[below(&answers, sizeof refusals / sizeof refusals[0])];
        else
            due->result =
                row_of(1, (const char *const[]){"x"},
                       (const char *const[]){plain ? object : values[below(&answers, 5)]});
    }
    loop_after(http_loop(the_app->http), 0, give, due);
}

bool __wrap_db_is_up(const Db *db);
bool __wrap_db_is_up(const Db *db) {
    (void)db;
    return true;
}

Db *__wrap_db_start(const char *conninfo, const char *schema, Trace *trace);
Db *__wrap_db_start(const char *conninfo, const char *schema, Trace *trace) {
    (void)conninfo;
    (void)schema;
    (void)trace;
    return NULL;
}

bool __wrap_db_connect(Db *db, Loop *loop, char **error);
bool __wrap_db_connect(Db *db, Loop *loop, char **error) {
    (void)db;
    (void)loop;
    (void)error;
    return true;
}

void __wrap_db_stay(Db *db, DbChanged *changed, void *context);
void __wrap_db_stay(Db *db, DbChanged *changed, void *context) {
    (void)db;
    (void)changed;
    (void)context;
}

void __wrap_db_lock_patience(Db *db, unsigned milliseconds);
void __wrap_db_lock_patience(Db *db, unsigned milliseconds) {
    (void)db;
    (void)milliseconds;
}

/* ---- the follower ---- */

Follow *__wrap_follow_start(Db *db, Loop *loop, const char *chain, bool all, const FollowEars *to);
Follow *__wrap_follow_start(Db *db, Loop *loop, const char *chain, bool all, const FollowEars *to) {
    (void)db;
    (void)loop;
    (void)chain;
    (void)all;
    ears = *to;
    return NULL;
}

/* Tell of a render that has ended. */
static void tell(void *context) {
    json_t *render = json_pack("{s:s, s:s, s:s, s:[{s:i, s:s}]}", "renderId", context, "version",
                               "completed/1/1", "status", "completed", "events", "seq", LAST_SEQ,
                               "stage", "image_generation");
    ears.news(ears.context, render);
    json_decref(render);
    free(context);
}

void __wrap_follow_render(Follow *follow, const char *id, long long seq);
void __wrap_follow_render(Follow *follow, const char *id, long long seq) {
    (void)follow;
    played.followed = seq;
    loop_after(http_loop(the_app->http), 0, tell, mem_strdup(id));
}

void __wrap_follow_forget(Follow *follow, const char *id);
void __wrap_follow_forget(Follow *follow, const char *id) {
    (void)follow;
    (void)id;
}

void __wrap_follow_strangers(Follow *follow, bool on);
void __wrap_follow_strangers(Follow *follow, bool on) {
    (void)follow;
    (void)on;
}

bool __wrap_follow_hears(const Follow *follow);
bool __wrap_follow_hears(const Follow *follow) {
    (void)follow;
    return true;
}

/* ---- storage and uploads ---- */

/* A read on its way. */
typedef struct Reading {
    StorageDone *done;
    void *context;
} Reading;

static void give_object(void *context) {
    Reading *reading = context;
    StorageReply reply = {.ok = true, .error = "", .length = OBJECT_BYTES};
    reply.bytes = mem_alloc(OBJECT_BYTES);
    for (size_t i = 0; i < OBJECT_BYTES; i++)
        reply.bytes[i] = object_byte(i);
    reading->done(reading->context, &reply);
    free(reply.bytes);
    free(reading);
}

StorageJob *__wrap_storage_open_object(Storage *storage, const char *key, size_t maximum,
                                       StorageDone *done, void *context);
StorageJob *__wrap_storage_open_object(Storage *storage, const char *key, size_t maximum,
                                       StorageDone *done, void *context) {
    Reading *reading = mem_alloc(sizeof *reading);
    (void)storage;
    (void)key;
    (void)maximum;
    *reading = (Reading){done, context};
    loop_after(http_loop(the_app->http), 0, give_object, reading);
    return NULL;
}

/* An upload on its way. */
typedef struct Uploading {
    UploadDone *done;
    void *context;
} Uploading;

static void give_upload(void *context) {
    Uploading *uploading = context;
    UploadResult result = {0};
    uploading->done(uploading->context, &result);
    free(uploading);
}

/* The bytes of a file that stands for an image, in base 16, so that JSON holds them; NULL where
 * none does. */
static json_t *bytes_of(const json_t *image, const UploadFile *files, size_t count) {
    size_t i = 0;
    while (i < count && files[i].image != image)
        i++;
    if (!image || i == count)
        return NULL;
    char *text = mem_alloc(2 * files[i].length + 1);
    for (size_t j = 0; j < files[i].length; j++)
        snprintf(text + 2 * j, 3, "%02x", (unsigned char)files[i].bytes[j]);
    json_t *value = json_string(text);
    free(text);
    return value;
}

void __wrap_upload_start(App *app, Db *db, json_t *request, const UploadFile *files, size_t count,
                         UploadDone *done, void *context);
void __wrap_upload_start(App *app, Db *db, json_t *request, const UploadFile *files, size_t count,
                         UploadDone *done, void *context) {
    static const char *const images[] = {"style", "mask", "firstFrame", "lastFrame"};
    Uploading *uploading = mem_alloc(sizeof *uploading);
    size_t i;
    json_t *image;
    (void)app;
    (void)db;
    json_decref(played.form);
    played.form = json_deep_copy(request);
    for (i = 0; i < 4; i++)
        if ((image = bytes_of(json_object_get(request, images[i]), files, count)))
            json_object_set_new(played.form, images[i], image);
    json_array_foreach(json_object_get(request, "references"), i, image) {
        json_t *bytes = bytes_of(image, files, count);
        if (bytes)
            json_array_set_new(json_object_get(played.form, "references"), i, bytes);
    }
    for (i = 0; i < count; i++) {
        UploadFile file = files[i];
        upload_file_free(&file);
    }
    *uploading = (Uploading){done, context};
    loop_after(http_loop(the_app->http), 0, give_upload, uploading);
}

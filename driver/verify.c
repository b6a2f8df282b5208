/* Storage is listed in pages of keys in the order of bytes, and the database compares each page
 * with its rows of the same range. What differs may have changed between the two, so it is
 * looked at once more, key by key, before it is called a problem. */
#include "verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "query.h"
#include "table.h"

enum { PAGES_AT_ONCE = 10 };

typedef struct Suspect {
    char *key;
    bool there;
    size_t bytes;
} Suspect;

typedef struct Verification {
    App *app;
    VerifyProblem *problem;
    void *context;
    VerifyResult result;
    Suspect *suspects;
    size_t suspect_count;
} Verification;

/* What a job of storage reported, for a command that waits for it. */
typedef struct Waited {
    bool done, ok, absent, more;
    size_t length, count;
    StorageEntry *entries; /* owned */
    char *error;           /* owned */
} Waited;

static void keep(void *context, StorageReply *reply) {
    Waited *waited = context;
    *waited = (Waited){true,          reply->ok,    reply->absent,  reply->more,
                       reply->length, reply->count, reply->entries, mem_strdup(reply->error)};
    reply->entries = NULL;
    reply->count = 0;
}

/* Turn the loop until a job has reported. */
static void wait_for(const Verification *verification, const Waited *waited) {
    while (!waited->done)
        loop_turn(http_loop(verification->app->http));
}

/* Free what a job reported. */
static void free_waited(Waited *waited) {
    for (size_t i = 0; i < waited->count; i++)
        free(waited->entries[i].key);
    free(waited->entries);
    free(waited->error);
}

/* Storage cannot be read: that is printed, and ends the comparison. */
static bool storage_failed(Verification *verification, const char *error) {
    app_error(&verification->app->settings, error, NULL, NULL);
    verification->result.ok = false;
    verification->result.code = EXIT_STORAGE;
    return false;
}

/* Count an entry, and add it to what the database is asked about. What no key can be called is
 * nothing of ours, and the database could not be asked. */
static void add_entry(Verification *verification, const StorageEntry *entry, json_t *listed) {
    verification->result.objects++;
    verification->result.bytes += entry->bytes;
    if (storage_key_is_safe(entry->key) && text_is_utf8(entry->key)) {
        json_array_append_new(
            listed, json_pack("{s:s, s:I}", "key", entry->key, "bytes", (json_int_t)entry->bytes));
        return;
    }
    char *key = text_is_utf8(entry->key) ? mem_strdup(entry->key) : text_clean(entry->key);
    char *detail = mem_printf("%zu bytes in storage", entry->bytes);
    verification->result.problems++;
    verification->problem(verification->context, key, "unknown", detail);
    free(detail);
    free(key);
}

/* Add what is listed after a key to a list, up to some pages; *last becomes the last key, NULL at
 * the end. */
static bool list_some(Verification *verification, char **last, json_t *listed) {
    bool more = true;
    for (int i = 0; more && i < PAGES_AT_ONCE; i++) {
        Waited page = {0};
        storage_list(&verification->app->storage, *last ? *last : "", keep, &page);
        wait_for(verification, &page);
        bool ok = page.ok || storage_failed(verification, page.error);
        for (size_t k = 0; ok && k < page.count; k++)
            add_entry(verification, &page.entries[k], listed);
        more = ok && page.more && page.count > 0;
        if (ok && page.count > 0)
            mem_set(last, "%s", page.entries[page.count - 1].key);
        free_waited(&page);
        if (!ok)
            return false;
    }
    if (!more) {
        free(*last);
        *last = NULL;
    }
    return true;
}

/* Remember the keys that differ. */
static void suspect(Verification *verification, const PGresult *rows) {
    size_t count = (size_t)PQntuples(rows);
    if (count == 0)
        return;
    verification->suspects =
        mem_grow(verification->suspects,
                 (verification->suspect_count + count) * sizeof *verification->suspects);
    for (size_t i = 0; i < count; i++)
        verification->suspects[verification->suspect_count++] =
            (Suspect){.key = mem_strdup(db_text(rows, (int)i, "key"))};
}

/* Have the database compare. */
static bool compare(Verification *verification, const char *sql, int count,
                    const char *const *parameters, DbAnswer *answer) {
    if (query(verification->app, sql, count, parameters, answer, &verification->result.code))
        return true;
    verification->result.ok = false;
    return false;
}

/* Compare everything, page by page. */
static bool compare_pages(Verification *verification) {
    char *after = NULL, *last = NULL;
    bool ok = true;
    do {
        json_t *listed = json_array();
        ok = list_some(verification, &last, listed);
        if (ok) {
            char *text = json_text(listed);
            const char *parameters[] = {verification->app->storage.backend, text, after, last};
            DbAnswer answer = {0};
            ok = compare(verification,
                         "select key from renderchain.compare_objects($1, $2::jsonb, $3, $4)", 4,
                         parameters, &answer);
            if (ok)
                suspect(verification, answer.result);
            db_answer_free(&answer);
            free(text);
        }
        json_decref(listed);
        free(after);
        after = mem_strdup(last);
    } while (ok && last);
    free(after);
    free(last);
    return ok;
}

/* Look at every suspect in storage. */
static bool look_again(Verification *verification, json_t *listed, json_t *keys) {
    for (size_t i = 0; i < verification->suspect_count; i++) {
        const char *key = verification->suspects[i].key;
        /* What is no key, which only SQL can have put into the table, is nowhere. */
        Waited head = {.absent = true};
        if (storage_key_is_safe(key)) {
            storage_head(&verification->app->storage, key, keep, &head);
            wait_for(verification, &head);
        }
        bool ok = head.ok || head.absent || storage_failed(verification, head.error);
        if (head.ok)
            json_array_append_new(
                listed, json_pack("{s:s, s:I}", "key", key, "bytes", (json_int_t)head.length));
        json_array_append_new(keys, json_string(key));
        free_waited(&head);
        if (!ok)
            return false;
    }
    return true;
}

/* Tell of what still differs. */
static void tell(Verification *verification, const PGresult *rows) {
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *render = db_text(rows, i, "render_id"), *bytes = db_text(rows, i, "bytes");
        const char *stored = db_text(rows, i, "stored_bytes");
        char *detail = render && stored ? mem_printf("%s bytes of render %s, but %s in storage",
                                                     bytes ? bytes : "?", render, stored)
                       : render ? mem_printf("%s bytes of render %s", bytes ? bytes : "?", render)
                                : mem_printf("%s bytes in storage", stored ? stored : "?");
        verification->result.problems++;
        verification->problem(verification->context, db_text(rows, i, "key"),
                              db_text(rows, i, "problem"), detail);
        free(detail);
    }
}

/* Look at what differed once more. */
static bool judge_suspects(Verification *verification) {
    json_t *listed = json_array(), *keys = json_array();
    bool ok = verification->suspect_count == 0 || look_again(verification, listed, keys);
    if (ok && verification->suspect_count > 0) {
        char *text = json_text(listed), *names = json_text(keys);
        const char *parameters[] = {verification->app->storage.backend, text, names};
        DbAnswer answer = {0};
        ok = compare(verification,
                     "select * from renderchain.compare_objects($1, $2::jsonb) "
                     "where key in (select pg_catalog.jsonb_array_elements_text($3::jsonb))",
                     3, parameters, &answer);
        if (ok)
            tell(verification, answer.result);
        db_answer_free(&answer);
        free(names);
        free(text);
    }
    json_decref(listed);
    json_decref(keys);
    return ok;
}

/* Ask the table whether it agrees with the renders. */
static bool check_table(Verification *verification) {
    DbAnswer answer = {0};
    bool ok =
        compare(verification, "select problem from renderchain.check_objects()", 0, NULL, &answer);
    for (int i = 0; ok && i < PQntuples(answer.result); i++) {
        verification->result.problems++;
        verification->problem(verification->context, "", "table",
                              db_text(answer.result, i, "problem"));
    }
    db_answer_free(&answer);
    return ok;
}

/* Compare. */
VerifyResult verify(App *app, VerifyProblem *problem, void *context) {
    Verification verification = {
        .app = app, .problem = problem, .context = context, .result = {.ok = true}};
    if (compare_pages(&verification) && judge_suspects(&verification))
        (void)check_table(&verification);
    for (size_t i = 0; i < verification.suspect_count; i++)
        free(verification.suspects[i].key);
    free(verification.suspects);
    return verification.result;
}

/* Making requests, each with what it is to come to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_fuzz.h"

enum { BODY_MOST = 1 << 20 };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- random ---- */

/* SplitMix64: the same on every machine. */
uint64_t random_next(Random *random) {
    uint64_t bits = (random->state += 0x9e3779b97f4a7c15);
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
}

/* The random numbers of a case. */
Random random_of(uint64_t seed, uint64_t number) {
    Random random = {seed};
    random.state = random_next(&random) ^ (number * 0xd1342543de82ef95);
    (void)random_next(&random);
    return random;
}

size_t below(Random *random, size_t bound) {
    return (size_t)(random_next(random) >> 16) % bound;
}

bool chance(Random *random, unsigned percent) {
    return below(random, 100) < percent;
}

/* ---- putting together ---- */

/* Append bytes; there is room. */
static void put(Buf *buf, const void *bytes, size_t length) {
    if (length && !buf_append(buf, bytes, length))
        abort();
}

static void put_text(Buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_text(Buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    put(buf, text, strlen(text));
    free(text);
}

/* Append a path, some of its letters escaped. */
static void put_path(Case *made, const char *path) {
    for (; *path; path++)
        if (*path != '/' && chance(&made->random, 5))
            put_text(&made->request, "%%%02x", (unsigned char)*path);
        else
            put(&made->request, path, 1);
}

/* Begin a request: its line, and headers that all have. */
static void put_head(Case *made, const char *method, const char *path) {
    Random *random = &made->random;
    put_text(&made->request, "%s ", method);
    put_path(made, path);
    if (chance(random, 10))
        put_text(&made->request, "?x=%zu&y", below(random, 1000));
    put_text(&made->request,
             " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s %s\r\n",
             chance(random, 10) ? "bearer" : "Bearer", tokens[3]);
}

/* End a request by its body: with its length, or in pieces. */
static void put_body(Case *made, const char *body, size_t length) {
    Random *random = &made->random;
    if (chance(random, 60)) {
        put_text(&made->request, "Content-Length: %zu\r\n\r\n", length);
        put(&made->request, body, length);
        return;
    }
    put_text(&made->request, "Transfer-Encoding: chunked\r\n\r\n");
    while (length > 0) {
        size_t piece = 1 + below(random, chance(random, 50) ? 20 : 9000);
        piece = piece < length ? piece : length;
        put_text(&made->request, chance(random, 50) ? "%zx\r\n" : "%zX\r\n", piece);
        put(&made->request, body, piece);
        put_text(&made->request, "\r\n");
        body += piece;
        length -= piece;
    }
    put_text(&made->request, "0\r\n\r\n");
}

/* An id, in some spelling; the caller's. */
static char *some_id(Random *random) {
    char *id = mem_printf("%08llx-%04llx-4000-8000-%012llx",
                          (unsigned long long)random_next(random) & 0xffffffff,
                          (unsigned long long)random_next(random) & 0xffff,
                          (unsigned long long)random_next(random) & 0xffffffffffff);
    for (char *at = id; chance(random, 50) && *at; at++)
        if (*at >= 'a' && chance(random, 50))
            *at = (char)(*at - 32);
    return id;
}

/* ---- documents ---- */

/* Append a string of JSON. */
static void put_string(Buf *to, Random *random) {
    static const char *const pieces[] = {
        "a",       "villa", " ",       "\\n",      "\\\"",
        "\\\\",    "\\/",   "\\u00e9", "\xc3\xa9", "\xf0\x9f\x8f\xa0",
        "\\u2028", "{",     "]",       "--",       "\\ud83c\\udfe0"};
    put_text(to, "\"");
    for (size_t i = below(random, 6); i > 0; i--)
        put_text(to, "%s", pieces[below(random, COUNT(pieces))]);
    put_text(to, "\"");
}

/* Append a value. */
static void put_value(Buf *to, Random *random, unsigned depth) {
    static const char *const plain[] = {"null", "true", "false", "0", "-1", "12.5", "1e3", "0.125"};
    size_t kind = below(random, depth > 0 ? 6 : 4), count = below(random, 4);
    if (kind < 2) {
        put_text(to, "%s", plain[below(random, COUNT(plain))]);
    } else if (kind < 4) {
        put_string(to, random);
    } else {
        put_text(to, kind == 4 ? "[" : "{");
        for (size_t i = 0; i < count; i++) {
            put_text(to, "%s%s", i ? "," : "", chance(random, 30) ? " \n" : "");
            if (kind == 5)
                put_text(to, "\"k%zu\" :", i);
            put_value(to, random, depth - 1);
        }
        put_text(to, kind == 4 ? "]" : "}");
    }
}

/* A document to merge or to pin comes as it was sent; a request to render means the same. */
static void make_document(Case *made) {
    static const struct {
        const char *method, *path;
        unsigned status;
    } places[] = {{"PATCH", "/api/renders/%s/memory", 200},
                  {"PATCH", "/api/chains/%s/pins", 200},
                  {"POST", "/api/chains/%s/unpin", 200},
                  {"POST", "/api/renders", 202}};
    Random *random = &made->random;
    size_t place = below(random, COUNT(places));
    Buf body;
    buf_init(&body, BODY_MOST);
    made->parsed = place == 3;
    if (!made->parsed)
        made->part = some_id(random);
    put_text(&body, "%s{", chance(random, 20) ? "\n\t " : "");
    for (size_t i = 0, count = below(random, 5); i < count; i++) {
        put_text(&body, "%s\"k%zu\": ", i ? ", " : "", i);
        put_value(&body, random, 5);
    }
    put_text(&body, "}");
    made->document = mem_strndup(body.data, body.length);
    char *path = mem_printf(places[place].path, made->part);
    put_head(made, places[place].method, path);
    put_text(&made->request, "Content-Type: application/json%s\r\n",
             chance(random, 30) ? "; charset=utf-8" : "");
    put_body(made, body.data, body.length);
    buf_free(&body);
    free(path);
}

/* ---- forms ---- */

/* Fill a buffer with the bytes of a file: anything, and what looks like the end of it. */
static void some_bytes(Buf *to, Random *random, const char *boundary) {
    size_t count = below(random, chance(random, 70) ? 40 : 12000);
    for (size_t i = 0; i < count; i++) {
        char byte = (char)random_next(random);
        if (chance(random, 3))
            put_text(to, "\r\n--%.*s", (int)below(random, strlen(boundary)), boundary);
        else if (chance(random, 3))
            put_text(to, "\r\n");
        else
            put(to, &byte, 1);
    }
    /* By chance it may be the end indeed, which nobody may send. */
    char *end = mem_printf("\r\n--%s", boundary);
    for (char *there; to->length && (there = memmem(to->data, to->length, end, strlen(end)));)
        there[4] ^= 1;
    free(end);
}

/* Append a part of a form. */
static void put_part(Buf *body, Random *random, const char *boundary, const char *name, bool file,
                     const char *bytes, size_t length) {
    put_text(body, "--%s\r\n", boundary);
    if (chance(random, 20))
        put_text(body, "Content-Type: %s\r\n", file ? "image/png" : "text/plain; charset=utf-8");
    put_text(body, "%s: form-data; name=\"%s\"",
             chance(random, 20) ? "content-disposition" : "Content-Disposition", name);
    if (file)
        put_text(body, "; filename=\"%s\"", chance(random, 20) && length ? "" : "a b.png");
    put_text(body, "\r\n%s\r\n", file && chance(random, 50) ? "Content-Type: image/png\r\n" : "");
    put(body, bytes, length);
    put_text(body, "\r\n");
}

/* Bytes in base 16. */
static json_t *base16(const Buf *bytes) {
    char *text = mem_alloc(2 * bytes->length + 1);
    for (size_t i = 0; i < bytes->length; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes->data[i]);
    json_t *value = json_string(text);
    free(text);
    return value;
}

/* Add a file to a form. */
static void add_file(Case *made, Buf *body, const char *boundary, const char *name) {
    Buf bytes;
    buf_init(&bytes, BODY_MOST);
    some_bytes(&bytes, &made->random, boundary);
    put_part(body, &made->random, boundary, name, true, bytes.data, bytes.length);
    json_t *list = json_object_get(made->form, "references");
    if (strcmp(name, "reference") != 0)
        json_object_set_new(made->form, name, base16(&bytes));
    else if (list)
        json_array_append_new(list, base16(&bytes));
    else
        json_object_set_new(made->form, "references", json_pack("[o]", base16(&bytes)));
    buf_free(&bytes);
}

/* Add a text to a form. */
static void add_text(Case *made, Buf *body, const char *boundary, const char *name) {
    static const char *const texts[] = {
        "villa", "a\r\nb", "\xc3\xa9t\xc3\xa9", "--", "%41+&=", "", "\r\n", "\"x\"; name=\"y\""};
    Random *random = &made->random;
    const char *text = texts[below(random, COUNT(texts))];
    if (strcmp(name, "quick") == 0) {
        static const char *const flags[] = {"true", "on", "1", "false", "0"};
        size_t flag = below(random, COUNT(flags));
        text = flags[flag];
        json_object_set_new(made->form, name, json_boolean(flag < 3));
    } else if (strcmp(name, "durationSeconds") == 0) {
        text = "8";
        json_object_set_new(made->form, name, json_integer(8));
    } else {
        json_object_set_new(made->form, name, json_string(text));
    }
    put_part(body, random, boundary, name, false, text, strlen(text));
}

/* A form comes with its texts and files as they were put into it. */
static void make_form(Case *made) {
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEF0123456789'()+_-./:=?";
    static const char *const names[] = {"prompt",          "chainName",     "quality", "quick",
                                        "durationSeconds", "style",         "mask",    "lastFrame",
                                        "reference",       "idempotencyKey"};
    Random *random = &made->random;
    char boundary[64] = "";
    size_t references = 0, length = 8 + below(random, 50);
    Buf body;
    buf_init(&body, BODY_MOST);
    for (size_t i = 0; i < length; i++)
        boundary[i] = signs[below(random, sizeof signs - 1)];
    made->form = json_object();
    for (size_t i = below(random, 8); i > 0; i--) {
        const char *name = names[below(random, COUNT(names))];
        bool file = strcmp(name, "style") == 0 || strcmp(name, "mask") == 0 ||
                    strcmp(name, "lastFrame") == 0 || strcmp(name, "reference") == 0;
        if (strcmp(name, "reference") == 0 && references++ == 3)
            continue;
        if (file)
            add_file(made, &body, boundary, name);
        else
            add_text(made, &body, boundary, name);
    }
    put_text(&body, "--%s--%s", boundary, chance(random, 80) ? "\r\n" : "");
    put_head(made, "POST", "/api/renders");
    bool quoted = strpbrk(boundary, "()/:=?") || chance(random, 30);
    put_text(&made->request, "Content-Type: multipart/form-data; boundary=%s%s%s\r\n",
             quoted ? "\"" : "", boundary, quoted ? "\"" : "");
    put_body(made, body.data, body.length);
    buf_free(&body);
}

/* ---- ranges, ids of events, paths ---- */

/* A number in digits, some of them superfluous; the caller's. */
static char *digits(Random *random, size_t value) {
    return mem_printf(chance(random, 20) ? "000%zu" : "%zu", value);
}

/* A part of an object: what comes is what is asked for. */
static void make_range(Case *made) {
    static const char *const nonsense[] = {"",          "bytes=",    "bytes=-",       "bytes=a-b",
                                           "bytes=1",   "x",         "bytes=1-2,4-5", "bytes=--1",
                                           "bytes=5-4", "chars=1-2", "bytes=1-2x",    "bytes= 1-2",
                                           "bytes=+1-2"};
    static const char huge[] = "99999999999999999999999999";
    Random *random = &made->random;
    size_t kind = below(random, 5), a = below(random, OBJECT_BYTES * 3 / 2),
           b = a + below(random, 200);
    char *first = digits(random, a),
         *last = chance(random, 10) ? mem_strdup(huge) : digits(random, b);
    bool endless = strcmp(last, huge) == 0;
    char *text = kind == 0   ? mem_strdup(nonsense[below(random, COUNT(nonsense))])
                 : kind == 1 ? mem_printf("bytes=-%s", last)
                 : kind == 2 ? mem_printf("bytes=%s-", first)
                             : mem_printf("bytes=%s-%s", first, last);
    made->part = mem_strdup("aa/picture.png");
    made->from = kind == 0   ? 0
                 : kind == 1 ? (endless || b > OBJECT_BYTES ? 0 : OBJECT_BYTES - b)
                             : a;
    made->to = kind > 2 && !endless && b + 1 < OBJECT_BYTES ? b + 1 : OBJECT_BYTES;
    made->status = kind == 0 ? 200 : made->from < OBJECT_BYTES ? 206 : 416;
    if (kind == 1 && !endless && b == 0)
        made->status = 416;
    if (made->status == 206)
        made->range = mem_printf("bytes %zu-%zu/%d", made->from, made->to - 1, OBJECT_BYTES);
    else if (made->status == 416)
        made->range = mem_printf("bytes */%d", OBJECT_BYTES);
    put_head(made, "GET", "/outputs/aa/picture.png");
    put_text(&made->request, "Range: %s\r\n\r\n", text);
    free(first);
    free(last);
    free(text);
}

/* A stream goes on from what was seen. */
static void make_event_id(Case *made) {
    static const struct {
        const char *text;
        long long seen;
    } texts[] = {{"0", 0},
                 {"4", 4},
                 {"5", 5},
                 {"007", 7},
                 {"-3", 0},
                 {"x", 0},
                 {"2x", 2},
                 {"5.end", -1},
                 {"", 0},
                 {".end", -1},
                 {"999999999999999999", 999999999999999999},
                 {"1000000000000000000", 0}, /* the database takes 18 digits */
                 {"99999999999999999999", 0}};
    size_t i = below(&made->random, COUNT(texts) + 1);
    made->part = some_id(&made->random);
    char *path = mem_printf("/api/renders/%s/events", made->part);
    put_head(made, "GET", path);
    made->seen = i < COUNT(texts) ? texts[i].seen : 0;
    if (i < COUNT(texts))
        put_text(&made->request, "Last-Event-ID: %s\r\n", texts[i].text);
    put_text(&made->request, "\r\n");
    if (made->seen < 0) {
        free(made->part);
        made->part = NULL;
    }
    free(path);
}

/* A path, however it is escaped, comes to its id or its key; what is nearly one comes to nothing.
 */
static void make_path(Case *made) {
    static const char *const good[] = {"/api/renders/%s", "/api/renders/%s/memory",
                                       "/api/chains/%s", "/api/chains/%s/memory"};
    static const char *const bad[] = {
        "/api/renders/%s/",     "/api//renders/%s",
        "/api/renders/%s/../x", "/API/renders/%s",
        "/api/renders/x%s",     "/outputs/../%s",
        "/outputs//%s",         "/outputs/a/./%s",
        "/outputs/%s/",         "//outputs/%s",
        "/outputs/.%s",         "/outputs/%%0d%%0aX-Injected:%%201/%s%%7f",
        "/outputs/%%2e%%2e/%s", "/api/chains/%s%%00/memory/x"};
    Random *random = &made->random;
    bool right = chance(random, 60);
    char *id = some_id(random);
    char *path = right ? mem_printf(good[below(random, COUNT(good))], id)
                       : mem_printf(bad[below(random, COUNT(bad))], id);
    if (right) {
        put_head(made, "GET", path);
        made->part = id;
        id = NULL;
    } else {
        /* As it is, since its escapes are part of it. */
        put_text(&made->request,
                 "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n",
                 path, tokens[3]);
        made->status = 404;
    }
    put_text(&made->request, "\r\n");
    free(path);
    free(id);
}

/* ---- mutations ---- */

/* Change some bytes of a request. */
static void mutate(Case *made) {
    static const char *const words[] = {"\r\n",
                                        "\n",
                                        "\r\n\r\n",
                                        "%0d%0aX-Injected: 1",
                                        "%00",
                                        "\\u0000",
                                        "Content-Length: 99999999999999999999\r\n",
                                        "Content-Length: -1\r\n",
                                        "Transfer-Encoding: chunked\r\n",
                                        "Expect: 100-continue\r\n",
                                        "--",
                                        "boundary=",
                                        "name=\"",
                                        "filename=\"",
                                        "Range: bytes=1-2\r\n",
                                        "ffffffffffffffff\r\n",
                                        "{",
                                        "]",
                                        "\"",
                                        "../",
                                        "%2e%2e%2f",
                                        "\xff",
                                        "HTTP/1.0",
                                        "Last-Event-ID: 1\r\n",
                                        "?token=x",
                                        "OPTIONS ",
                                        "Origin: x\r\n"};
    Random *random = &made->random;
    for (size_t changes = 1 + below(random, 6); changes > 0; changes--) {
        Buf next;
        buf_init(&next, 3 * BODY_MOST);
        /* Most mistakes are in the head, of which there is least. */
        size_t length = made->request.length;
        size_t reach = chance(random, 60) && length > 400 ? 400 : length;
        size_t at = reach ? below(random, reach) : 0;
        size_t cut = chance(random, 50) ? below(random, 20) : 0;
        cut = cut < length - at ? cut : length - at;
        put(&next, made->request.data, at);
        if (chance(random, 50)) {
            put_text(&next, "%s", words[below(random, COUNT(words))]);
        } else if (chance(random, 50)) {
            char byte = (char)random_next(random);
            put(&next, &byte, 1);
        } else if (at > 0) {
            size_t from = below(random, at), count = below(random, at - from);
            put(&next, made->request.data + from, count < 500 ? count : 500);
        }
        put(&next, made->request.data + at + cut, length - at - cut);
        buf_free(&made->request);
        made->request = next;
    }
}

/* Make a request of a kind. */
void make_case(Case *made) {
    static void (*const make[])(Case * made) = {make_form, make_document, make_range, make_event_id,
                                                make_path};
    buf_init(&made->request, 2 * BODY_MOST);
    made->seen = -1;
    made->mutated = made->kind == MUTATIONS;
    make[made->mutated ? below(&made->random, COUNT(make)) : made->kind](made);
    if (made->mutated)
        mutate(made);
}

void free_case(Case *made) {
    buf_free(&made->request);
    json_decref(made->form);
    free(made->document);
    free(made->part);
    free(made->range);
}

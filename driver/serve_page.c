/* The page for people and renderchain.js for pages of others: files of the program that anybody
 * may read, since all they show is asked for with a token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "image_file.h"
#include "serve.h"

EMBED(page_index, "page/index.html");
EMBED(page_style, "page/page.css");
EMBED(page_icon, "page/icon.svg");
EMBED(page_client, "page/renderchain.js");
EMBED(page_main, "page/main.js");
EMBED(page_elements, "page/elements.js");
EMBED(page_session, "page/session.js");
EMBED(page_pictures, "page/pictures.js");
EMBED(page_words, "page/words.js");
EMBED(page_composer, "page/composer.js");
EMBED(page_chains, "page/chains.js");
EMBED(page_chain, "page/chain.js");
EMBED(page_runs, "page/runs.js");
EMBED(page_stages, "page/stages.js");
EMBED(page_memory, "page/memory.js");
EMBED(page_strip, "page/strip.js");

static const char html[] = "text/html; charset=utf-8", css[] = "text/css; charset=utf-8",
                  javascript[] = "text/javascript; charset=utf-8", svg[] = "image/svg+xml";

static struct PageFile {
    const char *path, *type, *text;
    char etag[67]; /* once it was asked for */
} files[] = {
    {"/", html, page_index, ""},
    {"/renderchain.js", javascript, page_client, ""},
    {"/page/page.css", css, page_style, ""},
    {"/page/icon.svg", svg, page_icon, ""},
    {"/page/main.js", javascript, page_main, ""},
    {"/page/elements.js", javascript, page_elements, ""},
    {"/page/session.js", javascript, page_session, ""},
    {"/page/pictures.js", javascript, page_pictures, ""},
    {"/page/words.js", javascript, page_words, ""},
    {"/page/composer.js", javascript, page_composer, ""},
    {"/page/chains.js", javascript, page_chains, ""},
    {"/page/chain.js", javascript, page_chain, ""},
    {"/page/runs.js", javascript, page_runs, ""},
    {"/page/stages.js", javascript, page_stages, ""},
    {"/page/memory.js", javascript, page_memory, ""},
    {"/page/strip.js", javascript, page_strip, ""},
};

/* Nothing from elsewhere, nothing inline, nothing made from texts; pictures are fetched with the
 * token and shown as blobs. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/* Find a file of the page. */
static struct PageFile *find_file(const char *path) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

/* Is it a file of the page? What stands beside them is nobody's secret either. */
bool serve_is_page(const char *path) {
    return find_file(path) != NULL || strncmp(path, "/page/", 6) == 0;
}

/* Give out a file of the page; browsers ask each time whether theirs is still right. */
void serve_page(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    struct PageFile *file = find_file(request->path);
    const char *known = web_header(request, "If-None-Match");
    (void)serve;
    (void)route;
    (void)part;
    if (!file) {
        web_answer_problem(request, 404, "there is no such thing", NULL, NULL);
        return;
    }
    if (!*file->etag) {
        char hash[65];
        sha256_hex(file->text, strlen(file->text), hash);
        snprintf(file->etag, sizeof file->etag, "\"%.64s\"", hash);
    }
    web_add_header(request, "ETag", file->etag);
    web_add_header(request, "Cache-Control", "no-cache");
    web_add_header(request, "Content-Security-Policy", policy);
    web_add_header(request, "Referrer-Policy", "no-referrer");
    web_add_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    if (known && strstr(known, file->etag))
        web_answer(request, 304, NULL, NULL, 0);
    else
        web_answer(request, 200, file->type, mem_strdup(file->text), strlen(file->text));
}

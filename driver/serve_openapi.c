/* The description of everything that serve answers: openapi.json, with the version of this
 * program put in. A test compares it with the table of routes. */
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "json_text.h"
#include "serve.h"

EMBED(description, "openapi.json");

/* The description as it is given; made once. */
static const char *description_text(void) {
    static char *text;
    if (!text) {
        json_t *json = json_loads(description, 0, NULL);
        json_object_set_new(json_object_get(json, "info"), "version", json_string(RC_VERSION));
        text = json_text(json);
        json_decref(json);
    }
    return text;
}

/* Describe what there is. */
void serve_openapi(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    const char *text = description_text();
    (void)serve;
    (void)part;
    web_answer(request, route->status, "application/json", mem_strdup(text), strlen(text));
}

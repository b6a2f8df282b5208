/* What applications do in the client where they do not have our functions. In C, so that the
   rival is not slow for want of a fast language. */
#include "core.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY "pipelineMemory"

/* Parse a context; what the server sends is well-formed. */
static json_t *parse(const char *text) {
    json_t *document = json_loads(text, 0, NULL);
    if (!document)
        fail("a context is not JSON: %.80s", text);
    return document;
}

/* Return whether the row of a render (status, context_data) carries memory. */
static bool carries_memory(const PGresult *renders, int row) {
    if (strcmp(PQgetvalue(renders, row, 0), "completed") != 0 || PQgetisnull(renders, row, 1))
        return false;
    json_t *context = parse(PQgetvalue(renders, row, 1));
    bool found = json_is_object(json_object_get(context, MEMORY));
    json_decref(context);
    return found;
}

/* Parse all renders of a chain, as drivers that decode jsonb do, and take the first with memory. */
void find_memory_in_all(PGconn *connection, const PGresult *result, const char *const *parameters) {
    (void)connection, (void)parameters;
    int found = -1;
    for (int row = 0; row < PQntuples(result); row++)
        if (carries_memory(result, row) && found < 0)
            found = row;
    if (found < 0)
        fail("no render of the chain carries memory");
}

/* Parse renders of a chain, newest first, only until one carries memory. */
void find_memory_in_newest(PGconn *connection, const PGresult *result,
                           const char *const *parameters) {
    (void)connection, (void)parameters;
    int row = 0;
    while (row < PQntuples(result) && !carries_memory(result, row))
        row++;
    if (row == PQntuples(result))
        fail("no render of the chain carries memory");
}

/* Write a context back: the second round trip. */
static void write_context(PGconn *connection, const char *render_id, const char *context) {
    const char *values[] = {context, render_id};
    PQclear(checked(connection, PQexecPrepared(connection, "write", 2, values, NULL, NULL, 0)));
}

/* Merge the memory (the second parameter) into the context that was read, and write that. */
void merge_and_write(PGconn *connection, const PGresult *result, const char *const *parameters) {
    json_t *context = parse(PQgetvalue(result, 0, 0));
    json_t *patch = parse(parameters[1]);
    json_t *memory = json_object_get(context, MEMORY);
    if (json_is_object(memory))
        json_object_update_recursive(memory, patch);
    else
        json_object_set(context, MEMORY, patch);
    char *text = json_dumps(context, JSON_COMPACT);
    write_context(connection, parameters[0], text);
    free(text);
    json_decref(patch);
    json_decref(context);
}

/* Write the context that was merged beforehand (the third parameter): what remains where the
   client's own work costs nothing. */
void write_merged(PGconn *connection, const PGresult *result, const char *const *parameters) {
    (void)result;
    write_context(connection, parameters[0], parameters[2]);
}

#include "trace.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

struct Trace {
    FILE *file;
};

/* Open the file, or nothing where no trace is wanted. */
Trace *trace_open(const char *path, char **error) {
    if (!path)
        return NULL;
    FILE *file = fopen(path, "we");
    if (!file) {
        *error = mem_printf("could not write trace file \"%s\": %s", path, strerror(errno));
        return NULL;
    }
    Trace *trace = mem_alloc(sizeof *trace);
    trace->file = file;
    return trace;
}

/* Close the file. */
void trace_close(Trace *trace) {
    if (!trace)
        return;
    fclose(trace->file);
    free(trace);
}

/* Write one line. */
void trace_write(Trace *trace, const char *kind, unsigned id, const char *what) {
    if (!trace)
        return;
    json_t *line = json_pack("{s:f, s:s, s:i, s:s?}", "ms", loop_now(), "kind", kind, "id", (int)id,
                             "what", what);
    json_dumpf(line, trace->file, JSON_COMPACT);
    fputc('\n', trace->file);
    fflush(trace->file);
    json_decref(line);
}

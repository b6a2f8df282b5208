/* renderchain memory: what a chain remembers, patches to it, and what the user has fixed. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "query.h"
#include "request.h"

/* Ask for a jsonb value and print it. */
static ExitCode ask_and_print(const Settings *settings, const char *expression, int count,
                              const char *const *parameters, const char *when_null) {
    App app;
    ExitCode code = EXIT_OK;
    if (app_open(&app, settings, &code))
        code = query_and_print(&app, expression, count, parameters, when_null);
    app_close(&app);
    return code;
}

/* renderchain memory get */
int cmd_memory_get(int argc, char **argv) {
    const CommandLine line = {
        "memory get CHAIN",
        "Print a chain's memory, which is that of its last completed render that carries one.",
        NULL,
        0,
        1,
        1,
        "CHAIN is an id or a name. A chain without memory prints null in JSON."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    const char *parameters[] = {positional[0]};
    return ask_and_print(&settings,
                         "renderchain.get_memory_from_chain(renderchain.find_chain($1::text))", 1,
                         parameters, "the chain has no memory yet");
}

/* renderchain memory merge */
int cmd_memory_merge(int argc, char **argv) {
    const CommandLine line = {
        "memory merge RENDER [FILE|-]",
        "Merge a JSON object into a render's memory by the rules of RFC 7396 (null removes a\n"
        "key) and print the result.",
        NULL,
        0,
        1,
        2,
        "Without FILE the object comes from standard input. What is pinned stays as it is pinned."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    if (!is_uuid(positional[0]))
        return value_error(&settings, "\"%s\" is not a render's id", positional[0]);
    ExitCode exit_code = EXIT_OK;
    char *patch = read_json_object(&settings, positional[1], &exit_code);
    if (!patch)
        return exit_code;
    const char *parameters[] = {positional[0], patch};
    exit_code = ask_and_print(&settings, "renderchain.save_memory($1::uuid, $2::jsonb)", 2,
                              parameters, "no memory");
    free(patch);
    return exit_code;
}

/* renderchain memory pin */
int cmd_memory_pin(int argc, char **argv) {
    const CommandLine line = {
        "memory pin CHAIN [FILE|-]",
        "Fix parts of a chain's memory, whatever later renders look like, and print all pins.",
        NULL,
        0,
        1,
        2,
        "The object has the memory's shape, for example {\"palette\": [\"deep navy #1f2a44\"]};\n"
        "without FILE it comes from standard input. CHAIN is an id or a name."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    ExitCode exit_code = EXIT_OK;
    char *pins = read_json_object(&settings, positional[1], &exit_code);
    if (!pins)
        return exit_code;
    const char *parameters[] = {positional[0], pins};
    exit_code = ask_and_print(&settings,
                              "renderchain.pin_memory(renderchain.find_chain($1::text), $2::jsonb)",
                              2, parameters, "nothing is pinned");
    free(pins);
    return exit_code;
}

/* Write words as the text form of an SQL array; the caller frees. */
static char *array_text(char **words, size_t count) {
    Buf buf;
    bool ok;
    buf_init(&buf, INT_MAX);
    ok = buf_append(&buf, "{", 1);
    for (size_t i = 0; i < count; i++) {
        ok = ok && buf_append(&buf, i ? ",\"" : "\"", i ? 2 : 1);
        for (const char *at = words[i]; *at; at++) {
            if (*at == '"' || *at == '\\')
                ok = ok && buf_append(&buf, "\\", 1);
            ok = ok && buf_append(&buf, at, 1);
        }
        ok = ok && buf_append(&buf, "\"", 1);
    }
    ok = ok && buf_append(&buf, "}", 1);
    if (!ok)
        buf_free(&buf);
    return buf_take(&buf, NULL);
}

/* renderchain memory unpin */
int cmd_memory_unpin(int argc, char **argv) {
    const CommandLine line = {
        "memory unpin CHAIN KEY...",
        "Release pinned keys of a chain and print the pins that remain.",
        NULL,
        0,
        2,
        64,
        "KEY is a member's name or a dotted path: palette, styleCodes.lightingStyle. What was\n"
        "pinned stays in the memory until a later render brings something else."};
    Settings settings;
    char **positional;
    int code = command_parse(&line, argc, argv, &settings, &positional);
    if (code >= 0)
        return code;
    size_t count = 0;
    while (positional[1 + count])
        count++;
    char *keys = array_text(positional + 1, count);
    const char *parameters[] = {positional[0], keys};
    ExitCode exit_code = ask_and_print(
        &settings, "renderchain.unpin_memory(renderchain.find_chain($1::text), $2::text[])", 2,
        parameters, "nothing is pinned");
    free(keys);
    return exit_code;
}

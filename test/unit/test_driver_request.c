/* The command line of render as a request. */
#include "driver_test.h"

#include <stdio.h>
#include <unistd.h>

#include "request.h"

enum { WORDS = 40 };

/* Parse a command line given as one text of words between bars. -1 is "go on". What is said
 * about a mistake goes to standard error, which is shut meanwhile. */
static int parse(RequestOptions *options, Settings *settings, char *line) {
    char *argv[WORDS + 1] = {0};
    int argc = 0;
    argv[argc++] = (char *)"render";
    for (char *word; line && argc < WORDS && (word = strsep(&line, "|"));)
        argv[argc++] = word;
    *options = (RequestOptions){0};
    *settings = (Settings){0};
    int shut = dup(STDERR_FILENO);
    assert_non_null(freopen("/dev/null", "w", stderr));
    int code = request_parse(options, argc, argv, settings, REQUEST_RENDER);
    fflush(stderr);
    dup2(shut, STDERR_FILENO);
    close(shut);
    return code;
}

/* The request of a command line, as sorted JSON. */
static char *request_of(const char *line) {
    RequestOptions options;
    Settings settings;
    char *copy = mem_strdup(line);
    int code = parse(&options, &settings, copy);
    if (code != -1)
        fail_msg("%s: exit code %d", line, code);
    json_t *request = request_build(&options, app_provider_name(&settings));
    char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(request);
    request_free(&options);
    free(copy);
    return text;
}

#define CHAIN_ID "0123abcd-0123-4abc-8def-0123456789AB"

static const struct {
    const char *line, *request;
} cases[] = {
    {"--prompt|a house", "{\"prompt\":\"a house\",\"provider\":\"local\",\"type\":\"image\"}"},
    {"--prompt|h|--provider|gemini",
     "{\"prompt\":\"h\",\"provider\":\"gemini\",\"type\":\"image\"}"},
    {"--prompt|h|--provider-url|http://x",
     "{\"prompt\":\"h\",\"provider\":\"gemini\",\"type\":\"image\"}"},
    {"--prompt=h|--chain|villa",
     "{\"chainName\":\"villa\",\"prompt\":\"h\",\"provider\":\"local\",\"type\":\"image\"}"},
    {"--prompt|h|--chain|" CHAIN_ID,
     "{\"chainId\":\"" CHAIN_ID "\",\"prompt\":\"h\",\"provider\":\"local\",\"type\":\"image\"}"},
    {"--prompt|h|--quality|ultra|--aspect-ratio|4:3|--quick|--priority|7|--model|m",
     "{\"aspectRatio\":\"4:3\",\"forceModel\":\"m\",\"priority\":7,\"prompt\":\"h\","
     "\"provider\":\"local\",\"quality\":\"ultra\",\"quick\":true,\"type\":\"image\"}"},
    {"--prompt|h|--skip|validation|--skip|memory_extraction",
     "{\"prompt\":\"h\",\"provider\":\"local\",\"skipStages\":{\"memoryExtraction\":true,"
     "\"validation\":true},\"type\":\"image\"}"},
    {"--prompt|h|--tool|cad,scale=1:50,hatch,note=a=b",
     "{\"prompt\":\"h\",\"provider\":\"local\",\"toolContext\":{\"toolId\":\"cad\","
     "\"toolSettings\":{\"hatch\":true,\"note\":\"a=b\",\"scale\":\"1:50\"}},\"type\":\"image\"}"},
    {"--prompt|h|--idempotency-key|k|--user|u|--project|p|--parent|r|--mask-type|t|"
     "--inpainting-prompt|i",
     "{\"idempotencyKey\":\"k\",\"inpaintingPrompt\":\"i\",\"maskType\":\"t\",\"parentRenderId\":"
     "\"r\","
     "\"projectId\":\"p\",\"prompt\":\"h\",\"provider\":\"local\",\"type\":\"image\",\"userId\":"
     "\"u\"}"},
    {"--prompt|h|--reference|/no/such.png|--style|/dev/null",
     "{\"prompt\":\"h\",\"provider\":\"local\",\"references\":[{\"path\":\"/no/such.png\"}],"
     "\"style\":{\"path\":\"/dev/null\"},\"type\":\"image\"}"},
    /* what the database judges is passed on as it is */
    {"--prompt|h|--priority|soon|--quality|best",
     "{\"priority\":\"soon\",\"prompt\":\"h\",\"provider\":\"local\",\"quality\":\"best\","
     "\"type\":\"image\"}"},
};

static void requests(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *request = request_of(cases[i].line);
        assert_string_equal(request, cases[i].request);
        free(request);
    }
}

/* Images are named by their content where it is known. */
static void image_hashes(void **state) {
    (void)state;
    json_t *request = json_loads("{\"references\":[{\"path\":\"a\"},{\"path\":\"b\"}],"
                                 "\"style\":{\"path\":\"s\"}}",
                                 0, NULL);
    request_hash(request, "references", 1, "22");
    request_hash(request, "references", 2, "33");
    request_hash(request, "references", 0, "");
    request_hash(request, "style", -1, "44");
    request_hash(request, "mask", -1, "55");
    char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"references\":[{\"path\":\"a\"},{\"path\":\"b\",\"sha256\":\"22\"}],"
                        "\"style\":{\"path\":\"s\",\"sha256\":\"44\"}}");
    free(text);
    json_decref(request);
}

static void mistakes(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        "--quick",
        "--prompt",
        "--no-such-option",
        "--prompt|h|--skip|image_generation",
        "--prompt|h|--skip|storage",
        "--prompt|h|extra",
        "--prompt|h|--reference|a|--reference|b|--reference|c|--reference|d",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        RequestOptions options;
        Settings settings;
        char *copy = mem_strdup(lines[i]);
        int code = parse(&options, &settings, *copy ? copy : NULL);
        if (code != EXIT_USAGE)
            fail_msg("\"%s\" gives %d", lines[i], code);
        request_free(&options);
        free(copy);
    }
}

/* Give bytes on standard input and parse "--prompt -". */
static int parse_input(const char *bytes, size_t length, RequestOptions *options) {
    Settings settings;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    rewind(file);
    int saved = dup(STDIN_FILENO);
    dup2(fileno(file), STDIN_FILENO);
    clearerr(stdin);
    char words[] = "--prompt|-|--text";
    int code = parse(options, &settings, words);
    dup2(saved, STDIN_FILENO);
    close(saved);
    fclose(file);
    return code;
}

static void prompts_from_input(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        int code;
        const char *prompt;
    } cases[] = {
        {"a house\n", 8, -1, "a house"},
        {"two\nlines\r\n\n", 12, -1, "two\nlines"},
        {"\n", 1, -1, ""},
        {"", 0, -1, ""},
        {"a\0b", 3, EXIT_BAD_INPUT, NULL},
        {"a\xff", 2, EXIT_BAD_INPUT, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        RequestOptions options;
        assert_int_equal(parse_input(cases[i].bytes, cases[i].length, &options), cases[i].code);
        if (cases[i].prompt)
            assert_string_equal(options.prompt, cases[i].prompt);
        request_free(&options);
    }
}

static void uuids(void **state) {
    (void)state;
    assert_true(is_uuid(CHAIN_ID));
    assert_false(is_uuid(""));
    assert_false(is_uuid("0123abcd-0123-4abc-8def-0123456789A"));
    assert_false(is_uuid(CHAIN_ID "0"));
    assert_false(is_uuid("0123abcd-0123-4abc-8def-0123456789AG"));
    assert_false(is_uuid("0123abcd00123-4abc-8def-0123456789AB"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests), cmocka_unit_test(image_hashes),
        cmocka_unit_test(mistakes), cmocka_unit_test(prompts_from_input),
        cmocka_unit_test(uuids),
    };
    return cmocka_run_group_tests_name("driver request", tests, NULL, NULL);
}

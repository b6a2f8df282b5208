/* Answers of models held against the schemas that are sent. */
#include "driver_test.h"

#include "assets.h"
#include "schema.h"

/* One schema with every rule that our schemas use. */
static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"list\"],\"properties\":{"
    "\"name\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]},"
    "\"list\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":2,\"maxItems\":3},"
    "\"score\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},\"fine\":{\"type\":\"boolean\"},"
    "\"inner\":{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"x\":{\"type\":"
    "\"number\"}}}}}";

/* Answers, and what the refusal says; NULL where they are fine. */
static const struct {
    const char *answer, *why;
} cases[] = {
    {"{\"name\":\"n\",\"list\":[]}", NULL},
    {"{\"name\":\"n\",\"list\":[\"a\"]}", NULL}, /* fewer than asked is taste */
    {"{\"name\":\"n\",\"list\":[\"a\",\"b\",\"c\"],\"kind\":\"b\",\"score\":1,\"fine\":false,"
     "\"inner\":{\"x\":0.5},\"more\":null}",
     NULL},
    {"{\"name\":\"n\",\"list\":[],\"score\":0}", NULL},
    {"{\"list\":[]}", "answer lacks \"name\""},
    {"{\"name\":null,\"list\":[]}", "answer.name is of type null, not string"},
    {"{\"name\":\"n\",\"list\":{}}", "answer.list is of type object, not array"},
    {"{\"name\":\"n\",\"list\":[\"a\",1]}", "answer.list[1] is of type number, not string"},
    {"{\"name\":\"n\",\"list\":[\"a\",\"b\",\"c\",\"d\"]}", "4 items, at most 3"},
    {"{\"name\":\"n\",\"list\":[],\"kind\":\"c\"}", "answer.kind is not one of"},
    {"{\"name\":\"n\",\"list\":[],\"score\":1.01}", "answer.score is 1.01, outside"},
    {"{\"name\":\"n\",\"list\":[],\"score\":-1}", "answer.score is -1, outside"},
    {"{\"name\":\"n\",\"list\":[],\"score\":\"1\"}", "answer.score is of type string"},
    {"{\"name\":\"n\",\"list\":[],\"fine\":1}", "answer.fine is of type number, not boolean"},
    {"{\"name\":\"n\",\"list\":[],\"inner\":{}}", "answer.inner lacks \"x\""},
    {"{\"name\":\"n\",\"list\":[],\"inner\":{\"x\":\"1\"}}", "answer.inner.x is of type string"},
    {"[]", "answer is of type array, not object"},
    {"\"text\"", "answer is of type string, not object"},
    {"null", "answer is of type null, not object"},
};

static void every_rule(void **state) {
    (void)state;
    json_t *schema = json_loads(schema_text, 0, NULL);
    assert_non_null(schema);
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *answer = json_loads(cases[i].answer, JSON_DECODE_ANY, NULL);
        char *why = NULL;
        bool ok = schema_check(schema, answer, &why);
        if (ok != !cases[i].why || (why && !strstr(why, cases[i].why)))
            fail_msg("%s: %s", cases[i].answer, why ? why : "accepted");
        free(why);
        json_decref(answer);
    }
    json_decref(schema);
}

/* A schema that is nested deeper than the limit ends in a refusal, not in a crash. */
static void depth_is_limited(void **state) {
    (void)state;
    json_t *schema = json_pack("{s:s}", "type", "array"), *value = json_array();
    for (int i = 0; i < 100; i++) {
        schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
        value = json_pack("[o]", value);
    }
    char *why = NULL;
    assert_false(schema_check(schema, value, &why));
    assert_non_null(strstr(why, "too deeply"));
    free(why);
    json_decref(schema);
    json_decref(value);
}

/* Every stage that asks for JSON has words and a schema whose required members it describes. */
static void our_own_schemas(void **state) {
    (void)state;
    static const char *const stages[] = {"semantic_parsing",    "image_understanding",
                                         "memory_extraction",   "validation",
                                         "prompt_optimization", "prompt_optimization_simple"};
    for (size_t i = 0; i < COUNT(stages); i++) {
        const json_t *schema = asset_schema(stages[i]);
        size_t j;
        json_t *name;
        if (!schema || !asset_prompt(stages[i]))
            fail_msg("%s lacks its schema or prompt", stages[i]);
        assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");
        json_array_foreach(json_object_get(schema, "required"), j, name) {
            const json_t *properties = json_object_get(schema, "properties");
            if (!json_object_get(properties, json_string_value(name)))
                fail_msg("%s requires %s but does not describe it", stages[i],
                         json_string_value(name));
        }
    }
    assert_null(asset_schema("image_generation"));
    assert_non_null(asset_prompt("image_generation"));
    assert_null(asset_prompt("storage"));
}

/* What a model adds to an answer does not get into the memory of a chain. */
static void what_is_not_named_is_pruned(void **state) {
    (void)state;
    json_t *schema =
        json_loads("{\"additionalProperties\":false,\"properties\":{\"a\":{},"
                   "\"list\":{\"items\":{\"additionalProperties\":false,"
                   "\"properties\":{\"x\":{}}}},\"open\":{\"properties\":{\"y\":{}}}}}",
                   0, NULL);
    json_t *value = json_loads("{\"a\":{\"deep\":1},\"b\":2,\"list\":[{\"x\":1,\"z\":2},3],"
                               "\"open\":{\"y\":1,\"z\":2}}",
                               0, NULL);
    schema_prune(schema, value);
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"a\":{\"deep\":1},\"list\":[{\"x\":1},3],\"open\":{\"y\":1,\"z\":2}}");
    free(text);
    json_decref(value);
    json_decref(schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(our_own_schemas),
        cmocka_unit_test(what_is_not_named_is_pruned),
    };
    return cmocka_run_group_tests_name("driver schema", tests, NULL, NULL);
}

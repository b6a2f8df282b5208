/* Scripted faults and the log of calls. */
#include "picture.h"

#include "calls_log.h"
#include "faults.h"

static void expect_wrong(const char *spec) {
    Faults faults = {0};
    const char *why = NULL;
    assert_false(faults_add(&faults, spec, &why));
    assert_non_null(why);
    assert_int_equal(faults.count, 0);
}

static void test_specs(void **state) {
    static const char *const good[] = {"1=503", "image_generation=hang", "validation#2=blocked",
                                       "prompt_optimization_simple=truncated-json", "unknown=text"};
    static const char *const wrong[] = {"",
                                        "=",
                                        "503",
                                        "0=503",
                                        "1=",
                                        "1=200",
                                        "1=999",
                                        "1=maybe",
                                        "nope=503",
                                        "validation#=503",
                                        "validation#0=503",
                                        "validation#x=503",
                                        "-1=503",
                                        "9999999999=503"};
    Faults faults = {0};
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(faults_add(&faults, good[i], &why));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_wrong(wrong[i]);
    while (faults.count < FAULTS_MOST)
        assert_true(faults_add(&faults, "1=503", &why));
    assert_false(faults_add(&faults, "1=503", &why));
}

static void test_which_fault_fits(void **state) {
    Faults faults = {0};
    const char *why;
    (void)state;
    assert_true(faults_add(&faults, "3=429", &why));
    assert_true(faults_add(&faults, "validation#2=cut", &why));
    assert_true(faults_add(&faults, "image_generation=hang", &why));
    assert_int_equal(faults_find(&faults, 3, TASK_SEMANTIC_PARSING, 1).status, 429);
    assert_int_equal(faults_find(&faults, 4, TASK_SEMANTIC_PARSING, 2).kind, FAULT_NONE);
    assert_int_equal(faults_find(&faults, 5, TASK_VALIDATION, 1).kind, FAULT_NONE);
    assert_int_equal(faults_find(&faults, 6, TASK_VALIDATION, 2).kind, FAULT_CUT);
    assert_int_equal(faults_find(&faults, 7, TASK_IMAGE_GENERATION, 9).kind, FAULT_HANG);
}

static void test_calls_are_numbered_and_kept(void **state) {
    CallsLog *log = calls_log_new();
    unsigned long nth;
    (void)state;
    assert_int_equal(calls_log_begin(log, TASK_VALIDATION, "m", "one \"quoted\"", 1, &nth), 1);
    assert_int_equal(nth, 1);
    assert_int_equal(calls_log_begin(log, TASK_IMAGE_GENERATION, "m", "two", 2, &nth), 2);
    assert_int_equal(nth, 1);
    assert_int_equal(calls_log_begin(log, TASK_VALIDATION, "m", "three", 3, &nth), 3);
    assert_int_equal(nth, 2);
    calls_log_end(log, 1, 200, 1.5);
    char *text = calls_log_json(log);
    json_t *json = json_loads(text, 0, NULL), *first = json_array_get(json, 0);
    assert_int_equal(json_array_size(json), 3);
    assert_string_equal(json_string_value(json_object_get(first, "stage")), "validation");
    assert_string_equal(json_string_value(json_object_get(first, "prompt")), "one \"quoted\"");
    assert_int_equal(json_integer_value(json_object_get(first, "status")), 200);
    assert_true(json_is_null(json_object_get(json_array_get(json, 1), "status")));
    json_decref(json);
    free(text);
    for (int i = 0; i < 70000; i++)
        calls_log_begin(log, TASK_TEXT, "m", "many", i, &nth);
    text = calls_log_json(log);
    json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json), 65536);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json, 65535), "n")), 70003);
    json_decref(json);
    free(text);
    calls_log_free(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_which_fault_fits),
        cmocka_unit_test(test_calls_are_numbered_and_kept),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}

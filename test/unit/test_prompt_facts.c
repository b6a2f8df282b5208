/* What prompts say. */
#include "picture.h"

#include "prompt_facts.h"

static Facts read_text(const char *text) {
    Facts facts;
    facts_read(text, &facts);
    return facts;
}

static SceneMaterial material(const Facts *facts, Part part) {
    const MaterialFact *fact = facts_material(facts, part);
    return fact ? fact->material : MATERIAL_DEFAULT;
}

static void test_the_demo_prompt(void **state) {
    Facts facts = read_text("modern concrete house with oak door, morning");
    (void)state;
    assert_int_equal(facts.style, STYLE_MODERN);
    assert_int_equal(facts.kind, KIND_HOUSE);
    assert_int_equal(facts.time, TIME_MORNING);
    assert_int_equal(material(&facts, PART_WALL), MATERIAL_CONCRETE);
    assert_int_equal(material(&facts, PART_DOOR), MATERIAL_OAK);
    assert_int_equal(facts.operation, OPERATION_CREATE);
    assert_false(facts.same);
}

static void test_parts_get_their_materials(void **state) {
    Facts facts = read_text("a house of red brick with a slate roof and a door in green copper");
    (void)state;
    assert_int_equal(material(&facts, PART_WALL), MATERIAL_BRICK);
    assert_string_equal(facts_material(&facts, PART_WALL)->colour, "red");
    assert_int_equal(material(&facts, PART_ROOF), MATERIAL_SLATE);
    assert_int_equal(material(&facts, PART_DOOR), MATERIAL_PATINA);
}

static void test_colours_get_their_parts(void **state) {
    Facts facts = read_text("White villa with blue door, terracotta roof");
    (void)state;
    assert_int_equal(facts.n_colours, 2);
    assert_string_equal(facts.colours[0].name, "white");
    assert_int_equal(facts.colours[0].part, PART_WALL);
    assert_string_equal(facts.colours[1].name, "blue");
    assert_int_equal(facts.colours[1].part, PART_DOOR);
    facts = read_text("walls in deep navy #1f2a44");
    assert_int_equal(facts.n_colours, 1);
    assert_int_equal(facts.colours[0].rgb.r, 0x1f);
    assert_int_equal(facts.colours[0].part, PART_WALL);
}

static void test_what_is_not_wanted(void **state) {
    Facts facts = read_text("house with pool, no trees, without brick");
    (void)state;
    assert_true(facts.features & FEATURE_POOL);
    assert_false(facts.features & FEATURE_TREES);
    assert_true(facts.features & FEATURE_NO_TREES);
    assert_int_equal(facts.n_materials, 0);
    assert_int_equal(facts.n_unwanted, 2);
    facts = read_text("not at night, at dawn");
    assert_int_equal(facts.time, TIME_DAWN);
}

static void test_variations_and_edits(void **state) {
    (void)state;
    assert_true(read_text("the same at dusk").same);
    assert_int_equal(read_text("the same at dusk").operation, OPERATION_VARY);
    assert_int_equal(read_text("replace the door").operation, OPERATION_EDIT);
    assert_int_equal(read_text("remove the pool").operation, OPERATION_EDIT);
}

static void test_numbers(void **state) {
    (void)state;
    assert_int_equal(read_text("three storey house").storeys, 0 + 3);
    assert_int_equal(read_text("a tower of 40 floors").storeys, 40);
    assert_int_equal(read_text("modern house, plan 48213").plan, 48213);
    assert_int_equal(read_text("plan 9999").plan, 0);
    assert_int_equal(read_text("plan 99999999999999999999999").plan, 0);
}

static void test_the_seed_is_the_building(void **state) {
    uint64_t seed = read_text("modern house, morning").seed;
    (void)state;
    assert_true(seed == read_text("modern house at night in rain").seed);
    assert_true(seed != read_text("modern villa, morning").seed);
    assert_true(seed != read_text("cheerful modern house").seed);
}

static void test_what_was_said_first_holds(void **state) {
    Facts facts = read_text("at dusk, with oak door"),
          memory = read_text("morning; concrete; red door");
    (void)state;
    facts_underlay(&facts, &memory);
    assert_int_equal(facts.time, TIME_DUSK);
    assert_int_equal(material(&facts, PART_DOOR), MATERIAL_OAK);
    assert_int_equal(material(&facts, PART_WALL), MATERIAL_CONCRETE);
}

static void test_any_text_is_survived(void **state) {
    char *long_text = mem_new(40001, 1);
    (void)state;
    assert_int_equal(read_text("").words, 0);
    read_text("\xf0\x9f\x8f\xa0 ''' ### \xff\xfe #zz #12345 .,.,");
    memset(long_text, 'a', 40000);
    read_text(long_text);
    for (int i = 0; i < 40000; i++)
        long_text[i] = i % 4 == 3 ? ' ' : "oak"[i % 4];
    assert_true(read_text(long_text).n_materials <= FACTS_MATERIALS);
    free(long_text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_demo_prompt),
        cmocka_unit_test(test_parts_get_their_materials),
        cmocka_unit_test(test_colours_get_their_parts),
        cmocka_unit_test(test_what_is_not_wanted),
        cmocka_unit_test(test_variations_and_edits),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_the_seed_is_the_building),
        cmocka_unit_test(test_what_was_said_first_holds),
        cmocka_unit_test(test_any_text_is_survived),
    };
    return cmocka_run_group_tests_name("prompt_facts", tests, NULL, NULL);
}

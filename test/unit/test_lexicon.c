/* The lexicon: longest phrase, plurals, names. */
#include "picture.h"

#include "lexicon.h"

/* Find the phrase at the start of up to four words. */
static const Entry *find(const char *text, size_t *used) {
    static char words[4][32];
    const char *list[4];
    size_t count = 0;
    while (*text && count < 4) {
        size_t length = strcspn(text, " ");
        snprintf(words[count], sizeof words[count], "%.*s", (int)length, text);
        list[count] = words[count];
        count++;
        text += length + (text[length] == ' ');
    }
    return lexicon_find(list, count, used);
}

static void expect(const char *text, Category category, int value, size_t words) {
    size_t used;
    const Entry *entry = find(text, &used);
    assert_non_null(entry);
    assert_int_equal(entry->category, category);
    assert_int_equal(entry->value, value);
    assert_int_equal(used, words);
}

static void test_the_longest_phrase_wins(void **state) {
    (void)state;
    expect("green roof garden", WORD_ELEMENT, PART_NONE, 2);
    expect("golden hour", WORD_TIME, TIME_DUSK, 2);
    expect("golden door", WORD_COLOUR, 0, 1);
    expect("board marked concrete wall", WORD_MATERIAL, MATERIAL_BOARD_CONCRETE, 3);
    expect("from above the", WORD_VIEW, VIEW_AERIAL, 2);
    expect("from oak", WORD_LINK, 0, 1);
    expect("art deco tower", WORD_STYLE, STYLE_ART_DECO, 2);
}

static void test_plurals_are_singulars(void **state) {
    (void)state;
    expect("windows", WORD_ELEMENT, PART_FRAME, 1);
    expect("balconies", WORD_ELEMENT, PART_ACCENT, 1);
    expect("arches", WORD_ELEMENT, PART_ACCENT, 1);
    expect("glazed tiles", WORD_MATERIAL, MATERIAL_CERAMIC_TILE, 2);
    expect("bricks", WORD_MATERIAL, MATERIAL_BRICK, 1);
}

static void test_unknown_words_are_none(void **state) {
    size_t used;
    (void)state;
    assert_null(find("xyzzy", &used));
    assert_null(find("s", &used));
    assert_null(lexicon_find(NULL, 0, &used));
}

static void test_every_value_has_a_name(void **state) {
    (void)state;
    for (int style = 0; style < STYLE_COUNT; style++)
        assert_true(strlen(lexicon_style_name((SceneStyle)style)) > 0);
    assert_string_equal(lexicon_style_name(STYLE_GOTHIC), "gothic");
    assert_string_equal(lexicon_time_name(TIME_DUSK), "dusk");
    assert_string_equal(lexicon_time_name(TIME_DEFAULT), "unspecified");
    assert_string_equal(lexicon_weather_name(WEATHER_SNOW), "snow");
    assert_string_equal(lexicon_weather_name(WEATHER_DEFAULT), "unspecified");
    assert_string_equal(lexicon_material_name(MATERIAL_OAK), "oak");
    assert_string_equal(lexicon_material_name(MATERIAL_SLATE), "slate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_phrase_wins),
        cmocka_unit_test(test_plurals_are_singulars),
        cmocka_unit_test(test_unknown_words_are_none),
        cmocka_unit_test(test_every_value_has_a_name),
    };
    return cmocka_run_group_tests_name("lexicon", tests, NULL, NULL);
}

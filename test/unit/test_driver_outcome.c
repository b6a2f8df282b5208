/* What every outcome means for sending again, and how long that waits. */
#include "driver_test.h"

#include "outcome.h"

static void every_outcome_has_a_rule(void **state) {
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        const OutcomeRule *rule = outcome_rule((Outcome)i);
        assert_non_null(rule->name);
        assert_non_null(rule->advice);
        assert_true(i == OUTCOME_OK || *rule->advice);
        assert_int_in_range(rule->tries, 1, 10);
        assert_int_in_range(rule->generation_tries, 1, rule->tries);
    }
}

/* Nobody pays twice, and no refusal is tried again. */
static void what_is_never_sent_again(void **state) {
    (void)state;
    assert_int_equal(outcome_rule(OUTCOME_UNKNOWN)->generation_tries, 1);
    assert_int_equal(outcome_rule(OUTCOME_MALFORMED)->generation_tries, 1);
    assert_int_equal(outcome_rule(OUTCOME_BLOCKED)->tries, 1);
    assert_int_equal(outcome_rule(OUTCOME_REJECTED)->tries, 1);
    assert_true(outcome_rule(OUTCOME_RATE_LIMITED)->generation_tries > 1);
    assert_true(outcome_rule(OUTCOME_OVERLOADED)->generation_tries > 1);
    assert_true(outcome_rule(OUTCOME_UNREACHABLE)->generation_tries > 1);
}

static void the_provider_says_how_long(void **state) {
    (void)state;
    assert_true(outcome_wait(1, 0) == 0);
    assert_true(outcome_wait(1, 1500) == 1500);
    assert_true(outcome_wait(9, 1500) == 1500);
    /* but not for ever */
    assert_true(outcome_wait(1, 1e12) <= 300000);
}

static void otherwise_exponential_with_jitter(void **state) {
    (void)state;
    double bound = 400;
    for (int tries = 1; tries <= 20; tries++) {
        double least = 1e9, most = 0;
        for (int i = 0; i < 2000; i++) {
            double wait = outcome_wait(tries, -1);
            least = wait < least ? wait : least;
            most = wait > most ? wait : most;
        }
        double limit = bound < 60000 ? bound : 60000;
        assert_true(least >= 0 && least < limit / 10);
        assert_true(most <= limit);
        assert_true(most > (bound < 30000 ? bound : 30000) * 0.9);
        bound *= 2;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_has_a_rule),
        cmocka_unit_test(what_is_never_sent_again),
        cmocka_unit_test(the_provider_says_how_long),
        cmocka_unit_test(otherwise_exponential_with_jitter),
    };
    return cmocka_run_group_tests_name("driver outcome", tests, NULL, NULL);
}

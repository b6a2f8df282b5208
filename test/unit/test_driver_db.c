/* How long the driver waits for a database that is away. */
#include "driver_test.h"

#include "../../driver/db.h"

enum { TRIES = 40, DRAWS = 200, SHORTEST_LEASE_MS = 3000, LEASES_A_LEASE = 3 };

/* Waits grow, and end before a lease that was extended in time would. */
static void connects_before_leases_end(void **state) {
    (void)state;
    double longest[TRIES] = {0};
    for (unsigned tries = 0; tries < TRIES; tries++)
        for (int draw = 0; draw < DRAWS; draw++) {
            double wait = db_connect_backoff(tries);
            assert_true(wait > 0 && wait < (double)SHORTEST_LEASE_MS / LEASES_A_LEASE);
            longest[tries] = wait > longest[tries] ? wait : longest[tries];
        }
    assert_true(longest[TRIES - 1] > 2 * longest[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(connects_before_leases_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

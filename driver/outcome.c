#include "outcome.h"

#include <stdlib.h>

/* A generation is sent again only where it certainly was not done: what is
 * unknown may have been billed, and a refusal is an answer. */
static const OutcomeRule rules[OUTCOME_COUNT] = {
    [OUTCOME_OK] = {"ok", 1, 1, false, ""},
    [OUTCOME_BLOCKED] = {"blocked", 1, 1, false,
                         "The provider's safety rules refused it; change the prompt or images."},
    [OUTCOME_EMPTY] = {"empty", 2, 2, false,
                       "The model answered without a result; try another prompt."},
    [OUTCOME_MALFORMED] = {"malformed", 2, 1, false,
                           "The answer was not what the protocol says; check --provider-url."},
    [OUTCOME_RATE_LIMITED] = {"rate_limited", 4, 4, true,
                              "Wait, or raise the quota at the provider."},
    [OUTCOME_OVERLOADED] = {"overloaded", 4, 4, true, "The provider is failing; try again later."},
    [OUTCOME_REJECTED] = {"rejected", 1, 1, false,
                          "Check the API key, the model and the provider's own words."},
    [OUTCOME_UNREACHABLE] = {"unreachable", 3, 3, true, "Check the network and --provider-url."},
    [OUTCOME_UNKNOWN] = {"unknown", 2, 1, false,
                         "It was sent and not answered, so it may have been billed; it is not sent "
                         "again by itself. Start it again with retry_render if you want that."},
};

/* Look an outcome up. */
const OutcomeRule *outcome_rule(Outcome outcome) {
    return &rules[outcome];
}

/* Full jitter (a uniform draw below the exponential bound) keeps many drivers apart. */
double outcome_wait(int tries_made, double retry_after_ms) {
    enum { FIRST_MS = 400, LONGEST_MS = 30000 };
    if (retry_after_ms >= 0)
        return retry_after_ms > OUTCOME_LONGEST_WAIT_MS ? OUTCOME_LONGEST_WAIT_MS : retry_after_ms;
    double bound = FIRST_MS;
    for (int i = 1; i < tries_made && bound < LONGEST_MS; i++)
        bound *= 2;
    return bound * ((double)rand() / RAND_MAX);
}

/* S3, Azure and CDNs forbid it; Google's storage calls it a bad request (ExpiredToken). */
bool outcome_is_expiry(long status) {
    return status == 400 || status == 401 || status == 403;
}

/* Comparing storage with the table of stored objects, both ways. */
#ifndef RC_VERIFY_H
#define RC_VERIFY_H

#include "app.h"

/* A problem: the key ("" where it is about the table itself) and what is wrong with it. */
typedef void VerifyProblem(void *context, const char *key, const char *what, const char *detail);

typedef struct VerifyResult {
    bool ok; /* the comparison was made, whatever it found */
    ExitCode code;
    unsigned long long objects, bytes, problems; /* objects: in storage */
} VerifyResult;

/* Compare, turning the loop; what goes wrong has been printed. What changes meanwhile is looked at
 * a second time before it is called a problem. */
VerifyResult verify(App *app, VerifyProblem *problem, void *context);

#endif

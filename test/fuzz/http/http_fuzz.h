/* A fuzzer of the HTTP side: requests that it makes go to the real server of renderchain serve over
 * a socket, in the same process. Database, storage and uploads are played, and say what reached
 * them, so that a form, a document, a range, an id comes there as it was made, or a broken request
 * does no harm. */
#ifndef RC_HTTP_FUZZ_H
#define RC_HTTP_FUZZ_H

#include "serve.h"

typedef struct Random {
    uint64_t state;
} Random;

Random random_of(uint64_t seed, uint64_t number);
uint64_t random_next(Random *random);
size_t below(Random *random, size_t bound); /* 0 to bound - 1 */
bool chance(Random *random, unsigned percent);

typedef enum Kind { FORMS, DOCUMENTS, RANGES, EVENT_IDS, PATHS, MUTATIONS, KINDS } Kind;

enum { OBJECT_BYTES = 300, LAST_SEQ = 5 };

/* A request, and what it is to come to. */
typedef struct Case {
    Random random;
    Kind kind;
    bool mutated; /* nothing is expected but a sound answer, or none */
    Buf request;
    unsigned status; /* of the answer; 0 for any */
    json_t *form;    /* what is uploaded: texts, and of images their bytes in base 16 */
    char *document;  /* the body that reaches the database */
    bool parsed;     /* it may be spelled in another way */
    char *part;      /* the id or key that reaches it */
    char *range;     /* the Content-Range; NULL for none */
    size_t from, to; /* the bytes of the object */
    long long seen;  /* what is followed from; -1 for nothing */
} Case;

/* Make a request of a kind. */
void make_case(Case *made);
void free_case(Case *made);

/* What came to those that are played, since play_anew. */
typedef struct Played {
    int asked; /* of the database, but for tokens */
    char *part, *document;
    json_t *form;       /* NULL where nothing was uploaded */
    long long followed; /* -1 where nothing was */
    char *wrong;        /* what should never come there */
} Played;

extern Played played;
extern const char *const tokens[4]; /* of nobody, and of the levels */

void play_start(App *app, uint64_t seed);
void play_anew(const Random *random);
char object_byte(size_t at);

#endif

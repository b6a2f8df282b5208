/* The benchmark of the server core: what a row of its table is, and how it is measured. */
#ifndef CORE_H
#define CORE_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What a client does with the result of a statement; parameters are those of the statement and
   what its list holds beyond them. */
typedef void ClientWork(PGconn *connection, const PGresult *result, const char *const *parameters);

/* One of the two things that are compared. */
typedef struct {
    const char *sql;        /* prepared once; must return what there is to know */
    const char *parameters; /* a query: each execution takes the next of its rows; NULL: none */
    const char *answer;     /* what must be equal on both sides after an execution, with the same
                               parameters; NULL: what sql returns */
    ClientWork *client;     /* NULL: nothing */
    int loops;              /* operations that one execution does (0: one) */
    int calls;              /* executions that make one operation (0: one) */
    bool timed_inside;      /* the statement itself returns how many seconds it took,
                                     and how many of them on a processor */
    const char *index;      /* the plan must use this index and sort nothing; NULL: no matter */
} Side;

/* One row of the table. */
typedef struct {
    const char *name; /* for the command line; several rows may share it */
    const char *what, *against;
    double wanted;        /* the rival's time through ours is at least this ... */
    bool at_most;         /* ... or ours through the rival's is at most this */
    const char *settings; /* of both connections; NULL: none */
    const char *between;  /* run before every round, untimed; NULL: nothing */
    Side ours, theirs;
} Row;

/* core_rows.c */
extern const Row rows[];
extern const int row_count;

/* core_client.c */
ClientWork find_memory_in_all, find_memory_in_newest, merge_and_write, write_merged;

/* core_measure.c */
PGconn *connect_to_server(void);
PGresult *checked(PGconn *connection, PGresult *result);
void print_head(void);
void measure_row(const Row *row, int rounds, double seconds);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif

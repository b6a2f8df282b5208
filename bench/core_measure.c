/* Measure one row of the table: both sides on a connection of their own, warmed, then in turn in
   short intervals, so that what else the machine does hits both; medians of the rounds. The times
   are those of the wall clock; how much of it both processes had a processor is told beside them,
   because that is still right on a machine that is busy with something else. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PARAMETERS = 4, MAX_ROUNDS = 99, ANSWERS = 10 };

/* Enough executions for the server to have chosen its plan for good. */
enum { WARM_EXECUTIONS = 7 };

/* A side at work. */
typedef struct {
    const Side *side;
    PGconn *connection;
    PGresult *parameters;
    int next;      /* of the rows of parameters */
    int sql_count; /* parameters that the statement has */
    int answer_count;
    double times[MAX_ROUNDS], cpu_times[MAX_ROUNDS]; /* of one operation, in seconds */
} Runner;

/* Say what went wrong, and end. */
void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "server_core: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

/* Return a result that is no error. */
PGresult *checked(PGconn *connection, PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail("%s", PQerrorMessage(connection));
    return result;
}

/* Open a connection as the environment says. */
PGconn *connect_to_server(void) {
    PGconn *connection = PQconnectdb("");
    if (PQstatus(connection) != CONNECTION_OK)
        fail("%s", PQerrorMessage(connection));
    return connection;
}

/* Run SQL that returns nothing. */
static void run(PGconn *connection, const char *sql) {
    PQclear(checked(connection, PQexec(connection, sql)));
}

/* Prepare a statement; returns how many parameters it has. */
static int prepare(PGconn *connection, const char *name, const char *sql) {
    PQclear(checked(connection, PQprepare(connection, name, sql, 0, NULL)));
    PGresult *description = checked(connection, PQdescribePrepared(connection, name));
    int count = PQnparams(description);
    PQclear(description);
    return count;
}

/* Connect a side and prepare what it needs. */
static void start(Runner *runner, const Side *side, const char *settings) {
    *runner = (Runner){.side = side, .connection = connect_to_server()};
    if (settings)
        run(runner->connection, settings);
    runner->sql_count = prepare(runner->connection, "sql", side->sql);
    runner->answer_count = side->answer ? prepare(runner->connection, "answer", side->answer) : 0;
    if (side->client == merge_and_write || side->client == write_merged)
        prepare(runner->connection, "write",
                "UPDATE renders SET context_data = $1, updated_at = now() WHERE id = $2");
    if (side->parameters)
        runner->parameters =
            checked(runner->connection, PQexec(runner->connection, side->parameters));
    if (side->parameters && PQntuples(runner->parameters) == 0)
        fail("no parameters: %s", side->parameters);
}

/* Disconnect a side. */
static void stop(Runner *runner) {
    PQclear(runner->parameters);
    PQfinish(runner->connection);
}

/* Take the next row of the parameters. */
static void next_parameters(Runner *runner, const char *values[MAX_PARAMETERS]) {
    if (!runner->parameters)
        return;
    for (int i = 0; i < PQnfields(runner->parameters) && i < MAX_PARAMETERS; i++)
        values[i] = PQgetvalue(runner->parameters, runner->next, i);
    runner->next = (runner->next + 1) % PQntuples(runner->parameters);
}

/* Execute a prepared statement. */
static PGresult *execute(PGconn *connection, const char *name, int count, const char **values) {
    return checked(connection, PQexecPrepared(connection, name, count, values, NULL, NULL, 0));
}

/* Read a clock, in seconds. */
static double read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* Return the processor time of this process and of its server process so far; of this one alone
   where the system does not tell. */
static double processor_time(PGconn *connection) {
    char path[64];
    double nanoseconds = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", PQbackendPID(connection));
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%lf", &nanoseconds) != 1)
        nanoseconds = 0;
    if (file)
        fclose(file);
    return read_clock(CLOCK_PROCESS_CPUTIME_ID) + nanoseconds / 1e9;
}

/* Execute the statement once, with what the client does; adds to the seconds that the statement
   says it took, where it does. */
static void execute_once(Runner *runner, double *inside, double *cpu_inside) {
    const char *values[MAX_PARAMETERS] = {0};
    next_parameters(runner, values);
    PGresult *result = execute(runner->connection, "sql", runner->sql_count, values);
    if (runner->side->client)
        runner->side->client(runner->connection, result, values);
    if (runner->side->timed_inside) {
        *inside += atof(PQgetvalue(result, 0, 0));
        *cpu_inside += atof(PQgetvalue(result, 0, 1));
    }
    PQclear(result);
}

/* Execute for some seconds; returns how many seconds one operation took, and tells how many of
   them on a processor. */
static double time_operations(Runner *runner, double seconds, double *cpu_time) {
    const Side *side = runner->side;
    double operations = 0, inside = 0, cpu_inside = 0, elapsed;
    double cpu_begin = processor_time(runner->connection), begin = read_clock(CLOCK_MONOTONIC);
    do {
        execute_once(runner, &inside, &cpu_inside);
        operations += (side->loops ? side->loops : 1.0) / (side->calls ? side->calls : 1);
    } while ((elapsed = read_clock(CLOCK_MONOTONIC) - begin) < seconds);
    *cpu_time = processor_time(runner->connection) - cpu_begin;
    if (side->timed_inside) {
        elapsed = inside;
        *cpu_time = cpu_inside;
    }
    *cpu_time /= operations;
    return elapsed / operations;
}

/* Execute once and return the answer, all rows of it as one text.  The caller frees it. */
static char *answer_of(Runner *runner) {
    const char *values[MAX_PARAMETERS] = {0};
    int row = runner->next;
    double ignored = 0;
    PGresult *result;
    if (runner->side->answer) {
        execute_once(runner, &ignored, &ignored);
        runner->next = row;
        next_parameters(runner, values);
        result = execute(runner->connection, "answer", runner->answer_count, values);
    } else {
        next_parameters(runner, values);
        result = execute(runner->connection, "sql", runner->sql_count, values);
    }
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0))
        fail("no answer: %s", runner->side->sql);
    char *answer = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return answer;
}

/* See to it that both sides answer the same. */
static void compare_answers(const Row *row, Runner *ours, Runner *theirs) {
    int different = ours->parameters ? PQntuples(ours->parameters) : 1;
    for (int i = 0; i < ANSWERS && i < different; i++) {
        char *our_answer = answer_of(ours), *their_answer = answer_of(theirs);
        if (strcmp(our_answer, their_answer) != 0)
            fail("%s: different answers:\n%s\n%s", row->name, our_answer, their_answer);
        free(our_answer);
        free(their_answer);
    }
}

/* See to it that a side's plan is the good one. */
static void check_plan(Runner *runner) {
    const char *values[MAX_PARAMETERS] = {0};
    char sql[1024] = "EXPLAIN EXECUTE sql";
    bool found = false;
    if (!runner->side->index)
        return;
    next_parameters(runner, values);
    if (runner->sql_count > 1)
        fail("check_plan knows one parameter only");
    if (runner->sql_count == 1)
        snprintf(sql, sizeof(sql), "EXPLAIN EXECUTE sql ('%s')", values[0]);
    PGresult *plan = checked(runner->connection, PQexec(runner->connection, sql));
    for (int line = 0; line < PQntuples(plan); line++) {
        const char *text = PQgetvalue(plan, line, 0);
        found |= strstr(text, runner->side->index) != NULL;
        if (strstr(text, "Sort") || strstr(text, "Memoize") || strstr(text, "Materialize"))
            fail("the rival's plan is not the best one: %s", text);
    }
    if (!found)
        fail("the rival does not use %s", runner->side->index);
    PQclear(plan);
}

/* Warm a side. */
static void warm(Runner *runner, double seconds) {
    double ignored = 0;
    for (int i = 0; i < WARM_EXECUTIONS; i++)
        execute_once(runner, &ignored, &ignored);
    time_operations(runner, seconds, &ignored);
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sort numbers; returns the one in the middle. */
static double sort_median(double *numbers, int count) {
    qsort(numbers, count, sizeof(*numbers), compare_doubles);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* Write a time with a fitting unit. */
static const char *time_text(char text[16], double seconds) {
    if (seconds < 1e-3)
        snprintf(text, 16, "%.*f us", seconds < 1e-5 ? 2 : 1, seconds * 1e6);
    else
        snprintf(text, 16, "%.2f ms", seconds * 1e3);
    return text;
}

/* Write a ratio. */
static const char *number_text(char text[16], double number) {
    snprintf(text, 16, "%.2f", number);
    return text;
}

/* Print a line of the table. */
static void print_columns(const char *what, const char *against, const char *wanted,
                          const char *ratio, const char *range, const char *cpu_ratio,
                          const char *ours, const char *theirs, const char *remark) {
    printf("| %-63s | %-55s | %-13s | %7s | %-19s | %7s | %9s | %9s | %-6s |\n", what, against,
           wanted, ratio, range, cpu_ratio, ours, theirs, remark);
    fflush(stdout);
}

/* Print the head of the table. */
void print_head(void) {
    print_columns("what", "against", "wanted", "ratio", "min .. max", "CPU", "ours", "theirs", "");
    print_columns("---", "---", "---", "---", "---", "---", "---", "---", "---");
}

/* Compare the times of rounds as the row wants it; returns the median, ratios are sorted. */
static double compare_times(const Row *row, const double *ours, const double *theirs, int rounds,
                            double ratios[MAX_ROUNDS]) {
    for (int i = 0; i < rounds; i++)
        ratios[i] = row->at_most ? ours[i] / theirs[i] : theirs[i] / ours[i];
    return sort_median(ratios, rounds);
}

/* Print the row. */
static void print_row(const Row *row, Runner *ours, Runner *theirs, int rounds) {
    double ratios[MAX_ROUNDS];
    char our_time[16], their_time[16], wanted[32], range[32];
    double cpu_ratio = compare_times(row, ours->cpu_times, theirs->cpu_times, rounds, ratios);
    double ratio = compare_times(row, ours->times, theirs->times, rounds, ratios);
    bool reached = row->at_most ? ratio <= row->wanted : ratio >= row->wanted;
    snprintf(wanted, sizeof(wanted), "%s %g", row->at_most ? "at most" : "at least", row->wanted);
    snprintf(range, sizeof(range), "%.2f .. %.2f", ratios[0], ratios[rounds - 1]);
    print_columns(row->what, row->against, wanted, number_text((char[16]){0}, ratio), range,
                  number_text((char[16]){0}, cpu_ratio),
                  time_text(our_time, sort_median(ours->times, rounds)),
                  time_text(their_time, sort_median(theirs->times, rounds)),
                  reached ? "" : "missed");
}

/* Measure and print a row. */
void measure_row(const Row *row, int rounds, double seconds) {
    Runner ours, theirs;
    PGconn *administrator = connect_to_server();
    if (rounds > MAX_ROUNDS)
        rounds = MAX_ROUNDS;
    start(&ours, &row->ours, row->settings);
    start(&theirs, &row->theirs, row->settings);
    compare_answers(row, &ours, &theirs);
    warm(&ours, seconds / 3);
    warm(&theirs, seconds / 3);
    check_plan(&ours);
    check_plan(&theirs);
    for (int i = 0; i < rounds; i++) {
        if (row->between)
            run(administrator, row->between);
        ours.times[i] = time_operations(&ours, seconds, &ours.cpu_times[i]);
        theirs.times[i] = time_operations(&theirs, seconds, &theirs.cpu_times[i]);
    }
    print_row(row, &ours, &theirs, rounds);
    stop(&ours);
    stop(&theirs);
    PQfinish(administrator);
}

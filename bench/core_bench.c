/* Print the table of what the server core costs and what its rivals cost:
   build/bench/server_core [ROW...], on a server that holds what server_core.sql makes. */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return a positive number from the environment. */
static double setting(const char *name, double otherwise) {
    const char *text = getenv(name);
    double number = text ? atof(text) : otherwise;
    if (number <= 0)
        fail("%s must be a positive number", name);
    return number;
}

/* Return whether a row is among those asked for. */
static bool is_asked_for(const Row *row, char **names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], row->name) == 0)
            return true;
    return count == 0;
}

/* Refuse names that no row has, and list those that there are. */
static void check_names(char **names, int count) {
    for (int i = 0; i < count; i++) {
        bool known = false;
        for (int r = 0; r < row_count; r++)
            known |= strcmp(names[i], rows[r].name) == 0;
        if (known)
            continue;
        fprintf(stderr, "server_core: no row \"%s\"; there are:", names[i]);
        for (int r = 0; r < row_count; r++)
            if (r == 0 || strcmp(rows[r].name, rows[r - 1].name) != 0)
                fprintf(stderr, " %s", rows[r].name);
        fprintf(stderr, "\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    int rounds = (int)setting("ROUNDS", 7);
    double seconds = setting("SECONDS_A_SIDE", 0.3);
    check_names(argv + 1, argc - 1);
    printf(
        "the server core: both sides in turn for %g s each, medians of %d rounds; CPU is the ratio "
        "of processor time, of client and server\n\n",
        seconds, rounds);
    print_head();
    for (int r = 0; r < row_count; r++)
        if (is_asked_for(&rows[r], argv + 1, argc - 1))
            measure_row(&rows[r], rounds, seconds);
    return 0;
}

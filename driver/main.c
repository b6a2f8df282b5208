/* renderchain: runs the stages of a render and keeps every result in PostgreSQL. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "commands.h"
#include "options.h"
#include "table.h"

static const struct Command {
    const char *word, *second; /* second: NULL where one word is enough */
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"init", NULL, cmd_init, "create the extension and the tables in a database"},
    {"render", NULL, cmd_render, "render an image"},
    {"video", NULL, cmd_video, "render a video"},
    {"submit", NULL, cmd_submit, "queue an image render for a worker"},
    {"worker", NULL, cmd_worker, "run renders from the queue"},
    {"watch", NULL, cmd_watch, "watch renders as they run"},
    {"cancel", NULL, cmd_cancel, "cancel a render that waits or runs"},
    {"retry", NULL, cmd_retry, "start a failed or cancelled render again"},
    {"show", NULL, cmd_show, "show one render"},
    {"chain", "list", cmd_chain_list, "list chains"},
    {"chain", "show", cmd_chain_show, "show a chain's renders, palettes and consistency"},
    {"report", NULL, cmd_report, "explain a chain in one HTML file"},
    {"serve", NULL, cmd_serve, "answer HTTP requests for users"},
    {"token", "create", cmd_token_create, "make a token for the HTTP server"},
    {"token", "list", cmd_token_list, "list the tokens"},
    {"token", "revoke", cmd_token_revoke, "make a token invalid"},
    {"memory", "get", cmd_memory_get, "print a chain's memory"},
    {"memory", "merge", cmd_memory_merge, "merge a patch into a render's memory"},
    {"memory", "pin", cmd_memory_pin, "fix parts of a chain's memory"},
    {"memory", "unpin", cmd_memory_unpin, "release pinned keys"},
    {"credits", "grant", cmd_credits_grant, "give credits to a user"},
    {"credits", "balance", cmd_credits_balance, "print a user's credits"},
    {"gc", NULL, cmd_gc, "remove objects from storage that nobody needs, or check it"},
    {"credits", "list", cmd_credits_list, "list the ledger that explains a user's credits"},
    {"status", NULL, cmd_status, "show what waits and what runs"},
    {"models", NULL, cmd_models, "list the models, or load a registry file"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

/* Print what there is. */
static void print_help(FILE *to) {
    fputs("usage: renderchain [-d CONNINFO] COMMAND [ARGUMENT]... [OPTION]...\n\n"
          "Renders images in chains that remember palette, materials, geometry and style\n"
          "in PostgreSQL.\n\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct Command *command = &commands[i];
        fprintf(to, "  %-8s%-9s%s\n", command->word, command->second ? command->second : "",
                command->summary);
    }
    fputs("\nrenderchain COMMAND --help tells more. Exit codes: 0 done, 1 render failed, 2 usage,\n"
          "3 bad input, 4 database, 5 not found, 6 credits, 7 provider, 8 storage,\n"
          "9 interrupted, 70 internal error.\n",
          to);
}

/* Find a command by its one or two words. */
static const struct Command *find(int argc, char **argv) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct Command *command = &commands[i];
        if (strcmp(command->word, argv[1]) == 0 &&
            (!command->second || (argc > 2 && strcmp(command->second, argv[2]) == 0)))
            return command;
    }
    return NULL;
}

/* Name the second words that a first word has. */
static int explain_unknown(int argc, char **argv) {
    bool known = false;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        known = known || strcmp(commands[i].word, argv[1]) == 0;
    if (!known) {
        char *message = mem_printf("unknown command \"%s\"", argv[1]);
        usage_mistake(message, "See: renderchain --help");
        free(message);
        return EXIT_USAGE;
    }
    bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    FILE *to = help ? stdout : stderr;
    if (!help) {
        char *message = mem_printf("unknown command \"%s%s%s\"", argv[1], argc > 2 ? " " : "",
                                   argc > 2 ? argv[2] : "");
        usage_mistake(message, NULL);
        free(message);
    }
    fprintf(to, "usage:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].word, argv[1]) == 0)
            fprintf(to, "  renderchain %s %-9s%s\n", argv[1], commands[i].second,
                    commands[i].summary);
    return help ? EXIT_OK : EXIT_USAGE;
}

/* "-d X COMMAND" is "COMMAND -d X": move what names the database, in any of its
 * spellings, behind the command. */
static void command_first(int argc, char **argv) {
    int words = 0;
    if (argc > 3 && (strcmp(argv[1], "-d") == 0 || strcmp(argv[1], "--dbname") == 0))
        words = 2;
    else if (argc > 2 && (strncmp(argv[1], "--dbname=", 9) == 0 ||
                          (strncmp(argv[1], "-d", 2) == 0 && argv[1][2])))
        words = 1;
    for (; words > 0; words--) {
        char *moved = argv[1];
        memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
        argv[argc - 1] = moved;
    }
}

/* Every word ends up in JSON, which is UTF-8. */
static bool all_utf8(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (text_is_utf8(argv[i]))
            continue;
        char *message = mem_printf("argument %d is not valid UTF-8", i);
        usage_mistake(message, NULL);
        free(message);
        return false;
    }
    return true;
}

/* A caller may have closed the standard descriptors; a socket in their place would get
 * what is printed. */
static void fill_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(EXIT_INTERNAL);
}

/* What could not be printed has not been said: a command that did well did not, then. */
static int check_output(int code) {
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost)
        return code;
    fputs("renderchain: standard output could not be written\n", stderr);
    return code == EXIT_OK ? EXIT_STORAGE : code;
}

/* Have large pieces of memory go back to the kernel when they are freed. glibc keeps up to 32 MB
 * each for later once such have been freed, and a worker would stay as large as its largest burst
 * of images has made it. */
static void give_large_memory_back(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char **argv) {
    give_large_memory_back();
    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    options_look(argc, argv);
    if (!all_utf8(argc, argv))
        return EXIT_USAGE;
    command_first(argc, argv);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("renderchain " RC_VERSION);
        return EXIT_OK;
    }
    const struct Command *command = find(argc, argv);
    if (!command)
        return explain_unknown(argc, argv);
    int words = command->second ? 2 : 1;
    /* All that a command has opened it has closed. What libraries would tidy up on the way out
     * somebody may be waiting for. */
    _exit(check_output(command->run(argc - words, argv + words)));
}

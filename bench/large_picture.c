/* What a picture of 15 MB costs, which is 20 MB as base64: how fast its reply is read, and how
 * much memory that takes beside the reply.
 *
 * large_picture read            reads replies and prints the figures
 * large_picture peak COMMAND... runs a command and prints the most memory that it had, in kB, and
 *                               nothing else; what the command prints is dropped */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "long_strings.h"
#include "provider.h"

enum { PICTURE = 15000000, ENCODED = PICTURE / 3 * 4, ROUNDS = 11 };

/* End: nothing of this can fail but for want of memory. */
static void die(const char *what) {
    fprintf(stderr, "large_picture: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Write a reply of generateContent with a picture: the least PNG there is, and bytes behind it that
 * no decoder of base64 finds easy. */
static char *make_reply(size_t *length) {
    static const char png[] =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAA3RFWHRhAHghK1tBAAAADElEQ"
        "VR4nGNITEoGAAJOASfAYZ4ZAAAAAElFTkSuQmCC";
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char before[] = "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{"
                                 "\"text\":\"Here.\"},{\"inlineData\":{\"mimeType\":\"image/png\","
                                 "\"data\":\"";
    static const char after[] =
        "\"},\"thoughtSignature\":\"c2ln\"}]},\"finishReason\":\"STOP\"}],"
        "\"usageMetadata\":{\"promptTokenCount\":9},\"modelVersion\":\"m\"}";
    char *reply = malloc(sizeof before + ENCODED + sizeof after);
    if (!reply)
        die("no memory");
    char *at = reply;
    memcpy(at, before, sizeof before - 1);
    at += sizeof before - 1;
    memcpy(at, png, sizeof png - 1);
    unsigned long noise = 1;
    for (size_t i = sizeof png - 1; i < ENCODED; i++) {
        noise = noise * 6364136223846793005UL + 1442695040888963407UL;
        at[i] = letters[noise >> 58];
    }
    memcpy(at + ENCODED, after, sizeof after);
    *length = sizeof before - 1 + ENCODED + sizeof after - 1;
    return reply;
}

/* A figure of our own process in kB; the most there was since the last call of forget_peak. */
static long memory(const char *name) {
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name) + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static void forget_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

static int by_size(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

/* Read the JSON alone, and all of the reply; print megabytes a second and memory. */
static void read_replies(void) {
    size_t length;
    char *reply = make_reply(&length);
    double json_times[ROUNDS], all_times[ROUNDS];
    json_t *definition = json_object();
    const Model model = {.id = "m", .definition = definition};
    const ModelCall call = {.model = &model};
    Buf body = {.data = reply, .length = length};
    const HttpReply http = {.status = 200, .body = &body};
    forget_peak();
    long before = memory("VmRSS");
    for (int i = 0; i < ROUNDS; i++) {
        LongStrings strings;
        json_error_t where;
        double begun = now();
        json_t *json = long_strings_load(reply, length, &strings, &where);
        json_times[i] = now() - begun;
        if (!json)
            die(where.text);
        json_decref(json);
        ModelAnswer answer = {.retry_after_ms = -1};
        begun = now();
        wire_gemini.parse(&http, &call, &answer);
        all_times[i] = now() - begun;
        if (answer.outcome != OUTCOME_OK || answer.image_length != PICTURE)
            die(answer.message ? answer.message : "another picture came out");
        answer_free(&answer);
    }
    qsort(json_times, ROUNDS, sizeof *json_times, by_size);
    qsort(all_times, ROUNDS, sizeof *all_times, by_size);
    double megabytes = (double)length / 1e6;
    printf("a reply of %.1f MB with a picture of %.1f MB, median of %d\n", megabytes, PICTURE / 1e6,
           ROUNDS);
    printf("  JSON            %7.0f MB/s  (wanted 300)\n", megabytes / json_times[ROUNDS / 2]);
    printf("  with the bytes  %7.0f MB/s  decoded and looked at\n",
           megabytes / all_times[ROUNDS / 2]);
    printf("  memory          %7.2f       times the picture: the reply, and what reading adds\n",
           (double)(memory("VmHWM") - before) * 1024 / PICTURE + (double)length / PICTURE);
    json_decref(definition);
    free(reply);
}

/* Run a command; print its peak. */
static int peak(char **command) {
    struct rusage usage;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        execvp(command[0], command);
        die("the command cannot be run");
    }
    if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status))
        die("the command was killed");
    printf("%ld\n", usage.ru_maxrss);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "peak") == 0)
        return peak(argv + 2);
    if (argc != 2 || strcmp(argv[1], "read") != 0)
        die("what?");
    read_replies();
    return 0;
}

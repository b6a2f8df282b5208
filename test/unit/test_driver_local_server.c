/* The model server that the driver starts: what is no server is refused and collected. */
#include "driver_test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local_server.h"

/* The driver looks for the server beside its own program. */
static char *path_of_server(void) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    return mem_printf("%s/renderchain-localmodel", self);
}

/* Put a shell script in the server's place. */
static void put_script(const char *path, const char *script) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

/* Is there no child left, not even a dead one? */
static bool no_children(void) {
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void servers(void **state) {
    (void)state;
    static const struct {
        const char *script, *url;
    } cases[] = {
        {"echo 4711; exec cat", "http://127.0.0.1:4711"},
        {"echo 65535; exec cat", "http://127.0.0.1:65535"},
        {"echo 65536; exec cat", NULL},
        {"echo 0; exec cat", NULL},
        {"echo hello; exec cat", NULL},
        {"echo 99999999999999999999; exec cat", NULL},
        {"printf 47", NULL},
        {"exit 1", NULL},
        {"kill -9 $$", NULL},
    };
    char *path = path_of_server();
    for (size_t i = 0; i < COUNT(cases); i++) {
        LocalServer server;
        char *error = NULL;
        put_script(path, cases[i].script);
        bool started = local_server_start(&server, &error);
        if (started != (cases[i].url != NULL))
            fail_msg("%s: %s", cases[i].script, started ? server.url : error);
        if (started)
            assert_string_equal(server.url, cases[i].url);
        local_server_stop(&server);
        assert_true(no_children());
        free(error);
    }
    unlink(path);
    free(path);
}

/* It inherits its three standard descriptors and nothing else, and has a key. */
static void what_it_inherits(void **state) {
    (void)state;
    char *path = path_of_server(), *error = NULL;
    LocalServer server;
    int open_one = dup2(STDERR_FILENO, 77);
    put_script(path, "test ${#RENDERCHAIN_LOCALMODEL_KEY} -eq 32 || exit 1\n"
                     "test -e /proc/self/fd/77 && exit 1\n"
                     "echo 4711; exec cat");
    if (!local_server_start(&server, &error))
        fail_msg("%s", error);
    local_server_stop(&server);
    close(open_one);
    unlink(path);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers),
        cmocka_unit_test(what_it_inherits),
    };
    return cmocka_run_group_tests_name("driver local_server", tests, NULL, NULL);
}

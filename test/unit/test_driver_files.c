/* Files are written whole or not at all, and nothing that is no file is replaced. */
#include "driver_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

static char *top; /* a directory of this test */

/* A path below it; the caller frees. */
static char *below(const char *name) {
    return mem_printf("%s/%s", top, name);
}

/* Write a file and say whether that went well. */
static bool write_words(const char *path, const char *words) {
    char *error = NULL;
    bool ok = write_whole(path, words, strlen(words), &error);
    assert_true(ok == !error);
    free(error);
    return ok;
}

/* Does a file hold exactly these words? */
static void expect_words(const char *path, const char *words) {
    Buf buf;
    char *error = NULL;
    buf_init(&buf, 1 << 20);
    if (!buf_read_file(&buf, path, &error))
        fail_msg("%s", error);
    assert_int_equal(buf.length, strlen(words));
    assert_memory_equal(buf.data, words, buf.length);
    buf_free(&buf);
}

static bool can_write(const char *path) {
    char *error = NULL;
    bool ok = file_can_write(path, &error);
    assert_true(ok == !error);
    free(error);
    return ok;
}

static void plain_files(void **state) {
    (void)state;
    struct stat st;
    char *path = below("plain");
    mode_t mask = umask(027);
    assert_true(can_write(path));
    assert_true(write_words(path, "one"));
    assert_true(write_words(path, "two"));
    expect_words(path, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    umask(mask);
    free(path);
}

/* A name may be as long as the file system allows: 255 bytes nearly everywhere. */
static void long_names(void **state) {
    (void)state;
    char name[257];
    memset(name, 'n', 256);
    name[255] = '\0';
    char *path = below(name);
    assert_true(can_write(path));
    assert_true(write_words(path, "long"));
    expect_words(path, "long");
    free(path);
    name[255] = 'n';
    name[256] = '\0';
    path = below(name);
    assert_false(can_write(path));
    assert_false(write_words(path, "longer"));
    free(path);
}

static void links(void **state) {
    (void)state;
    struct stat st;
    char *target = below("target"), *link = below("link");
    assert_true(write_words(target, "before"));
    assert_int_equal(symlink("target", link), 0);
    assert_true(can_write(link));
    assert_true(write_words(link, "after"));
    expect_words(target, "after");
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    free(target);
    free(link);
}

/* Devices and pipes are written into and stay what they are. */
static void no_files(void **state) {
    (void)state;
    struct stat st;
    char got[8] = "", *pipe = below("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    int reader = open(pipe, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_true(can_write(pipe));
    assert_true(write_words(pipe, "words"));
    assert_int_equal(read(reader, got, sizeof got), 5);
    assert_memory_equal(got, "words", 5);
    close(reader);
    assert_int_equal(stat(pipe, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_true(can_write("/dev/null"));
    assert_true(write_words("/dev/null", "words"));
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    free(pipe);
}

static void what_cannot_be_written(void **state) {
    (void)state;
    char *missing = below("no/such/file"), *slash = below("new/");
    assert_false(can_write(""));
    assert_false(can_write(top));
    assert_false(can_write(missing));
    assert_false(can_write(slash));
    assert_false(write_words(missing, "words"));
    free(missing);
    free(slash);
}

static int make_top(void **state) {
    (void)state;
    top = mem_strdup("/tmp/renderchain-test-XXXXXX");
    return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state) {
    (void)state;
    char *command = mem_printf("rm -rf '%s'", top);
    int status = system(command);
    free(command);
    free(top);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files),
        cmocka_unit_test(long_names),
        cmocka_unit_test(links),
        cmocka_unit_test(no_files),
        cmocka_unit_test(what_cannot_be_written),
    };
    return cmocka_run_group_tests_name("driver files", tests, make_top, remove_top);
}

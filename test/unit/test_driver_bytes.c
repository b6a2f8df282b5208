/* Bytes that are not in memory while nobody holds them: read again from the file they came from,
 * whatever becomes of its name, and never other ones than at first; or from a temporary file. */
#include "driver_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

enum { LENGTH = 50000, FEW = 1000 };

static char top[] = "/tmp/renderchain-bytes-XXXXXX";
static char *path, *other;

/* Bytes that are recognised by a letter. */
static char *letters(char letter, size_t length) {
    char *data = mem_alloc(length + 1);
    memset(data, letter, length);
    data[length - 1] = '.';
    return data;
}

/* Put a file in a place. */
static void write_letters(const char *to, char letter, size_t length) {
    char *data = letters(letter, length), *error = NULL;
    assert_true(write_whole(to, data, length, &error));
    free(data);
}

/* Hold bytes and look at them; they are let go again. */
static void expect_letters(Bytes *bytes, char letter, size_t length) {
    char *data = letters(letter, length), *error = NULL;
    if (!bytes_hold(bytes, &error))
        fail_msg("%s", error);
    assert_int_equal(bytes_length(bytes), length);
    assert_memory_equal(bytes_data(bytes), data, length);
    bytes_let_go(bytes);
    free(data);
}

/* Bytes cannot be had any more, for a reason. */
static void expect_error(Bytes *bytes, const char *words) {
    char *error = NULL;
    size_t before = bytes_in_memory();
    assert_false(bytes_hold(bytes, &error));
    if (!strstr(error, words))
        fail_msg("%s", error);
    free(error);
    assert_int_equal(bytes_in_memory(), before);
}

/* Read the file, and let it go. */
static Bytes *read_path(void) {
    char *error = NULL;
    Bytes *bytes = bytes_read_file(path, true, LENGTH, &error);
    if (!bytes)
        fail_msg("%s", error);
    bytes_let_go(bytes);
    return bytes;
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(top))
        return 1;
    path = mem_printf("%s/image", top);
    other = mem_printf("%s/other", top);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    free(path);
    free(other);
    return rmdir(top);
}

static void from_a_file(void **state) {
    (void)state;
    write_letters(path, 'a', LENGTH);
    Bytes *bytes = read_path();
    assert_int_equal(bytes_in_memory(), 0);
    expect_letters(bytes, 'a', LENGTH);
    assert_int_equal(bytes_in_memory(), 0);

    /* Two who hold them have them once, to the last one. */
    char *error = NULL;
    assert_true(bytes_hold(bytes, &error) && bytes_hold(bytes, &error));
    assert_int_equal(bytes_in_memory(), LENGTH);
    bytes_let_go(bytes);
    assert_int_equal(bytes_data(bytes)[0], 'a');
    bytes_let_go(bytes);
    assert_int_equal(bytes_in_memory(), 0);
    bytes_let_go(bytes); /* one too many does no harm */
    expect_letters(bytes, 'a', LENGTH);

    /* Another file of that name, and none, is not what was read. */
    write_letters(path, 'b', LENGTH);
    expect_letters(bytes, 'a', LENGTH);
    unlink(path);
    expect_letters(bytes, 'a', LENGTH);
    bytes_free(bytes);
    bytes_free(NULL);
}

/* Write into a file that is there, keeping its size. */
static void write_into(const char *to, off_t at, const char *text) {
    int fd = open(to, O_WRONLY);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

static void changed_files(void **state) {
    (void)state;
    write_letters(path, 'a', LENGTH);
    Bytes *bytes = read_path();
    write_into(path, 7, "b");
    expect_error(bytes, "has been changed since it was read");
    /* What was put back is what it was. */
    write_into(path, 7, "a");
    expect_letters(bytes, 'a', LENGTH);
    assert_int_equal(truncate(path, LENGTH - 1), 0);
    expect_error(bytes, "it is shorter than it was");
    bytes_free(bytes);

    write_letters(path, 'a', LENGTH);
    bytes = read_path();
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "more", 4), 4);
    close(fd);
    expect_error(bytes, "has been changed since it was read");
    /* Another time or name is no change. */
    assert_int_equal(truncate(path, LENGTH), 0);
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(rename(path, other), 0);
    expect_letters(bytes, 'a', LENGTH);
    bytes_free(bytes);
}

/* Bytes that were stored are read from there, if they are there. */
static void stored(void **state) {
    (void)state;
    Bytes *bytes = bytes_new(letters('a', LENGTH), LENGTH);
    bytes_also_in(bytes, "/nowhere/at/all");
    bytes_let_go(bytes);
    assert_int_equal(bytes_in_memory(), LENGTH);
    write_letters(path, 'a', LENGTH);
    bytes_also_in(bytes, path);
    expect_letters(bytes, 'a', LENGTH);
    assert_int_equal(bytes_in_memory(), 0);
    expect_letters(bytes, 'a', LENGTH);
    bytes_free(bytes);

    bytes = bytes_new(letters('b', LENGTH), LENGTH);
    bytes_also_in(bytes, path);
    bytes_let_go(bytes);
    expect_error(bytes, "has been changed");
    bytes_free(bytes);
}

/* Expect to have read letters of a body from an offset on. */
static void expect_sent(Body *body, size_t offset, char letter, size_t length) {
    char *sent = mem_alloc(length);
    assert_int_equal(body_read(body, offset, sent, length), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(sent[i], letter);
    free(sent);
}

/* Large ones of a file that stay are never in memory, and no others than at first. */
static void settled(void **state) {
    (void)state;
    enum { BIG = 1500000 };
    char *error = NULL;
    write_letters(path, 'a', BIG);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    Bytes *bytes = bytes_of_file(fd, BIG, path);
    assert_int_equal(strlen(bytes_sha256(bytes)), 64);
    bytes_settle(bytes);
    bytes_let_go(bytes);
    Body *body = body_new(SIZE_MAX);
    assert_true(body_append_bytes(body, bytes));
    expect_sent(body, 0, 'a', 1000);
    body_let_go(body);
    write_into(path, 7, "b");
    expect_error(bytes, "has been changed");
    char sent[1];
    assert_true(body_read(body, 0, sent, sizeof sent) == BODY_UNREADABLE);
    write_into(path, 7, "a");

    /* Written into while they are sent: the last of them are not. */
    char *room = mem_alloc(BIG);
    expect_sent(body, 0, 'a', 1000);
    write_into(path, BIG / 2, "b");
    assert_true(body_read(body, 1000, room, BIG - 1001) != BODY_UNREADABLE);
    assert_true(body_read(body, BIG - 1, room, 1) == BODY_UNREADABLE);
    assert_non_null(strstr(body_error(body), "has been changed"));
    body_let_go(body);
    write_into(path, BIG / 2, "a");
    assert_int_equal(body_read(body, 0, room, BIG), BIG);
    assert_true(bytes_hold(bytes, &error));
    assert_null(bytes_data(bytes));
    assert_int_equal(bytes_in_memory(), 0);
    bytes_let_go(bytes);
    expect_sent(body, 0, 'a', 1000);
    assert_int_equal(truncate(path, BIG / 2), 0);
    assert_true(body_read(body, 1000, room, BIG) == BODY_UNREADABLE);
    assert_non_null(strstr(body_error(body), "has been changed"));
    body_let_go(body);
    free(room);
    body_free(body);
    bytes_free(bytes);
}

static void temporary(void **state) {
    (void)state;
    Bytes *few = bytes_new(letters('f', FEW), FEW);
    Bytes *all[8];
    bytes_let_go(few); /* is not worth a file */
    assert_int_equal(bytes_in_memory(), FEW);
    bytes_allow(16, top);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(all); i++) {
            all[i] = bytes_new(letters((char)('a' + i), LENGTH + i), LENGTH + i);
            bytes_let_go(all[i]);
        }
        assert_int_equal(bytes_in_memory(), FEW);
        /* Room that is given back leaves the others alone. */
        bytes_free(all[3]);
        bytes_free(all[0]);
        all[3] = all[0] = NULL;
        for (size_t i = 0; i < COUNT(all); i++)
            if (all[i])
                expect_letters(all[i], (char)('a' + i), LENGTH + i);
        for (size_t i = 0; i < COUNT(all); i++)
            bytes_free(all[i]);
    }
    bytes_free(few);
    assert_int_equal(bytes_in_memory(), 0);

    /* Where there is no room, or no directory, they stay in memory. */
    const struct rlimit small = {LENGTH / 2, RLIM_INFINITY};
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    Bytes *large = bytes_new(letters('a', LENGTH), LENGTH);
    bytes_let_go(large);
    assert_int_equal(bytes_in_memory(), LENGTH);
    expect_letters(large, 'a', LENGTH);
    setrlimit(RLIMIT_FSIZE, &before);
    expect_letters(large, 'a', LENGTH); /* and are put away when there is room */
    assert_int_equal(bytes_in_memory(), 0);
    bytes_free(large);
    bytes_allow(16, "/nowhere/at/all");
    large = bytes_new(letters('a', LENGTH), LENGTH);
    bytes_let_go(large);
    expect_letters(large, 'a', LENGTH);
    bytes_free(large);
    bytes_allow(16, NULL);
}

/* Files that stay open are counted: what is one too many stays in memory. */
static void few_files(void **state) {
    (void)state;
    Bytes *all[3];
    write_letters(path, 'a', LENGTH);
    bytes_allow(2, NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(all); i++)
            all[i] = read_path();
        assert_int_equal(bytes_in_memory(), LENGTH);
        for (size_t i = 0; i < COUNT(all); i++)
            expect_letters(all[i], 'a', LENGTH);
        for (size_t i = 0; i < COUNT(all); i++)
            bytes_free(all[i]);
    }
    bytes_allow(16, NULL);
}

/* What is hashed as it comes is not read again for that, in memory or in a file. */
static void hashed(void **state) {
    (void)state;
    enum { PIECES = 60, PIECE_LENGTH = 33333 };
    bytes_allow(16, "/tmp");
    for (size_t pieces = 0; pieces <= PIECES; pieces += PIECES / 2) {
        Bytes *bytes = bytes_begin(PIECES * PIECE_LENGTH), *other = bytes_begin(SIZE_MAX);
        char *piece = letters('a', PIECE_LENGTH), name[64];
        bytes_hash(bytes);
        for (size_t i = 0; i < pieces; i++) {
            assert_true(bytes_append(bytes, piece, PIECE_LENGTH));
            assert_true(bytes_append(other, piece, PIECE_LENGTH));
        }
        /* Nor does it matter what was refused. */
        if (pieces == PIECES)
            assert_false(bytes_append(bytes, piece, 1));
        int fd = bytes_reopen(bytes);
        assert_int_equal(fd >= 0, pieces == PIECES);
        if (fd >= 0) {
            snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
            assert_int_equal(truncate(name, 0), 0);
            close(fd);
        }
        assert_int_equal(strlen(bytes_sha256(bytes)), 64);
        assert_string_equal(bytes_sha256(bytes), bytes_sha256(other));
        bytes_free(bytes);
        bytes_free(other);
        free(piece);
    }
    bytes_allow(16, NULL);
}

/* A body holds what is being read of it, and nothing else. */
static void bodies(void **state) {
    (void)state;
    enum { SENT = 4 + LENGTH + 4 + (LENGTH + 2) / 3 * 4 };
    write_letters(path, 'a', LENGTH);
    Bytes *good = read_path(), *bad = read_path();
    Body *body = body_new(1 << 20);
    char *sent = mem_alloc(SENT);
    assert_true(body_append(body, "text", 4) && body_append_bytes(body, good) &&
                body_append(body, "more", 4) && body_append_base64(body, bad));
    assert_int_equal(body_length(body), SENT);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(body_read(body, 0, sent, 4), 4);
        assert_int_equal(bytes_in_memory(), 0);
        assert_int_equal(body_read(body, 4, sent, 1), 1);
        assert_int_equal(bytes_in_memory(), LENGTH);
        assert_int_equal(body_read(body, 5, sent, LENGTH), LENGTH);
        assert_int_equal(bytes_in_memory(), 0);
        assert_int_equal(body_read(body, 4 + LENGTH, sent, 5), 5);
        assert_int_equal(bytes_in_memory(), LENGTH);
        body_let_go(body);
        assert_int_equal(bytes_in_memory(), 0);
        assert_int_equal(body_read(body, 0, sent, SENT), SENT);
        assert_int_equal(bytes_in_memory(), 0);
    }
    assert_int_equal(body_read(body, 5, sent, 1), 1);
    body_free(body);
    assert_int_equal(bytes_in_memory(), 0);

    body = body_new(1 << 20);
    bytes_free(bad);
    write_letters(other, 'b', LENGTH);
    bad = bytes_new(letters('a', LENGTH), LENGTH);
    bytes_also_in(bad, other);
    bytes_let_go(bad);
    assert_true(body_append_base64(body, good) && body_append_base64(body, bad));
    assert_true(body_read(body, 0, sent, SENT) == BODY_UNREADABLE);
    assert_non_null(strstr(body_error(body), other));
    assert_int_equal(bytes_in_memory(), 0);
    body_free(body);
    bytes_free(good);
    bytes_free(bad);
    free(sent);
}

/* Large ones that are sent share so much memory, and what finds no place there is copied from a
 * temporary file; small ones are not touched, nor is what somebody looks at. */
static void bounded(void **state) {
    (void)state;
    enum { BIG = 1500000, MOST = 4000000, BODIES = 5 };
    char *error = NULL;
    Body *all[BODIES];
    Bytes *images[BODIES];
    bytes_allow(16, "/tmp");
    bytes_bound(MOST);
    write_letters(path, 'a', BIG);
    for (size_t i = 0; i < BODIES; i++) {
        images[i] = bytes_read_file(path, true, BIG, &error);
        assert_non_null(images[i]);
        bytes_let_go(images[i]);
        all[i] = body_new(SIZE_MAX);
        assert_true(body_append_bytes(all[i], images[i]));
    }
    assert_int_equal(bytes_in_memory(), 0);
    for (size_t i = 0; i < BODIES; i++)
        expect_sent(all[i], 0, 'a', 1000);
    assert_int_equal(bytes_in_memory(), 2 * BIG);

    /* What is in the temporary file is not in the other one any more. */
    write_into(path, 1000, "changed");
    for (size_t i = 2; i < BODIES; i++)
        expect_sent(all[i], 1000, 'a', 1000);
    /* Who looks at one has it in memory, for as long as that is so. */
    assert_true(bytes_hold(images[2], &error));
    assert_int_equal(bytes_data(images[2])[0], 'a');
    assert_int_equal(bytes_in_memory(), 3 * BIG);
    bytes_let_go(images[2]);
    assert_int_equal(bytes_in_memory(), 2 * BIG);

    /* Small ones find a place. */
    Bytes *small = bytes_new(letters('s', LENGTH), LENGTH);
    Body *body = body_new(SIZE_MAX);
    bytes_bound(0);
    assert_true(body_append_bytes(body, small));
    bytes_let_go(small);
    expect_sent(body, 0, 's', 1000);
    assert_int_equal(bytes_in_memory(), 2 * BIG + LENGTH);
    body_free(body);
    bytes_free(small);

    for (size_t i = 0; i < BODIES; i++) {
        expect_sent(all[i], 2000, 'a', BIG - 2001);
        body_free(all[i]);
    }
    assert_int_equal(bytes_in_memory(), 0);
    for (size_t i = 0; i < BODIES; i++)
        bytes_free(images[i]);

    /* Where there is no temporary file they stay in memory. */
    bytes_allow(16, NULL);
    write_letters(path, 'b', BIG);
    Bytes *image = bytes_read_file(path, true, BIG, &error);
    body = body_new(SIZE_MAX);
    assert_true(body_append_bytes(body, image));
    bytes_let_go(image);
    expect_sent(body, 0, 'b', 1000);
    assert_int_equal(bytes_in_memory(), BIG);
    expect_sent(body, 1000, 'b', BIG - 1001);
    body_free(body);
    bytes_free(image);
    assert_int_equal(bytes_in_memory(), 0);
    bytes_bound(256 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_a_file), cmocka_unit_test(changed_files), cmocka_unit_test(stored),
        cmocka_unit_test(temporary),   cmocka_unit_test(few_files),     cmocka_unit_test(hashed),
        cmocka_unit_test(bodies),      cmocka_unit_test(bounded),       cmocka_unit_test(settled),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

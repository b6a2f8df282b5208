#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "bytes_file.h"
#include "files.h"

enum {
    AWAY_LEAST = 16 << 10, /* fewer bytes than that are not worth a file */
    LARGE = 1 << 20,       /* more than that need not be in memory as a whole */
    PIECE = 256 << 10      /* of a file that is read to its end */
};

struct Bytes {
    char *data; /* NULL while nobody holds them and they are elsewhere */
    size_t length;
    size_t capacity, maximum;  /* of those that are appended to */
    unsigned holders, copying; /* how many have them, and how many of those only copy them */
    BytesFile *file;           /* NULL where they are only in memory */
    off_t at;
    bool large;       /* they are in the file and never in memory */
    bool watched;     /* others may write to that file */
    bool no_room;     /* no file takes them */
    char *name;       /* of the file, for messages; NULL for a temporary one */
    char sha256[65];  /* "" until it is asked for */
    EVP_MD_CTX *hash; /* of those that are hashed as they come; NULL for others */
};

/* Uploads are read in helper threads. */
static _Atomic size_t in_memory;
static size_t memory_most = 256 << 20; /* how many may be, before large ones leave */
static size_t idle, idle_most; /* bytes in memory that nobody holds, and how many may be there */

size_t bytes_in_memory(void) {
    return in_memory;
}

void bytes_keep(size_t most) {
    idle_most = most;
}

void bytes_bound(size_t most) {
    memory_most = most;
}

/* Take bytes. */
Bytes *bytes_new(char *data, size_t length) {
    Bytes *bytes = mem_alloc(sizeof *bytes);
    *bytes = (Bytes){.data = data, .length = length, .holders = 1};
    in_memory += length;
    return bytes;
}

/* Free what is in memory. */
static void forget_data(Bytes *bytes) {
    if (bytes->data)
        in_memory -= bytes->length;
    if (bytes->data && !bytes->holders)
        idle -= bytes->length;
    free(bytes->data);
    bytes->data = NULL;
}

/* Have bytes no longer be in a file. */
static void leave_file(Bytes *bytes) {
    if (bytes->file)
        bytes_file_leave(bytes->file, bytes->at, bytes->length);
    bytes->file = NULL;
}

/* Free them. */
void bytes_free(Bytes *bytes) {
    if (!bytes)
        return;
    forget_data(bytes);
    leave_file(bytes);
    EVP_MD_CTX_free(bytes->hash);
    free(bytes->name);
    free(bytes);
}

size_t bytes_length(const Bytes *bytes) {
    return bytes->length;
}

/* ---- looking at them ---- */

const char *bytes_data(const Bytes *bytes) {
    return bytes->data;
}

/* Are they in a file to which nobody else writes? */
static bool is_away(const Bytes *bytes) {
    return bytes->large || (bytes->file && bytes->file->temporary);
}

/* Copy some of them. */
bool bytes_copy(const Bytes *bytes, size_t from, char *to, size_t length) {
    if (!bytes->data)
        return is_away(bytes) && bytes_file_read(bytes->file, to, length, bytes->at + (off_t)from);
    memcpy(to, bytes->data + from, length);
    return true;
}

/* Copy all of them. */
char *bytes_all(const Bytes *bytes) {
    char *all = mem_grow(NULL, bytes->length + 1);
    if (bytes_copy(bytes, 0, all, bytes->length))
        return all;
    free(all);
    return NULL;
}

/* A part of them for a reader who goes from one to the next, at most as large as the room; NULL
 * where it cannot be read. */
static const char *part_of(const Bytes *bytes, size_t from, char *room, size_t *length) {
    *length = bytes->length - from;
    if (bytes->data)
        return bytes->data + from;
    if (*length > PIECE)
        *length = PIECE;
    return bytes_copy(bytes, from, room, *length) ? room : NULL;
}

/* Write bytes in hexadecimal. */
void hex_text(const unsigned char *bytes, size_t length, char *to) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    *to = '\0';
}

/* Begin to hash; NULL where that cannot be. */
static EVP_MD_CTX *begin_hash(void) {
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
        return hash;
    EVP_MD_CTX_free(hash);
    return NULL;
}

/* Hash all of them. */
static EVP_MD_CTX *hash_all(const Bytes *bytes) {
    char *room = bytes->data ? NULL : mem_alloc(PIECE);
    EVP_MD_CTX *hash = begin_hash();
    bool ok = hash;
    for (size_t from = 0, length; ok && from < bytes->length; from += length) {
        const char *part = part_of(bytes, from, room, &length);
        ok = part && EVP_DigestUpdate(hash, part, length);
    }
    free(room);
    if (ok)
        return hash;
    EVP_MD_CTX_free(hash);
    return NULL;
}

/* Hash them, once. */
const char *bytes_sha256(Bytes *bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (*bytes->sha256)
        return bytes->sha256;
    EVP_MD_CTX *hash = bytes->hash ? bytes->hash : hash_all(bytes);
    bytes->hash = NULL;
    if (hash && EVP_DigestFinal_ex(hash, digest, NULL))
        hex_text(digest, 32, bytes->sha256);
    EVP_MD_CTX_free(hash);
    return bytes->sha256;
}

/* Write them to a file. */
bool bytes_write(const Bytes *bytes, int fd) {
    char *room = bytes->data ? NULL : mem_alloc(PIECE);
    bool ok = true;
    for (size_t from = 0, length; ok && from < bytes->length; from += length) {
        const char *part = part_of(bytes, from, room, &length);
        ok = part && file_write_all(fd, part, length);
    }
    int kept = errno;
    free(room);
    errno = kept;
    return ok;
}

/* Open the file of large ones once more, to be read from its own beginning. */
int bytes_reopen(const Bytes *bytes) {
    char path[64];
    if (!bytes->large)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", bytes->file->fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- where they are from ---- */

/* Have a file that stays open as theirs, if one may. seen: what it was before they were read; NULL
 * where only their hash is known to be right. */
static void take_file(Bytes *bytes, const char *path, const struct stat *seen) {
    if (bytes->file || bytes->length < AWAY_LEAST)
        return;
    BytesFile *file = bytes_file_open(path);
    struct stat now;
    if (!file)
        return;
    if (seen &&
        (fstat(file->fd, &now) != 0 || now.st_dev != seen->st_dev || now.st_ino != seen->st_ino)) {
        bytes_file_leave(file, 0, 0);
        return;
    }
    bytes->file = file;
    bytes->at = 0;
    if (seen)
        bytes_file_see(file, seen);
    mem_set(&bytes->name, "%s", path);
    bytes_sha256(bytes);
}

/* They are in a file as well. */
void bytes_also_in(Bytes *bytes, const char *path) {
    take_file(bytes, path, NULL);
}

/* Read a file. */
Bytes *bytes_read_file(const char *path, bool regular, size_t maximum, char **error) {
    Buf buf;
    struct stat seen;
    size_t length;
    bool known = stat(path, &seen) == 0 && S_ISREG(seen.st_mode);
    buf_init(&buf, maximum);
    if (!(regular ? buf_read_regular_file : buf_read_file)(&buf, path, error)) {
        buf_free(&buf);
        return NULL;
    }
    char *data = buf_take(&buf, &length);
    Bytes *bytes = bytes_new(data, length);
    if (known)
        take_file(bytes, path, &seen);
    return bytes;
}

/* Take an open file. */
Bytes *bytes_of_file(int fd, size_t length, const char *name) {
    Bytes *bytes = bytes_new(NULL, 0);
    struct stat now;
    bytes->file = bytes_file_take(fd);
    if (fstat(fd, &now) == 0)
        bytes_file_see(bytes->file, &now);
    bytes->large = true;
    bytes->length = length;
    bytes->name = mem_strdup(name);
    return bytes;
}

/* ---- those that come piece by piece ---- */

/* Begin with none. */
Bytes *bytes_begin(size_t maximum) {
    Bytes *bytes = bytes_new(mem_alloc(1), 0);
    bytes->capacity = 1;
    bytes->maximum = maximum;
    return bytes;
}

/* Go on in a file of their own; false where none takes them. */
static bool move_to_file(Bytes *bytes) {
    BytesFile *file = bytes_file_own();
    bytes->no_room = !file || !bytes_file_write(file, bytes->data, bytes->length, 0);
    if (bytes->no_room && file)
        bytes_file_leave(file, 0, 0);
    if (bytes->no_room)
        return false;
    forget_data(bytes);
    bytes->file = file;
    bytes->large = true;
    return true;
}

/* Go on in memory, since the file takes no more. */
static bool move_to_memory(Bytes *bytes) {
    char *data = mem_grow(NULL, bytes->length + 1);
    if (!bytes_file_read(bytes->file, data, bytes->length, 0)) {
        free(data);
        return false;
    }
    leave_file(bytes);
    bytes->data = data;
    bytes->capacity = bytes->length + 1;
    bytes->large = false;
    bytes->no_room = true;
    in_memory += bytes->length;
    return true;
}

/* Have large ones in a file of their own only while as many may be open. */
void bytes_settle(Bytes *bytes) {
    if (!bytes->large)
        return;
    bytes->watched = !bytes->file->temporary;
    if (!bytes_file_may_stay() && !move_to_memory(bytes))
        return; /* who reads them is told */
}

/* Append in memory, where there is always one byte more. */
static void append_in_memory(Bytes *bytes, const char *data, size_t length) {
    size_t need = bytes->length + length + 1;
    if (need > bytes->capacity) {
        bytes->capacity = bytes->capacity * 2 > need ? bytes->capacity * 2 : need;
        bytes->data = mem_grow(bytes->data, bytes->capacity);
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    in_memory += length;
}

/* Hash what comes. */
void bytes_hash(Bytes *bytes) {
    bytes->hash = begin_hash();
}

/* Append. */
bool bytes_append(Bytes *bytes, const char *data, size_t length) {
    if (length > bytes->maximum - bytes->length)
        return false;
    if (bytes->hash && !EVP_DigestUpdate(bytes->hash, data, length)) {
        EVP_MD_CTX_free(bytes->hash);
        bytes->hash = NULL;
    }
    if (!bytes->large && !bytes->no_room && bytes->length + length > LARGE)
        move_to_file(bytes);
    if (bytes->large) {
        if (bytes_file_write(bytes->file, data, length, (off_t)bytes->length)) {
            bytes->length += length;
            return true;
        }
        if (!move_to_memory(bytes))
            return false;
    }
    append_in_memory(bytes, data, length);
    return true;
}

/* ---- holding them ---- */

/* Are they what they were? A file that is not as it was may have got another name or time; what it
 * holds decides. */
static bool is_as_first(Bytes *bytes, const char *name, char **error) {
    struct stat now = {0};
    char first[sizeof bytes->sha256];
    if (bytes->file->temporary ||
        (fstat(bytes->file->fd, &now) == 0 && bytes_file_is_as_seen(bytes->file, &now)))
        return true;
    memcpy(first, bytes->sha256, sizeof first);
    *bytes->sha256 = '\0';
    bool same = strcmp(bytes_sha256(bytes), first) == 0 && now.st_size == (off_t)bytes->length;
    memcpy(bytes->sha256, first, sizeof first);
    if (same)
        bytes_file_see(bytes->file, &now);
    else
        *error = mem_printf("\"%s\" has been changed since it was read for this render", name);
    return same;
}

/* Are large ones still what they were? */
bool bytes_are_as_first(Bytes *bytes, char **error) {
    return !bytes->large || !bytes->watched || is_as_first(bytes, bytes->name, error);
}

/* Read them again. */
static bool read_again(Bytes *bytes, char **error) {
    const char *name = bytes->name ? bytes->name : "the temporary file";
    if (bytes->large)
        return bytes_are_as_first(bytes, error);
    bytes->data = mem_grow(NULL, bytes->length + 1);
    in_memory += bytes->length;
    if (bytes_file_read(bytes->file, bytes->data, bytes->length, bytes->at))
        return is_as_first(bytes, name, error);
    *error = mem_printf("\"%s\" cannot be read again: %s", name,
                        errno ? strerror(errno) : "it is shorter than it was");
    return false;
}

/* Have them in memory, unless they never are. */
bool bytes_hold(Bytes *bytes, char **error) {
    if (bytes->data && !bytes->holders)
        idle -= bytes->length;
    bytes->holders++;
    if (bytes->data || read_again(bytes, error))
        return true;
    forget_data(bytes);
    bytes->holders--;
    return false;
}

/* Put them into the shared temporary file, in the place of another one that they are in. */
static bool put_away(Bytes *bytes) {
    BytesFile *file = bytes_file_shared();
    off_t at;
    if (!file || !bytes_file_put(file, bytes->data, bytes->length, &at))
        return false;
    leave_file(bytes);
    bytes->file = file;
    bytes->at = at;
    free(bytes->name);
    bytes->name = NULL;
    return true;
}

/* Have large ones leave memory which nobody needs there and for which there is no room. */
static void leave_memory(Bytes *bytes) {
    bool copied_only = bytes->copying && bytes->holders == bytes->copying;
    if (copied_only && bytes->data && bytes->length > LARGE && in_memory > memory_most &&
        (is_away(bytes) || put_away(bytes)))
        forget_data(bytes);
}

/* Have them to copy. */
bool bytes_hold_to_copy(Bytes *bytes, char **error) {
    bool fits = bytes->length <= LARGE || in_memory + bytes->length <= memory_most;
    if (!bytes->data && !bytes->large && is_away(bytes) && !fits)
        bytes->holders++;
    else if (!bytes_hold(bytes, error))
        return false;
    bytes->copying++;
    leave_memory(bytes);
    return true;
}

/* They have been copied. */
void bytes_let_go_copied(Bytes *bytes) {
    bytes->copying--;
    bytes_let_go(bytes);
}

/* Let them go; the last one has them put away, unless there is room for what nobody holds. */
void bytes_let_go(Bytes *bytes) {
    if (!bytes || !bytes->holders)
        return;
    bytes->holders--;
    leave_memory(bytes);
    if (bytes->holders || !bytes->data)
        return;
    idle += bytes->length;
    if (idle > idle_most && (bytes->file || (bytes->length >= AWAY_LEAST && put_away(bytes))))
        forget_data(bytes);
}

#include "body.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum PieceKind { PIECE_TEXT, PIECE_BYTES, PIECE_BASE64 } PieceKind;

typedef struct Piece {
    PieceKind kind;
    Buf text;     /* of a text; owned */
    Bytes *bytes; /* of the others; borrowed */
    size_t from;  /* what of them */
    bool held;    /* while some of them have been read and some not */
    size_t sent;  /* its length as sent; of all but the last piece */
    struct Piece *next;
} Piece;

struct Body {
    Piece *first, **last, *latest;
    size_t length, maximum;
    char *error;
};

/* Start empty. */
Body *body_new(size_t maximum) {
    Body *body = mem_alloc(sizeof *body);
    body->maximum = maximum;
    body->last = &body->first;
    return body;
}

/* Free it; borrowed bytes stay. */
void body_free(Body *body) {
    if (!body)
        return;
    body_let_go(body);
    while (body->first) {
        Piece *piece = body->first;
        body->first = piece->next;
        buf_free(&piece->text);
        free(piece);
    }
    free(body->error);
    free(body);
}

/* Add a piece; NULL where the maximum would be passed. */
static Piece *add_piece(Body *body, PieceKind kind, size_t sent) {
    if (sent > body->maximum - body->length)
        return NULL;
    Piece *piece = mem_alloc(sizeof *piece);
    piece->kind = kind;
    piece->sent = sent;
    buf_init(&piece->text, body->maximum);
    *body->last = piece;
    body->last = &piece->next;
    body->latest = piece;
    body->length += sent;
    return piece;
}

/* Append a text to the one before it, or as a piece of its own. */
bool body_append(Body *body, const char *text, size_t length) {
    if (length > body->maximum - body->length)
        return false;
    if (!body->latest || body->latest->kind != PIECE_TEXT)
        add_piece(body, PIECE_TEXT, 0);
    body->length += length;
    body->latest->sent += length;
    return buf_append(&body->latest->text, text, length);
}

/* Append borrowed bytes. */
static bool append_borrowed(Body *body, PieceKind kind, Bytes *bytes, size_t from, size_t sent) {
    Piece *piece = add_piece(body, kind, sent);
    if (!piece)
        return false;
    piece->bytes = bytes;
    piece->from = from;
    return true;
}

/* Append bytes as base64. */
bool body_append_base64(Body *body, Bytes *bytes) {
    return append_borrowed(body, PIECE_BASE64, bytes, 0, (bytes_length(bytes) + 2) / 3 * 4);
}

/* Append bytes as they are. */
bool body_append_bytes(Body *body, Bytes *bytes) {
    return body_append_range(body, bytes, 0, bytes_length(bytes));
}

/* Append some of them. */
bool body_append_range(Body *body, Bytes *bytes, size_t from, size_t length) {
    return append_borrowed(body, PIECE_BYTES, bytes, from, length);
}

/* Hold a piece's bytes. */
static bool hold(Body *body, Piece *piece) {
    if (piece->kind == PIECE_TEXT || piece->held)
        return true;
    free(body->error);
    body->error = NULL;
    piece->held = bytes_hold_to_copy(piece->bytes, &body->error);
    return piece->held;
}

/* Let them go. */
static void let_go(Piece *piece) {
    if (piece->held)
        bytes_let_go_copied(piece->bytes);
    piece->held = false;
}

/* Read no more for now. */
void body_let_go(Body *body) {
    for (Piece *piece = body->first; piece; piece = piece->next)
        let_go(piece);
}

/* Why it cannot be read. */
const char *body_error(const Body *body) {
    return body->error ? body->error : "what is to be sent cannot be read";
}

/* How long it is. */
size_t body_length(const Body *body) {
    return body->length;
}

/* Two digits of base64 for every twelve bits. */
static const char (*digit_pairs(void))[2] {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char pairs[4096][2];
    for (size_t bits = 0; !pairs[4095][1] && bits < 4096; bits++) {
        pairs[bits][0] = digits[bits >> 6];
        pairs[bits][1] = digits[bits & 63];
    }
    return (const char(*)[2])pairs;
}

/* Encode whole groups of three bytes, in twos while there are eight bytes to look at: in less than
 * half the time that libcrypto takes, which was a tenth of what a worker does. */
static void encode_groups(char *to, const char *bytes, size_t groups) {
    const char(*pairs)[2] = digit_pairs();
    for (; groups >= 3; groups -= 2, bytes += 6, to += 8) {
        uint64_t bits;
        memcpy(&bits, bytes, 8);
        bits = be64toh(bits);
        memcpy(to, pairs[bits >> 52], 2);
        memcpy(to + 2, pairs[bits >> 40 & 4095], 2);
        memcpy(to + 4, pairs[bits >> 28 & 4095], 2);
        memcpy(to + 6, pairs[bits >> 16 & 4095], 2);
    }
    for (; groups > 0; groups--, bytes += 3, to += 4) {
        const unsigned char *at = (const unsigned char *)bytes;
        memcpy(to, pairs[at[0] << 4 | at[1] >> 4], 2);
        memcpy(to + 2, pairs[(at[1] & 15) << 8 | at[2]], 2);
    }
}

/* Encode a group that may be short, with padding. */
static void encode_group(char group[4], const char *bytes, size_t count) {
    char three[3] = {0};
    memcpy(three, bytes, count);
    encode_groups(group, three, 1);
    memset(group + count + 1, '=', 3 - count);
}

/* Encode bytes, without as many characters of the first group as have been read of it: whole groups
 * of four straight away, and what is left of a group at either end by way of a copy. */
static size_t encode(const char *bytes, size_t left, size_t begun, char *to, size_t room) {
    size_t done = 0;
    while (done < room && left > 0) {
        char group[4];
        size_t groups = begun ? 0 : (room - done) / 4;
        if (groups > left / 3)
            groups = left / 3;
        if (groups) {
            encode_groups(to + done, bytes, groups);
            bytes += groups * 3;
            left -= groups * 3;
            done += groups * 4;
            continue;
        }
        size_t taken = left < 3 ? left : 3;
        encode_group(group, bytes, taken);
        size_t part = 4 - begun < room - done ? 4 - begun : room - done;
        memcpy(to + done, group + begun, part);
        done += part;
        begun = 0;
        bytes += taken;
        left -= taken;
    }
    return done;
}

/* Encode from an offset of the base64 on. Of bytes that are not in memory so many are copied as
 * fill the room. */
static size_t read_base64(const Piece *piece, size_t offset, char *to, size_t room) {
    size_t from = offset / 4 * 3, left = bytes_length(piece->bytes) - from, begun = offset % 4;
    const char *data = bytes_data(piece->bytes);
    if (data)
        return encode(data + from, left, begun, to, room);
    size_t most = (room / 4 + 2) * 3;
    if (left > most)
        left = most;
    char *copy = mem_grow(NULL, left);
    size_t done = BODY_UNREADABLE;
    if (bytes_copy(piece->bytes, from, copy, left))
        done = encode(copy, left, begun, to, room);
    free(copy);
    return done;
}

/* Copy from an offset within a piece on. */
static size_t read_piece(const Piece *piece, size_t offset, char *to, size_t room) {
    if (piece->kind == PIECE_BASE64)
        return read_base64(piece, offset, to, room);
    size_t length = piece->sent - offset < room ? piece->sent - offset : room;
    if (piece->kind == PIECE_TEXT)
        memcpy(to, piece->text.data + offset, length);
    else if (!bytes_copy(piece->bytes, piece->from + offset, to, length))
        return BODY_UNREADABLE;
    return length;
}

/* The last bytes of a piece were read, or some could not be: the file that they are in may have
 * been written into since the first of them. */
static bool is_whole(Body *body, Piece *piece) {
    return piece->kind == PIECE_TEXT || bytes_are_as_first(piece->bytes, &body->error);
}

/* Copy what is sent from an offset on. What would end with bytes that are not those of its
 * beginning is never sent to its end. */
size_t body_read(Body *body, size_t offset, char *to, size_t room) {
    size_t done = 0;
    for (Piece *piece = body->first; piece && done < room; piece = piece->next) {
        if (offset >= piece->sent) {
            offset -= piece->sent;
            continue;
        }
        if (!hold(body, piece))
            return BODY_UNREADABLE;
        size_t got = read_piece(piece, offset, to + done, room - done);
        bool at_end = got == BODY_UNREADABLE || offset + got == piece->sent;
        if ((at_end && !is_whole(body, piece)) || got == BODY_UNREADABLE)
            return BODY_UNREADABLE;
        if (at_end)
            let_go(piece);
        done += got;
        offset = 0;
    }
    return done;
}

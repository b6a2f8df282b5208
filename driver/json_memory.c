#include "json_memory.h"

#include <jansson.h>
#include <stdlib.h>

enum {
    STEP = 16,       /* between sizes */
    SIZES = 16,      /* larger pieces are malloc's */
    BLOCK = 4 << 10 /* bytes of pieces of one size */
};

/* What stands before a piece. */
typedef union Piece {
    size_t size;       /* while it is used: which of them; SIZES for malloc's */
    union Piece *next; /* while it is free */
} Piece;

static Piece *free_pieces[SIZES];

/* Make a block of pieces that are free. */
static void add_block(size_t size) {
    size_t length = (size + 1) * STEP;
    char *block = malloc(BLOCK);
    for (size_t at = 0; block && at + length <= BLOCK; at += length) {
        Piece *piece = (Piece *)(block + at);
        piece->next = free_pieces[size];
        free_pieces[size] = piece;
    }
}

/* Give a piece; NULL where there is no memory. */
static void *take(size_t length) {
    size_t size = (length + sizeof(Piece) - 1) / STEP;
    if (size >= SIZES) {
        Piece *piece = malloc(sizeof *piece + length);
        if (!piece)
            return NULL;
        piece->size = SIZES;
        return piece + 1;
    }
    if (!free_pieces[size])
        add_block(size);
    Piece *piece = free_pieces[size];
    if (!piece)
        return NULL;
    free_pieces[size] = piece->next;
    piece->size = size;
    return piece + 1;
}

/* Take one back. */
static void give_back(void *memory) {
    if (!memory)
        return;
    Piece *piece = (Piece *)memory - 1;
    size_t size = piece->size;
    if (size == SIZES) {
        free(piece);
        return;
    }
    piece->next = free_pieces[size];
    free_pieces[size] = piece;
}

/* Have jansson use it. */
void json_use_memory(void) {
    json_set_alloc_funcs(take, give_back);
}

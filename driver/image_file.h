/* What an image file is, told from its bytes without decoding it: enough to refuse
 * early, before anything is reserved or sent, what no model could read. */
#ifndef RC_IMAGE_FILE_H
#define RC_IMAGE_FILE_H

#include "buf.h"
#include "bytes.h"

enum {
    IMAGE_FILE_MAXIMUM = 20 << 20, /* bytes of one input image */
    IMAGE_MAX_SIDE = 16384,        /* pixels */
    IMAGE_MAX_PIXELS = 100000000
};

typedef struct ImageFile {
    char *path;   /* where it came from, for messages; owned */
    Bytes *bytes; /* owned; held by who has read them; NULL where there is no image */
    size_t length;
    const char *mime; /* static */
    unsigned width, height;
    char sha256[65]; /* of the bytes, in hexadecimal: what analyses of it are kept by */
} ImageFile;

/* Look at bytes. False with *error (what is wrong, without the name; caller frees)
 * where they are not a whole PNG, JPEG or WebP image within the limits. */
MUSTCHECK bool image_probe(const char *bytes, size_t length, const char **mime, unsigned *width,
                           unsigned *height, char **error);

/* The same for bytes that are held, which are not in memory where they are large. */
MUSTCHECK bool image_probe_bytes(const Bytes *bytes, const char **mime, unsigned *width,
                                 unsigned *height, char **error);

/* Read and check a file; regular refuses pipes and devices, for paths that somebody else has named.
 * False with *error set, naming the file; caller frees. */
MUSTCHECK bool image_file_read(ImageFile *image, const char *path, bool regular, char **error);

/* Check bytes that came from elsewhere, which are taken; name says for messages what they are. */
MUSTCHECK bool image_file_take(ImageFile *image, const char *name, Bytes *bytes, char **error);
void image_file_free(ImageFile *image);

/* Hash bytes into lower-case hex. */
void sha256_hex(const void *bytes, size_t length, char hex[65]);

#endif

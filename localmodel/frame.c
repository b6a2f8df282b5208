/* One frame of a video as a picture, for drivers whose models look at pictures only. A program of
 * its own reads the video: a file that the decoder does not survive takes nothing else with it. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "video_file.h"

enum { VIDEO_MOST = 512 << 20, PIECE = 1 << 20 };

/* AddressSanitizer has terabytes of addresses of its own. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MOST RLIM_INFINITY
#else
#define MEMORY_MOST ((rlim_t)2 << 30)
#endif

/* Bound what a hostile file may cost: seconds of work and bytes of memory. */
static void bound(void) {
    const struct rlimit seconds = {30, 30}, bytes = {MEMORY_MOST, MEMORY_MOST}, core = {0, 0};
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_AS, &bytes);
    setrlimit(RLIMIT_CORE, &core);
}

/* Look at standard input where it is a file, of which only what is decoded is read then; NULL where
 * it is none. */
static unsigned char *map_input(size_t *length) {
    struct stat st;
    if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > VIDEO_MOST || lseek(STDIN_FILENO, 0, SEEK_CUR) != 0)
        return NULL;
    *length = (size_t)st.st_size;
    void *bytes = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

/* Read all of standard input; NULL where it is too much or nothing. */
static unsigned char *read_input(size_t *length) {
    unsigned char *bytes = NULL;
    size_t room = 0;
    ssize_t got = 1;
    *length = 0;
    while (got > 0 && *length <= VIDEO_MOST) {
        if (*length == room) {
            unsigned char *larger = realloc(bytes, room += room ? room : PIECE);
            if (!larger)
                break;
            bytes = larger;
        }
        got = read(STDIN_FILENO, bytes + *length, room - *length);
        *length += got > 0 ? (size_t)got : 0;
    }
    if (got == 0 && *length)
        return bytes;
    free(bytes);
    return NULL;
}

/* Print the middle one. */
bool frame_print(const char **why) {
    unsigned char *png = NULL;
    size_t length, png_length = 0;
    Image frame = {0};
    bound();
    unsigned char *mapped = map_input(&length);
    unsigned char *video = mapped ? mapped : read_input(&length);
    *why = "standard input has no video of up to 512 MB";
    bool ok = video != NULL;
    if (ok) {
        *why = "the video cannot be decoded";
        ok = video_frame(video, length, 0.5, &frame) &&
             image_encode_png(&frame, NULL, &png, &png_length);
        image_free(&frame);
    }
    if (ok) {
        *why = "standard output cannot be written";
        ok = fwrite(png, 1, png_length, stdout) == png_length && fflush(stdout) == 0;
    }
    free(png);
    if (mapped)
        munmap(mapped, length);
    else
        free(video);
    return ok;
}

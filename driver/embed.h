/* Putting data files into the program. */
#ifndef RC_EMBED_H
#define RC_EMBED_H

/* Put a file's bytes into the program, with a NUL after them (GNU as, .incbin). */
#define EMBED(symbol, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".local " #symbol "\n" #symbol ":\n"                                                   \
            ".incbin \"" file "\"\n"                                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char symbol[] __attribute__((visibility("hidden")))

#endif

/* JSON as text, as json_dumps writes it with JSON_TEXT (app.h). For every object and array that
 * looks first whether it holds itself, by a hash table of printed addresses, and it hands on its
 * text character by character: with that a worker was busy for a tenth of its time. What we write
 * is built by us or parsed, and holds itself nowhere. */
#ifndef RC_JSON_TEXT_H
#define RC_JSON_TEXT_H

#include <jansson.h>

/* Write a value of any kind; the caller frees the text. NULL where there is no value. */
char *json_text(const json_t *value);

#endif

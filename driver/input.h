/* One image that a request names: a local file ("path"), a stored object ("key"), or a "url"
 * that begins with http:, https: or data:. It is fetched without waiting, and checked. */
#ifndef RC_INPUT_H
#define RC_INPUT_H

#include "app.h"
#include "image_file.h"

typedef struct Input Input;

/* error: NULL where the image is there, else what is wrong with it. */
typedef void InputDone(void *context, const char *error);

/* Load what a member of a request names into an image that is empty. label says for messages
 * what it is, such as "reference 2". done is called exactly once, from the loop, unless the
 * input is dropped before. */
Input *input_load(App *app, const json_t *named, const char *label, ImageFile *into,
                  InputDone *done, void *context);
void input_drop(Input *input);

/* What a word of the command line names, as a member of a request: "key:KEY", a URL, or else a
 * file. The caller's. */
json_t *input_named(const char *word);

/* Read what needs no network, a file or a data: URI; true without bytes for what does. A file that
 * is read again later, or by others, has to be a regular one: a pipe gives its bytes once, and
 * keeps who opens it waiting. False with *error set (caller frees). */
MUSTCHECK bool input_read(ImageFile *into, const json_t *named, bool regular, char **error);

#endif

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

#endif

/* A recipe as a request: render --from-recipe FILE|RENDER. */
#ifndef RC_RECIPE_REQUEST_H
#define RC_RECIPE_REQUEST_H

#include "app.h"
#include "image_file.h"
#include "request.h"

/* Read the recipe that the options name: of a render from the database, which is connected
 * meanwhile, else from a file. NULL where there is none that can be used: that has been printed
 * and *code says how to exit. */
json_t *recipe_read(App *app, const RequestOptions *options, ExitCode *code);

/* Build the request that draws it once more, with what the options say of place, owner, model and
 * of where its images are now. NULL as above. */
json_t *recipe_request(const Settings *settings, const json_t *recipe,
                       const RequestOptions *options, const char *provider, ExitCode *code);

/* Say where what models are told now is not what they were told then. */
void recipe_warn(const json_t *request);

/* Is an image that was read what the request says that it is? True where it says nothing, or the
 * image is not read yet. False with *error set (caller frees). */
MUSTCHECK bool recipe_image_fits(const char *label, const ImageFile *image, const json_t *named,
                                 char **error);

#endif

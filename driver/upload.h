/* Local images of a request as stored objects, for renders that another machine may run: they
 * are registered, uploaded, and named in the request by key and hash instead of by path. */
#ifndef RC_UPLOAD_H
#define RC_UPLOAD_H

#include "app.h"

typedef struct Upload Upload;

typedef struct UploadResult {
    const char *error;    /* NULL where the request can be submitted */
    const char *sqlstate; /* where the database refused; NULL otherwise */
    bool bad_input;       /* an image cannot be used */
} UploadResult;

typedef void UploadDone(void *context, const UploadResult *result);

/* Upload what a request names by path or in a data: URI, and name it anew there. done is called
 * from the loop exactly once, unless the upload is dropped before; the request is then as it was,
 * or complete. An object that no request takes over is removed again by gc. */
Upload *upload_start(App *app, Db *db, json_t *request, UploadDone *done, void *context);
void upload_drop(Upload *upload);

#endif

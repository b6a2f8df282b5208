/* Local images of a request as stored objects, for renders that another machine may run: they
 * are registered, uploaded, and named in the request by key and hash instead of by path. */
#ifndef RC_UPLOAD_H
#define RC_UPLOAD_H

#include "app.h"

/* A file that came with a request: the bytes of the image for which an empty object stands there.
 */
typedef struct UploadFile {
    json_t *image; /* that object; owned */
    char *bytes;   /* owned */
    size_t length;
} UploadFile;

enum { UPLOAD_MOST = 8 }; /* images of a request; it has three references and four others */

/* Free a file. */
void upload_file_free(UploadFile *file);

typedef struct UploadResult {
    const char *error;    /* NULL where the request can be submitted */
    const char *sqlstate; /* where the database refused; NULL otherwise */
    bool bad_input;       /* an image cannot be used */
} UploadResult;

typedef void UploadDone(void *context, const UploadResult *result);

/* Upload what a request names by path or in a data: URI, and the files (at most UPLOAD_MOST, which
 * are taken) that came with it, and name it anew there. It is read and hashed by a helper thread,
 * so that nobody else touches the request until then. done is called from the loop exactly once; the
 * request is then as it was, or complete. An object that no request takes over is removed again by
 * gc. */
void upload_start(App *app, Db *db, json_t *request, const UploadFile *files, size_t count,
                  UploadDone *done, void *context);

#endif

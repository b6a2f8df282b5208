#include "upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "image_file.h"
#include "input.h"
#include "json_text.h"

typedef struct Upload Upload;

/* One image. */
typedef struct Piece {
    Upload *upload;
    json_t *list;     /* the array or object of the request that names it; borrowed from it */
    const char *name; /* its member there; NULL: it is the array's element */
    size_t place;
    ImageFile image;
    char *key;
    StorageJob *job;
} Piece;

struct Upload {
    App *app;
    Db *db;
    json_t *request;
    char id[37];
    UploadFile files[UPLOAD_MOST];
    size_t file_count;
    Piece pieces[UPLOAD_MOST];
    size_t count, left;
    UploadDone *done;
    void *context;
    char *error;
    char sqlstate[6];
    bool bad_input;
};

/* Free a file. */
void upload_file_free(UploadFile *file) {
    json_decref(file->image);
    free(file->bytes);
    *file = (UploadFile){0};
}

/* Drop what is being stored. */
static void drop_jobs(Upload *upload) {
    for (size_t i = 0; i < upload->count; i++) {
        storage_drop(upload->pieces[i].job);
        upload->pieces[i].job = NULL;
    }
}

/* Free an upload that is over. */
static void free_upload(Upload *upload) {
    drop_jobs(upload);
    for (size_t i = 0; i < upload->count; i++) {
        image_file_free(&upload->pieces[i].image);
        free(upload->pieces[i].key);
    }
    for (size_t i = 0; i < upload->file_count; i++)
        upload_file_free(&upload->files[i]);
    json_decref(upload->request);
    free(upload->error);
    free(upload);
}

/* Report. */
static void report(Upload *upload) {
    UploadResult result = {.error = upload->error,
                           .sqlstate = *upload->sqlstate ? upload->sqlstate : NULL,
                           .bad_input = upload->bad_input};
    upload->done(upload->context, &result);
    free_upload(upload);
}

/* A new id (RFC 9562, 5.4), so that no key is ever written twice. */
static bool make_id(char id[37]) {
    unsigned char noise[16];
    if (getrandom(noise, sizeof noise, 0) != sizeof noise)
        return false;
    noise[6] = (unsigned char)((noise[6] & 0x0F) | 0x40);
    noise[8] = (unsigned char)((noise[8] & 0x3F) | 0x80);
    for (int i = 0, at = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            id[at++] = '-';
        snprintf(id + at, 3, "%02x", noise[i]);
        at += 2;
    }
    return true;
}

/* What the request names as a piece. */
static json_t *named(const Piece *piece) {
    return piece->name ? json_object_get(piece->list, piece->name)
                       : json_array_get(piece->list, piece->place);
}

/* Read what a piece names: a file that came along, or what the request says where to find. */
static bool read_piece(Piece *piece, const json_t *what, char **error) {
    Upload *upload = piece->upload;
    for (size_t i = 0; i < upload->file_count; i++) {
        UploadFile *file = &upload->files[i];
        if (file->image != what)
            continue;
        char *bytes = file->bytes;
        file->bytes = NULL;
        return image_file_take(&piece->image, "the file", bytes_new(bytes, file->length), error);
    }
    return input_read(&piece->image, what, true, error);
}

/* Refuse an image, saying which. */
static bool refuse(Upload *upload, const Piece *piece, const char *why) {
    if (piece->name)
        mem_set(&upload->error, "%s: %s", piece->name, why);
    else
        mem_set(&upload->error, "reference %zu: %s", piece->place + 1, why);
    upload->bad_input = true;
    return false;
}

/* Read one image of the request, if it names one that is at hand. */
static bool add_piece(Upload *upload, json_t *list, const char *name, size_t place) {
    Piece found = {.upload = upload, .list = list, .name = name, .place = place};
    const json_t *what = named(&found);
    char *error = NULL;
    if (!what || json_is_null(what))
        return true;
    if (upload->count == UPLOAD_MOST)
        return refuse(upload, &found, "there are too many images");
    Piece *piece = &upload->pieces[upload->count];
    *piece = found;
    if (!read_piece(piece, what, &error)) {
        refuse(upload, piece, error);
        free(error);
        return false;
    }
    if (!piece->image.bytes)
        return true;
    const char *type = strchr(piece->image.mime, '/') + 1;
    piece->key = mem_printf("%.2s/%s-input-%zu.%s", upload->id, upload->id, ++upload->count,
                            strcmp(type, "jpeg") == 0 ? "jpg" : type);
    return true;
}

/* Read all images that are at hand; in a helper thread. */
static void add_pieces(void *context) {
    Upload *upload = context;
    static const char *const members[] = {"style", "mask", "firstFrame", "lastFrame"};
    json_t *references = json_object_get(upload->request, "references");
    bool ok = !upload->error;
    for (size_t i = 0; ok && i < json_array_size(references); i++)
        ok = add_piece(upload, references, NULL, i);
    for (size_t i = 0; ok && i < sizeof members / sizeof members[0]; i++)
        ok = add_piece(upload, upload->request, members[i], 0);
}

/* Name a stored piece in the request. */
static void rename_piece(const Piece *piece) {
    json_t *stored =
        json_pack("{s:s, s:s, s:s, s:I}", "key", piece->key, "mime", piece->image.mime, "sha256",
                  piece->image.sha256, "bytes", (json_int_t)piece->image.length);
    if (piece->name)
        json_object_set_new(piece->list, piece->name, stored);
    else
        json_array_set_new(piece->list, piece->place, stored);
}

/* A piece is stored, or not. */
static void piece_stored(void *context, StorageReply *reply) {
    Piece *piece = context;
    Upload *upload = piece->upload;
    piece->job = NULL;
    if (!reply->ok) {
        mem_set(&upload->error, "%s", reply->error);
        drop_jobs(upload);
        report(upload);
        return;
    }
    if (--upload->left > 0)
        return;
    for (size_t i = 0; i < upload->count; i++)
        rename_piece(&upload->pieces[i]);
    report(upload);
}

/* Store all pieces at once. */
static void store_pieces(Upload *upload) {
    upload->left = upload->count;
    for (size_t i = 0; i < upload->count; i++) {
        Piece *piece = &upload->pieces[i];
        StorageObject object = {.key = piece->key,
                                .mime = piece->image.mime,
                                .bytes = piece->image.bytes,
                                .sha256 = piece->image.sha256};
        piece->job = storage_put(&upload->app->storage, &object, piece_stored, piece);
    }
}

/* They are registered: now, and only now, may they be written. */
static void registered(void *context, const DbReply *reply) {
    Upload *upload = context;
    if (!reply->ok) {
        mem_set(&upload->error, "%s%s%s", reply->message, *reply->detail ? ": " : "",
                reply->detail);
        snprintf(upload->sqlstate, sizeof upload->sqlstate, "%s", reply->sqlstate);
        report(upload);
    } else {
        store_pieces(upload);
    }
}

/* Register all pieces. */
static void register_pieces(Upload *upload) {
    json_t *objects = json_array();
    for (size_t i = 0; i < upload->count; i++) {
        const Piece *piece = &upload->pieces[i];
        json_array_append_new(
            objects, json_pack("{s:s, s:s, s:s, s:I, s:s}", "key", piece->key, "backend",
                               upload->app->storage.backend, "mime", piece->image.mime, "bytes",
                               (json_int_t)piece->image.length, "sha256", piece->image.sha256));
    }
    char *text = json_text(objects);
    const char *parameters[] = {upload->id, text};
    db_call(upload->db, "select renderchain.register_inputs($1::uuid, $2::jsonb)", 2, parameters,
            registered, upload);
    json_decref(objects);
    free(text);
}

/* They are read. */
static void pieces_read(void *context) {
    Upload *upload = context;
    if (!upload->error && upload->count > 0)
        register_pieces(upload);
    else
        report(upload);
}

/* Begin. */
void upload_start(App *app, Db *db, json_t *request, const UploadFile *files, size_t count,
                  UploadDone *done, void *context) {
    Upload *upload = mem_alloc(sizeof *upload);
    *upload = (Upload){.app = app,
                       .db = db,
                       .request = json_incref(request),
                       .file_count = count,
                       .done = done,
                       .context = context};
    for (size_t i = 0; i < count; i++)
        upload->files[i] = files[i];
    if (!make_id(upload->id))
        upload->error = mem_strdup("could not make an id");
    background_start(app_background(app), add_pieces, pieces_read, upload);
}

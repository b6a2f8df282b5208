/* Taking renders: in JSON, or as a form with files, which are stored before the render is
 * submitted and named in it by their keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data_uri.h"
#include "fetch.h"
#include "form_data.h"
#include "image_file.h"
#include "json_text.h"
#include "serve.h"
#include "upload.h"

enum { FIELD_LONGEST = 1 << 20, REFERENCES_MOST = 3 };

/* The fields of a form. A file is an image of the request; "request" is all of it in JSON, which
 * other texts come on top of. */
static const struct {
    const char *name;
    enum { FIELD_TEXT, FIELD_FLAG, FIELD_NUMBER, FIELD_REQUEST, FIELD_IMAGE, FIELD_REFERENCE } kind;
} fields[] = {
    {"request", FIELD_REQUEST},       {"prompt", FIELD_TEXT},
    {"chainId", FIELD_TEXT},          {"chainName", FIELD_TEXT},
    {"parentRenderId", FIELD_TEXT},   {"quality", FIELD_TEXT},
    {"aspectRatio", FIELD_TEXT},      {"forceModel", FIELD_TEXT},
    {"idempotencyKey", FIELD_TEXT},   {"maskType", FIELD_TEXT},
    {"inpaintingPrompt", FIELD_TEXT}, {"durationSeconds", FIELD_NUMBER},
    {"fullPipeline", FIELD_FLAG},     {"quick", FIELD_FLAG},
    {"reference", FIELD_REFERENCE},   {"references", FIELD_REFERENCE},
    {"style", FIELD_IMAGE},           {"mask", FIELD_IMAGE},
    {"firstFrame", FIELD_IMAGE},      {"lastFrame", FIELD_IMAGE},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

static const char *const images[] = {"style", "mask", "firstFrame", "lastFrame", "previousVideo"};

/* A form while it is read. */
typedef struct Form {
    json_t *request;
    UploadFile files[UPLOAD_MOST];
    size_t file_count;
    bool has_whole; /* the field request */
    char *error;
} Form;

/* A render whose images are stored. */
typedef struct Submission {
    Serve *serve;
    WebRequest *request;
    const ServeRoute *route;
    json_t *body;
} Submission;

/* ---- reading a form ---- */

/* Say what is wrong with a form, once. */
static void wrong(Form *form, const char *format, const char *name) {
    if (!form->error)
        form->error = mem_printf(format, name);
}

/* Keep a file, and give the object that stands for it in the request; NULL where it cannot be
 * kept. One that comes in the place of another takes that one's. */
static json_t *keep_file(Form *form, const FormPart *part) {
    const json_t *before = json_object_get(form->request, part->name);
    size_t place = 0;
    while (place < form->file_count && form->files[place].image != before)
        place++;
    if (part->length > IMAGE_FILE_MAXIMUM || place == UPLOAD_MOST) {
        wrong(form,
              place == UPLOAD_MOST ? "there are too many files, of which one is in the field %s"
                                   : "the file in the field %s is larger than 20 MB",
              part->name);
        return NULL;
    }
    if (place == form->file_count)
        form->file_count++;
    UploadFile *file = &form->files[place];
    upload_file_free(file);
    *file = (UploadFile){json_object(), mem_alloc(part->length + 1), part->length};
    memcpy(file->bytes, part->bytes, part->length);
    return json_incref(file->image);
}

/* Free the files of a form that is not taken. */
static void free_files(Form *form) {
    for (size_t i = 0; i < form->file_count; i++)
        upload_file_free(&form->files[i]);
    form->file_count = 0;
}

/* Put the references that the JSON names behind those that came as files, as files that come
 * later are put behind them. False where they are no list. */
static bool join_references(const Form *form, json_t *request) {
    const json_t *named = json_object_get(request, "references");
    if (json_is_null(named))
        json_object_del(request, "references");
    else if (named && !json_is_array(named))
        return false;
    else if (named)
        json_array_extend(json_object_get(form->request, "references"), (json_t *)named);
    return true;
}

/* Take the JSON that stands for the whole request; what came before stays. There is one at most, or
 * the references of several would come together. */
static void take_request(Form *form, const FormPart *part) {
    json_t *request = json_loadb(part->bytes, part->length, 0, NULL);
    if (form->has_whole)
        wrong(form, "there is more than one field %s", "request");
    else if (!json_is_object(request))
        wrong(form, "the field %s is not a JSON object", "request");
    else if (serve_is_too_deep(request))
        wrong(form, "the field %s is nested too deep", "request");
    else if (!join_references(form, request))
        wrong(form, "the member references in the field %s is not a list", "request");
    else
        json_object_update_missing(form->request, request);
    form->has_whole = true;
    json_decref(request);
}

/* Read a flag as pages send it; NULL for anything else. */
static json_t *read_flag(const char *text) {
    static const struct {
        const char *text;
        bool on;
    } words[] = {{"true", true}, {"on", true}, {"1", true}, {"false", false}, {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].text) == 0)
            return json_boolean(words[i].on);
    return NULL;
}

/* Read a whole number; NULL for anything else. */
static json_t *read_number(const char *text) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    return end == text || *end || errno ? NULL : json_integer(number);
}

/* Take a file that is one of several. */
static void take_reference(Form *form, const FormPart *part) {
    json_t *list = json_object_get(form->request, "references");
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(form->request, "references", list);
    }
    json_t *image = NULL;
    if (json_array_size(list) >= REFERENCES_MOST)
        wrong(form, "there are more than 3 fields %s", part->name);
    else
        image = keep_file(form, part);
    if (image)
        json_array_append_new(list, image);
}

/* Take a value as its field's kind says. */
static void take_value(Form *form, size_t field, const FormPart *part) {
    char *text = fields[field].kind < FIELD_IMAGE ? mem_strndup(part->bytes, part->length) : NULL;
    bool whole = text && strlen(text) == part->length; /* without a NUL */
    json_t *value = NULL;
    switch (fields[field].kind) {
    case FIELD_REQUEST:
        take_request(form, part);
        break;
    case FIELD_FLAG:
        value = whole ? read_flag(text) : NULL;
        if (!value)
            wrong(form, "the field %s is neither true nor false", part->name);
        break;
    case FIELD_NUMBER:
        value = whole ? read_number(text) : NULL;
        if (!value)
            wrong(form, "the field %s is not a whole number", part->name);
        break;
    case FIELD_TEXT:
        value = json_stringn(part->bytes, part->length);
        if (!value)
            wrong(form, "the field %s is not valid UTF-8", part->name);
        break;
    case FIELD_REFERENCE:
        take_reference(form, part);
        break;
    case FIELD_IMAGE:
        value = keep_file(form, part);
        break;
    }
    if (value)
        json_object_set_new(form->request, part->name, value);
    free(text);
}

/* The fields of a form, by number. */
const char *serve_form_field(size_t i) {
    return i < FIELDS ? fields[i].name : NULL;
}

/* Find a field; FIELDS where there is none of that name. */
static size_t find_field(const char *name) {
    size_t i = 0;
    while (i < FIELDS && strcmp(fields[i].name, name) != 0)
        i++;
    return i;
}

/* A field of the form. */
static bool part_came(void *context, const FormPart *part) {
    Form *form = context;
    size_t field = find_field(part->name);
    bool image = field < FIELDS && fields[field].kind >= FIELD_IMAGE;
    if (field == FIELDS)
        wrong(form, "there is no field \"%s\"", part->name);
    else if (image && part->is_file && !part->is_chosen && part->length == 0)
        return true; /* browsers send a field like this where no file was chosen */
    else if (image != part->is_file)
        wrong(form, image ? "the field %s is not a file" : "the field %s is a file", part->name);
    else if (!image && part->length > FIELD_LONGEST)
        wrong(form, "the field %s is too long", part->name);
    else
        take_value(form, field, part);
    return !form->error;
}

/* Read a form as a request with files; false where it cannot be, which has been answered. */
static bool read_form(WebRequest *request, Form *form) {
    bool read = form_data_read(web_header(request, "Content-Type"),
                               request->body.data ? request->body.data : "", request->body.length,
                               part_came, form) &&
                !form->error;
    if (!read)
        web_answer_problem(request, 400, form->error ? form->error : "the form cannot be read",
                           NULL, NULL);
    free(form->error);
    return read;
}

/* ---- submitting ---- */

/* The images that a request names, one after the other, with what each is called; false past the
 * last. One that is not there is NULL. */
static bool image_at(const json_t *body, size_t i, const json_t **image, char name[32]) {
    const json_t *references = json_object_get(body, "references");
    size_t count = json_array_size(references);
    if (i < count) {
        snprintf(name, 32, "reference %zu", i + 1);
        *image = json_array_get(references, i);
    } else if (i - count < sizeof images / sizeof images[0]) {
        snprintf(name, 32, "%s", images[i - count]);
        *image = json_object_get(body, name);
    }
    return i - count < sizeof images / sizeof images[0] || i < count;
}

/* Why an image cannot be taken (static), NULL where it can be tried. A path would be one of this
 * machine, and a text is one, too. A URL is one that workers fetch, but for that of a video to go
 * on from, which is only a name at its provider. */
static const char *judge_image(const json_t *image, const char *name, bool form) {
    const char *url = json_string_value(json_object_get(image, "url"));
    if (json_is_string(image) || json_object_get(image, "path"))
        return "an image has a path";
    if (form && json_object_get(image, "key"))
        return "in a form images are files or URLs, not keys";
    return url && !data_uri_is(url) && strcmp(name, "previousVideo") != 0 ? fetch_judge(url) : NULL;
}

/* Refuse a request one of whose images cannot be taken; that is answered then. */
static bool refuses_images(WebRequest *request, const json_t *body, bool form) {
    const json_t *image = NULL;
    const char *why = NULL;
    char name[32];
    for (size_t i = 0; !why && image_at(body, i, &image, name); i++)
        why = judge_image(image, name, form);
    if (!why)
        return false;
    char *detail = mem_printf("%s: %s", name, why);
    web_answer_problem(request, 400, "an image cannot be used", detail, NULL);
    free(detail);
    return true;
}

/* Add a key to an array's text, where it was not the client who named it. */
static void add_key(char **keys, const json_t *image) {
    const char *key = json_string_value(json_object_get(image, "key"));
    if (key && json_object_get(image, "sha256"))
        mem_set(keys, "%s%s\"%s\"", *keys, strlen(*keys) > 1 ? "," : "", key);
}

/* Ask for it to be submitted. */
static void submit(Serve *serve, WebRequest *request, const ServeRoute *route, json_t *body,
                   const char *keys) {
    char *text = json_text(body);
    serve_ask_with(serve, request, route, NULL, text, keys);
    free(text);
}

/* The images are stored, or cannot be. */
static void uploaded(void *context, const UploadResult *result) {
    Submission *submission = context;
    WebRequest *request = submission->request;
    char *keys = mem_strdup("{"), name[32];
    const json_t *image = NULL;
    if (result->error) {
        const char *title =
            result->bad_input ? "an image cannot be used" : "an image could not be stored";
        web_answer_problem(request, result->bad_input ? 400 : 503, title,
                           result->bad_input ? result->error : NULL, NULL);
    } else {
        for (size_t i = 0; image_at(submission->body, i, &image, name); i++)
            add_key(&keys, image);
        mem_set(&keys, "%s}", keys);
        submit(submission->serve, request, submission->route, submission->body, keys);
    }
    free(keys);
    json_decref(submission->body);
    free(submission);
}

/* Take a form: what it has of images is stored first. Images that it only names are left out
 * here, since nothing tells those keys from those of the files. */
static void submit_form(Serve *serve, WebRequest *request, const ServeRoute *route, Form *form) {
    Submission *submission = mem_alloc(sizeof *submission);
    *submission = (Submission){
        .serve = serve, .request = request, .route = route, .body = json_incref(form->request)};
    upload_start(serve->app, serve->app->db, submission->body, form->files, form->file_count,
                 uploaded, submission);
    form->file_count = 0;
}

/* Say what the request says in this server's words. False where it cannot be, which has been
 * answered. */
static bool translate(WebRequest *request, json_t *body, bool form) {
    json_t *full = json_object_get(body, "fullPipeline");
    if (full && !json_is_boolean(full)) {
        web_answer_problem(request, 400, "fullPipeline has to be true or false", NULL, NULL);
        return false;
    }
    if (refuses_images(request, body, form))
        return false;
    if (full)
        json_object_set_new(body, "quick", json_boolean(!json_is_true(full)));
    json_object_del(body, "fullPipeline");
    if (strcmp(request->path, "/api/video") == 0)
        json_object_set_new(body, "type", json_string("video"));
    return true;
}

/* Submit a render. */
void serve_submit(Serve *serve, WebRequest *request, const ServeRoute *route, const char *part) {
    const char *type = web_header(request, "Content-Type");
    bool is_form = type && strncasecmp(type, "multipart/form-data", 19) == 0;
    Form form = {.request = is_form ? json_object() : serve_read_body(request)};
    (void)part;
    if (!form.request)
        return;
    if ((!is_form || read_form(request, &form)) && translate(request, form.request, is_form)) {
        if (is_form)
            submit_form(serve, request, route, &form);
        else
            submit(serve, request, route, form.request, "{}");
    }
    free_files(&form);
    json_decref(form.request);
}

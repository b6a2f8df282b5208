/* Taking renders: in JSON, or as a form with files, which are stored before the render is
 * submitted and named in it by their keys. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "upload.h"

enum { FORM_BUFFER = 4096, FIELD_LONGEST = 1 << 20, REFERENCES_MOST = 3 };

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

/* A form while it is read: a value comes in pieces. */
typedef struct Form {
    json_t *request;
    int field; /* of the value that comes; -1 for none yet */
    Buf value;
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

/* A file as an image of a request. */
static json_t *image_of(const Buf *value) {
    static const char head_text[] = "data:application/octet-stream;base64,";
    const size_t head = sizeof head_text - 1;
    /* With room for the NUL that the encoder writes; mem_alloc has zeroed it where it writes none.
     */
    char *url = mem_alloc(head + (value->length + 2) / 3 * 4 + 1);
    memcpy(url, head_text, head);
    if (value->length)
        EVP_EncodeBlock((unsigned char *)url + head, (const unsigned char *)value->data,
                        (int)value->length);
    json_t *image = json_pack("{s:s}", "url", url);
    free(url);
    return image;
}

/* Take the JSON that stands for the whole request; what came before stays. */
static void take_request(Form *form) {
    json_t *request =
        json_loadb(form->value.data ? form->value.data : "", form->value.length, 0, NULL);
    if (!json_is_object(request))
        wrong(form, "the field %s is not a JSON object", "request");
    else
        json_object_update_missing(form->request, request);
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

/* A value is complete. */
static void take_value(Form *form) {
    if (form->field < 0)
        return;
    const char *name = fields[form->field].name, *text = form->value.data;
    json_t *list = json_object_get(form->request, "references"), *value = NULL;
    if (!text)
        text = "";
    switch (fields[form->field].kind) {
    case FIELD_REQUEST:
        take_request(form);
        break;
    case FIELD_FLAG:
        value = read_flag(text);
        if (!value)
            wrong(form, "the field %s is neither true nor false", name);
        break;
    case FIELD_NUMBER:
        value = read_number(text);
        if (!value)
            wrong(form, "the field %s is not a whole number", name);
        break;
    case FIELD_TEXT:
        value = json_stringn(text, form->value.length);
        if (!value)
            wrong(form, "the field %s is not valid UTF-8", name);
        break;
    case FIELD_REFERENCE:
        if (!json_is_array(list)) {
            list = json_array();
            json_object_set_new(form->request, "references", list);
        }
        if (json_array_size(list) >= REFERENCES_MOST)
            wrong(form, "there are more than 3 fields %s", name);
        else
            json_array_append_new(list, image_of(&form->value));
        break;
    case FIELD_IMAGE:
        value = image_of(&form->value);
        break;
    }
    if (value)
        json_object_set_new(form->request, name, value);
    form->field = -1;
    buf_free(&form->value);
}

/* The fields of a form, by number. */
const char *serve_form_field(size_t i) {
    return i < FIELDS ? fields[i].name : NULL;
}

/* Find a field; -1 where there is none of that name. */
static int find_field(const char *name) {
    for (int i = 0; i < (int)FIELDS; i++)
        if (name && strcmp(fields[i].name, name) == 0)
            return i;
    return -1;
}

/* A piece of a value: the first one of it begins at 0. */
static enum MHD_Result piece_came(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *file, const char *type, const char *coding,
                                  const char *data, uint64_t at, size_t length) {
    Form *form = context;
    (void)kind;
    (void)type;
    (void)coding;
    if (at == 0) {
        take_value(form);
        form->field = find_field(name);
        bool image = form->field >= 0 && fields[form->field].kind >= FIELD_IMAGE;
        if (form->field < 0)
            wrong(form, "there is no field \"%s\"", name ? name : "");
        else if (image != (file != NULL))
            wrong(form, image ? "the field %s is not a file" : "the field %s is a file", name);
        buf_init(&form->value, image ? SIZE_MAX / 2 : FIELD_LONGEST);
    }
    if (length && form->field >= 0 && !buf_append(&form->value, data, length))
        wrong(form, "the field %s is too long", name);
    return form->error ? MHD_NO : MHD_YES;
}

/* Read a form as a request; NULL where it cannot be, which has been answered. */
static json_t *read_form(WebRequest *request) {
    Form form = {.request = json_object(), .field = -1};
    struct MHD_PostProcessor *reader =
        MHD_create_post_processor(request->connection, FORM_BUFFER, piece_came, &form);
    bool read = reader && MHD_post_process(reader, request->body.data ? request->body.data : "",
                                           request->body.length) == MHD_YES;
    read = reader && MHD_destroy_post_processor(reader) == MHD_YES && read;
    if (read)
        take_value(&form);
    buf_free(&form.value);
    if (!read || form.error) {
        web_answer_problem(request, 400, form.error ? form.error : "the form cannot be read", NULL,
                           NULL);
        json_decref(form.request);
        form.request = NULL;
    }
    free(form.error);
    return form.request;
}

/* ---- submitting ---- */

/* Does an image of a request have a path? It would be one of this machine. */
static bool names_path(const json_t *body) {
    size_t i;
    json_t *image;
    json_array_foreach(json_object_get(body, "references"), i,
                       image) if (json_object_get(image, "path")) return true;
    for (i = 0; i < sizeof images / sizeof images[0]; i++)
        if (json_object_get(json_object_get(body, images[i]), "path"))
            return true;
    return false;
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
    char *text = json_dumps(body, JSON_TEXT);
    serve_ask_with(serve, request, route, NULL, text, keys);
    free(text);
}

/* The images are stored, or cannot be. */
static void uploaded(void *context, const UploadResult *result) {
    Submission *submission = context;
    WebRequest *request = submission->request;
    char *keys = mem_strdup("{");
    size_t i;
    json_t *image;
    if (result->error) {
        web_answer_problem(request, result->bad_input ? 400 : 503,
                           result->bad_input ? result->error : "an image could not be stored", NULL,
                           NULL);
    } else {
        json_array_foreach(json_object_get(submission->body, "references"), i, image)
            add_key(&keys, image);
        for (i = 0; i < sizeof images / sizeof images[0]; i++)
            add_key(&keys, json_object_get(submission->body, images[i]));
        mem_set(&keys, "%s}", keys);
        submit(submission->serve, request, submission->route, submission->body, keys);
    }
    free(keys);
    json_decref(submission->body);
    free(submission);
}

/* Take a form: what it has of images is stored first. Images that it only names are left out
 * here, since nothing tells those keys from those of the files. */
static void submit_form(Serve *serve, WebRequest *request, const ServeRoute *route, json_t *body) {
    Submission *submission = mem_alloc(sizeof *submission);
    *submission = (Submission){.serve = serve, .request = request, .route = route, .body = body};
    upload_start(serve->app, serve->app->db, body, uploaded, submission);
}

/* Does a request name images by key? */
static bool names_key(const json_t *body) {
    size_t i;
    json_t *image;
    json_array_foreach(json_object_get(body, "references"), i,
                       image) if (json_object_get(image, "key")) return true;
    for (i = 0; i < sizeof images / sizeof images[0]; i++)
        if (json_object_get(json_object_get(body, images[i]), "key"))
            return true;
    return false;
}

/* Say what the request says in this server's words. False where it cannot be, which has been
 * answered. */
static bool translate(WebRequest *request, json_t *body, bool form) {
    json_t *full = json_object_get(body, "fullPipeline");
    const char *problem = full && !json_is_boolean(full) ? "fullPipeline has to be true or false"
                          : names_path(body)             ? "an image has a path"
                          : form && names_key(body) ? "in a form images are files or URLs, not keys"
                                                    : NULL;
    if (problem) {
        web_answer_problem(request, 400, problem, NULL, NULL);
        return false;
    }
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
    bool form = type && strncasecmp(type, "multipart/form-data", 19) == 0;
    json_t *body = form ? read_form(request) : serve_read_body(request);
    (void)part;
    if (!body)
        return;
    if (!translate(request, body, form)) {
        json_decref(body);
    } else if (form) {
        submit_form(serve, request, route, body);
    } else {
        submit(serve, request, route, body, "{}");
        json_decref(body);
    }
}

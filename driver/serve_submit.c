/* Taking renders: in JSON, or as a form with files, which are stored before the render is
 * submitted and named in it by their keys. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "form_data.h"
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
static json_t *image_of(const FormPart *part) {
    static const char head_text[] = "data:application/octet-stream;base64,";
    const size_t head = sizeof head_text - 1;
    /* With room for the NUL that the encoder writes; mem_alloc has zeroed it where it writes none.
     */
    char *url = mem_alloc(head + (part->length + 2) / 3 * 4 + 1);
    memcpy(url, head_text, head);
    if (part->length)
        EVP_EncodeBlock((unsigned char *)url + head, (const unsigned char *)part->bytes,
                        (int)part->length);
    json_t *image = json_pack("{s:s}", "url", url);
    free(url);
    return image;
}

/* Take the JSON that stands for the whole request; what came before stays. */
static void take_request(Form *form, const FormPart *part) {
    json_t *request = json_loadb(part->bytes, part->length, 0, NULL);
    if (!json_is_object(request))
        wrong(form, "the field %s is not a JSON object", "request");
    else if (serve_is_too_deep(request))
        wrong(form, "the field %s is nested too deep", "request");
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

/* Take a file that is one of several. */
static void take_reference(Form *form, const FormPart *part) {
    json_t *list = json_object_get(form->request, "references");
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(form->request, "references", list);
    }
    if (json_array_size(list) >= REFERENCES_MOST)
        wrong(form, "there are more than 3 fields %s", part->name);
    else
        json_array_append_new(list, image_of(part));
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
        value = image_of(part);
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

/* Read a form as a request; NULL where it cannot be, which has been answered. */
static json_t *read_form(WebRequest *request) {
    Form form = {.request = json_object()};
    bool read = form_data_read(web_header(request, "Content-Type"),
                               request->body.data ? request->body.data : "", request->body.length,
                               part_came, &form);
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

/* Is an image a path? A text is one, too. */
static bool is_path(const json_t *image) {
    return json_is_string(image) || json_object_get(image, "path");
}

/* Does an image of a request have a path? It would be one of this machine. */
static bool names_path(const json_t *body) {
    size_t i;
    json_t *image;
    json_array_foreach(json_object_get(body, "references"), i,
                       image) if (is_path(image)) return true;
    for (i = 0; i < sizeof images / sizeof images[0]; i++)
        if (is_path(json_object_get(body, images[i])))
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

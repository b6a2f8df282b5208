/* The real service refuses names it does not know; so do we, because that is how a client's typing
 * errors are found.  Each message is a table of its fields; paths in errors are written in
 * snake_case, as the service writes them. */
#include "request_fields.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef enum Type {
    TYPE_END,
    TYPE_STRING,
    TYPE_FLOAT,
    TYPE_INT32,
    TYPE_BOOL,
    TYPE_STRINGS,  /* list of strings */
    TYPE_MESSAGE,  /* by the table in `fields` */
    TYPE_MESSAGES, /* list of them */
    TYPE_ANY       /* a schema or a tool's arguments: not looked into */
} Type;

typedef struct Field {
    const char *name; /* camelCase */
    Type type;
    const struct Field *fields;
} Field;

static const Field blob[] = {
    {"mimeType", TYPE_STRING, NULL},
    {"data", TYPE_STRING, NULL},
    {"displayName", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field file_data[] = {
    {"mimeType", TYPE_STRING, NULL},
    {"fileUri", TYPE_STRING, NULL},
    {"displayName", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field part[] = {
    {"text", TYPE_STRING, NULL},
    {"inlineData", TYPE_MESSAGE, blob},
    {"fileData", TYPE_MESSAGE, file_data},
    {"thought", TYPE_BOOL, NULL},
    {"thoughtSignature", TYPE_STRING, NULL},
    {"functionCall", TYPE_ANY, NULL},
    {"functionResponse", TYPE_ANY, NULL},
    {"executableCode", TYPE_ANY, NULL},
    {"codeExecutionResult", TYPE_ANY, NULL},
    {"videoMetadata", TYPE_ANY, NULL},
    {"mediaResolution", TYPE_ANY, NULL},
    {"partMetadata", TYPE_ANY, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field content[] = {
    {"role", TYPE_STRING, NULL},
    {"parts", TYPE_MESSAGES, part},
    {NULL, TYPE_END, NULL},
};
static const Field safety_setting[] = {
    {"category", TYPE_STRING, NULL},
    {"threshold", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field thinking_config[] = {
    {"includeThoughts", TYPE_BOOL, NULL},
    {"thinkingBudget", TYPE_INT32, NULL},
    {"thinkingLevel", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field image_config[] = {
    {"aspectRatio", TYPE_STRING, NULL},
    {"imageSize", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field generation_config[] = {
    {"stopSequences", TYPE_STRINGS, NULL},
    {"responseMimeType", TYPE_STRING, NULL},
    {"responseSchema", TYPE_ANY, NULL},
    {"responseJsonSchema", TYPE_ANY, NULL},
    {"responseFormat", TYPE_ANY, NULL},
    {"responseModalities", TYPE_STRINGS, NULL},
    {"candidateCount", TYPE_INT32, NULL},
    {"maxOutputTokens", TYPE_INT32, NULL},
    {"temperature", TYPE_FLOAT, NULL},
    {"topP", TYPE_FLOAT, NULL},
    {"topK", TYPE_FLOAT, NULL},
    {"seed", TYPE_INT32, NULL},
    {"presencePenalty", TYPE_FLOAT, NULL},
    {"frequencyPenalty", TYPE_FLOAT, NULL},
    {"responseLogprobs", TYPE_BOOL, NULL},
    {"logprobs", TYPE_INT32, NULL},
    {"enableEnhancedCivicAnswers", TYPE_BOOL, NULL},
    {"speechConfig", TYPE_ANY, NULL},
    {"thinkingConfig", TYPE_MESSAGE, thinking_config},
    {"imageConfig", TYPE_MESSAGE, image_config},
    {"mediaResolution", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};
static const Field request_fields[] = {
    {"model", TYPE_STRING, NULL},
    {"contents", TYPE_MESSAGES, content},
    {"systemInstruction", TYPE_MESSAGE, content},
    {"tools", TYPE_ANY, NULL},
    {"toolConfig", TYPE_ANY, NULL},
    {"safetySettings", TYPE_MESSAGES, safety_setting},
    {"generationConfig", TYPE_MESSAGE, generation_config},
    {"cachedContent", TYPE_STRING, NULL},
    {"store", TYPE_BOOL, NULL},
    {"serviceTier", TYPE_STRING, NULL},
    {"continuationToken", TYPE_STRING, NULL},
    {NULL, TYPE_END, NULL},
};

static const char *const type_words[] = {
    [TYPE_STRING] = "TYPE_STRING",
    [TYPE_FLOAT] = "TYPE_FLOAT",
    [TYPE_INT32] = "TYPE_INT32",
    [TYPE_BOOL] = "TYPE_BOOL",
};

enum { PATH_SIZE = 160 };

/* "imageConfig" to "image_config". */
static void to_snake(const char *name, char *snake, size_t size) {
    size_t length = 0;
    for (; *name && length + 2 < size; name++) {
        if (isupper((unsigned char)*name))
            snake[length++] = '_';
        snake[length++] = (char)tolower((unsigned char)*name);
    }
    snake[length] = '\0';
}

/* Is it the field's name in either spelling? */
static bool same_name(const char *given, const char *name) {
    char snake[64];
    to_snake(name, snake, sizeof snake);
    return strcmp(given, name) == 0 || strcmp(given, snake) == 0;
}

json_t *field_get(const json_t *object, const char *name) {
    json_t *value = json_object_get(object, name);
    char snake[64];
    if (value)
        return value;
    to_snake(name, snake, sizeof snake);
    return json_object_get(object, snake);
}

static bool unknown_name(const char *name, const char *path, Refusal *refusal) {
    if (*path)
        refuse(refusal, 400,
               "Invalid JSON payload received. Unknown name \"%.60s\" at '%s': "
               "Cannot find field.",
               name, path);
    else
        refuse(refusal, 400,
               "Invalid JSON payload received. Unknown name \"%.60s\": "
               "Cannot find field.",
               name);
    snprintf(refusal->field, sizeof refusal->field, "%s", path);
    return false;
}

static bool wrong_type(const char *type, const char *path, Refusal *refusal) {
    refuse(refusal, 400, "Invalid value at '%s' (%s)", path, type);
    snprintf(refusal->field, sizeof refusal->field, "%s", path);
    return false;
}

static bool check_message(const json_t *value, const Field *fields, const char *path,
                          Refusal *refusal);

/* Check a list's items. */
static bool check_list(const json_t *value, const Field *field, const char *path,
                       Refusal *refusal) {
    size_t i;
    json_t *item;
    /* The service takes a single value for a list of one. */
    if (!json_is_array(value))
        return wrong_type("repeated field, a list is expected", path, refusal);
    json_array_foreach(value, i, item) {
        char inner[PATH_SIZE];
        snprintf(inner, sizeof inner, "%.130s[%zu]", path, i);
        if (field->type == TYPE_STRINGS && !json_is_string(item))
            return wrong_type("TYPE_STRING", inner, refusal);
        if (field->type == TYPE_MESSAGES && !check_message(item, field->fields, inner, refusal))
            return false;
    }
    return true;
}

static bool check_value(const json_t *value, const Field *field, const char *path,
                        Refusal *refusal) {
    bool right = true;
    if (json_is_null(value))
        return true;
    switch (field->type) {
    case TYPE_STRING:
        right = json_is_string(value);
        break;
    case TYPE_FLOAT:
        right = json_is_number(value);
        break;
    case TYPE_INT32:
        right = json_is_integer(value) && json_integer_value(value) >= INT32_MIN &&
                json_integer_value(value) <= INT32_MAX;
        break;
    case TYPE_BOOL:
        right = json_is_boolean(value);
        break;
    case TYPE_STRINGS:
    case TYPE_MESSAGES:
        return check_list(value, field, path, refusal);
    case TYPE_MESSAGE:
        return check_message(value, field->fields, path, refusal);
    case TYPE_ANY:
    case TYPE_END:
        break;
    }
    return right || wrong_type(type_words[field->type], path, refusal);
}

static bool check_message(const json_t *value, const Field *fields, const char *path,
                          Refusal *refusal) {
    const char *name;
    json_t *member;
    if (!json_is_object(value))
        return wrong_type("message, an object is expected", path, refusal);
    json_object_foreach((json_t *)value, name, member) {
        const Field *field = fields;
        char inner[PATH_SIZE], snake[64];
        while (field->name && !same_name(name, field->name))
            field++;
        if (!field->name)
            return unknown_name(name, path, refusal);
        to_snake(field->name, snake, sizeof snake);
        snprintf(inner, sizeof inner, "%.90s%s%.60s", path, *path ? "." : "", snake);
        if (!check_value(member, field, inner, refusal))
            return false;
    }
    return true;
}

bool fields_check(const json_t *body, Refusal *refusal) {
    return check_message(body, request_fields, "", refusal);
}

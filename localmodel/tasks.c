#include "tasks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer_schema.h"
#include "base64.h"
#include "building_text.h"
#include "drawing.h"
#include "image_facts.h"
#include "prompt_writer.h"
#include "text.h"
#include "validate.h"

/* The user's words of a request: labelled, or simply its first text. */
static const char *wish_of(const Request *request) {
    const char *text = request_labelled(request, "User prompt:", 0);
    if (!text)
        text = request_labelled(request, "Prompt:", 0);
    return text ? text : request_labelled(request, "", 0);
}

/* "simple", "medium" or "complex" by how much is asked for at once. */
static const char *complexity_of(const Facts *facts) {
    int asked = facts->n_elements + facts->n_materials + facts->n_colours + facts->n_lights +
                (facts->style_name != NULL) + (facts->view_name != NULL) + facts->words / 20;
    return asked <= 5 ? "simple" : asked <= 11 ? "medium" : "complex";
}

static json_t *strings(const char *const *list, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

/* "red brick", "oak": materials without the part they are for. */
static json_t *plain_materials(const Facts *facts) {
    json_t *array = json_array();
    for (int i = 0; i < facts->n_materials; i++) {
        char name[120];
        const MaterialFact *fact = &facts->materials[i];
        snprintf(name, sizeof name, "%s%s%s", fact->colour ? fact->colour : "",
                 fact->colour ? " " : "", fact->name);
        json_array_append_new(array, json_string(name));
    }
    return array;
}

static json_t *named_colours(const Facts *facts) {
    json_t *array = json_array();
    for (int i = 0; i < facts->n_colours; i++) {
        char entry[COLOUR_ENTRY_SIZE];
        colour_entry(facts->colours[i].rgb, facts->colours[i].name, entry);
        json_array_append_new(array, json_string(entry));
    }
    return array;
}

/* The time as the schema enumerates it. */
static const char *time_value(const Facts *facts) {
    return facts->time_name ? lexicon_time_name(facts->time) : "unspecified";
}

static json_t *parse_facts(const Request *request) {
    static const char *const operations[] = {"create", "edit", "vary"};
    const char *perspective, *lens, *camera, *wish = wish_of(request);
    Facts facts;
    Text lighting = {0};
    facts_read(wish ? wish : "", &facts);
    building_geometry(&facts, &perspective, &lens, &camera);
    for (int i = 0; i < facts.n_lights; i++)
        text_add(&lighting, "%s%s", i ? ", " : "", facts.lights[i]);
    if (facts.warmth)
        text_add(&lighting, "%s%s light", facts.n_lights ? ", " : "",
                 facts.warmth > 0 ? "warm" : "cool");
    json_t *json = json_pack(
        "{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "elements",
        strings(facts.elements, facts.n_elements), "materials", plain_materials(&facts), "style",
        facts.style_name ? facts.style_name : "unspecified", "lighting",
        lighting.length ? text_string(&lighting) : "unspecified", "timeOfDay", time_value(&facts),
        "weather", lexicon_weather_name(facts.weather), "perspective", perspective, "cameraAngle",
        camera, "focalLength", lens, "palette", named_colours(&facts), "operation",
        operations[facts.operation], "complexity", complexity_of(&facts));
    text_free(&lighting);
    return json;
}

/* The image that is to be measured: the rendered one if there is one, else the first. */
static const RequestImage *image_of(const Request *request) {
    for (size_t i = 0; i < request->image_count; i++)
        if (request->images[i].role == ROLE_RENDERED)
            return &request->images[i];
    return request->image_count > 0 ? &request->images[0] : NULL;
}

/* Measure the request's image.  False with *refused where there is none, or none that decodes. */
static bool measure(const Request *request, ImageFacts *facts, Reply *refused) {
    const RequestImage *image = image_of(request);
    const char *why = "the request holds no image";
    Refusal refusal;
    if (image && image_facts_measure(image->bytes, image->length, facts, &why))
        return true;
    refuse(&refusal, 400, "Unable to process input image: %s.", why);
    *refused = reply_refusal(&refusal);
    return false;
}

/* Answer with the schema filled from facts, which is stolen. */
static Reply reply_facts(const Request *request, json_t *facts) {
    json_t *filled = request->schema ? answer_fill(request->schema, facts) : json_incref(facts);
    char *text = json_dumps(filled, JSON_COMPACT | JSON_REAL_PRECISION(10));
    Reply reply = reply_answer(request, &(Answer){.text = text, .finish_reason = "STOP"});
    free(text);
    json_decref(filled);
    json_decref(facts);
    return reply;
}

/* "16:9" anywhere in a text. */
static double find_aspect(const char *text) {
    for (const char *at = text; at && (at = strchr(at, ':')); at++) {
        double width = at > text ? at[-1] - '0' : -1, height = at[1] - '0';
        if (width < 1 || width > 9 || height < 1 || height > 9)
            continue;
        if (at > text + 1 && (at[-2] == '1' || at[-2] == '2'))
            width += (at[-2] - '0') * 10;
        if (at[2] >= '0' && at[2] <= '9')
            height = height * 10 + (at[2] - '0');
        return width / height;
    }
    return 0;
}

static Reply reply_validation(const Request *request) {
    const char *prompt = request_labelled(request, "Prompt:", 0);
    const char *intent_text = request_labelled(request, "Design intent (JSON):", 0);
    json_t *intent = intent_text ? json_loads(intent_text, 0, NULL) : NULL;
    Wanted wanted = {.aspect = prompt ? find_aspect(prompt) : 0};
    ImageFacts image;
    Reply reply;
    Text asked = {0};
    Facts keep;
    static const char *const members[] = {"timeOfDay", "weather"};
    /* The intent is the user's word; the prompt says the rest. */
    for (size_t i = 0; i < 2; i++) {
        const char *value = json_string_value(json_object_get(intent, members[i]));
        if (value && strcmp(value, "unspecified") != 0)
            text_add(&asked, "%s. ", value);
    }
    json_decref(intent);
    facts_read(text_string(&asked), &wanted.facts);
    text_free(&asked);
    if (prompt) {
        Facts said;
        prompt_read(prompt, &said, &keep);
        facts_underlay(&wanted.facts, &said);
    }
    if (!measure(request, &image, &reply))
        return reply;
    return reply_facts(request, validate_image(&image, &wanted));
}

static Reply reply_measured(const Request *request) {
    ImageFacts image;
    Reply reply;
    if (!measure(request, &image, &reply))
        return reply;
    return reply_facts(request, image_facts_json(&image));
}

/* Draw a small version for a draft. */
static char *draft_of(const Plan *plan) {
    unsigned char *png;
    size_t length, encoded;
    if (!drawing_png(plan, 256, 256, &png, &length))
        return NULL;
    char *base64 = base64_encode(png, length, &encoded);
    free(png);
    return base64;
}

/* Every image that is sent must be one that can be decoded. */
static bool images_decode(const Request *request, Reply *refused) {
    for (size_t i = 0; i < request->image_count; i++) {
        Image image;
        const char *why;
        if (!image_load(request->images[i].bytes, request->images[i].length, 64, &image, &why)) {
            Refusal refusal;
            refuse(&refusal, 400, "Unable to process input image: %s.", why);
            *refused = reply_refusal(&refusal);
            return false;
        }
        image_free(&image);
    }
    return true;
}

static Reply reply_image(const Request *request) {
    Plan plan;
    Reply reply;
    Text words = {0}, building = {0};
    unsigned char *png;
    size_t length, encoded;
    if (!images_decode(request, &reply))
        return reply;
    plan_make(request, &plan);
    if (!drawing_for_request(request, &plan, &png, &length))
        return reply_status(500);
    char *base64 = base64_encode(png, length, &encoded);
    char *draft = request->model->drafts ? draft_of(&plan) : NULL;
    free(png);
    building_text(&plan.facts, &building);
    text_add(&words, "Here is the image: %s.", text_string(&building));
    reply = reply_answer(request, &(Answer){.text = text_string(&words),
                                            .image_base64 = base64,
                                            .draft_base64 = draft,
                                            .finish_reason = "STOP"});
    text_free(&words);
    text_free(&building);
    free(base64);
    free(draft);
    return reply;
}

/* A schema that is none of the pipeline's, or no schema: say what was understood. */
static Reply reply_text(const Request *request) {
    if (request->schema)
        return reply_facts(request, parse_facts(request));
    json_t *prompt = prompt_write(request);
    const char *text = json_string_value(json_object_get(prompt, "optimizedPrompt"));
    Reply reply = reply_answer(request, &(Answer){.text = text, .finish_reason = "STOP"});
    json_decref(prompt);
    return reply;
}

Reply task_reply(const Request *request) {
    Reply reply;
    switch (request->task) {
    case TASK_SEMANTIC_PARSING:
        return reply_facts(request, parse_facts(request));
    case TASK_IMAGE_UNDERSTANDING:
    case TASK_MEMORY_EXTRACTION:
        return reply_measured(request);
    case TASK_PROMPT_OPTIMIZATION:
    case TASK_PROMPT_OPTIMIZATION_SIMPLE:
        if (!images_decode(request, &reply))
            return reply;
        return reply_facts(request, prompt_write(request));
    case TASK_IMAGE_GENERATION:
        return reply_image(request);
    case TASK_VALIDATION:
        return reply_validation(request);
    case TASK_TEXT:
    case TASK_VIDEO_GENERATION:
    case TASK_COUNT:
        break;
    }
    return reply_text(request);
}

/* ---- canned results ---- */

/* Canned pictures are drawn small (about 50 kB), so that what is measured against them is
 * latency and not how fast a machine copies pixels. */
enum { CANNED_IMAGES = 24, CANNED_SHRINK = 6 };

struct Canned {
    pthread_mutex_t lock;      /* protects images */
    json_t *facts[TASK_COUNT]; /* for text tasks; read only after start */
    struct {
        const char *ratio;
        char size[4];
        char *base64;
    } images[CANNED_IMAGES];
    size_t image_count;
    Plan plan;
};

static const char canned_prompt[] = "modern concrete house with oak door, morning";

/* Draw one size. */
static char *canned_draw(const Canned *canned, const char *ratio, const char *size) {
    unsigned char *png;
    size_t length, encoded;
    int width, height;
    plan_size(ratio, size, &width, &height);
    if (!drawing_png(&canned->plan, width / CANNED_SHRINK, height / CANNED_SHRINK, &png, &length))
        return NULL;
    char *base64 = base64_encode(png, length, &encoded);
    free(png);
    return base64;
}

/* The picture of a size, drawn when it is asked for the first time.  Borrowed. */
static const char *canned_image(Canned *canned, const char *ratio, const char *size) {
    const char *base64 = NULL;
    pthread_mutex_lock(&canned->lock);
    for (size_t i = 0; i < canned->image_count && !base64; i++)
        if (strcmp(canned->images[i].ratio, ratio) == 0 &&
            strcmp(canned->images[i].size, size) == 0)
            base64 = canned->images[i].base64;
    if (!base64 && canned->image_count < CANNED_IMAGES) {
        size_t i = canned->image_count++;
        canned->images[i].ratio = ratio;
        snprintf(canned->images[i].size, sizeof canned->images[i].size, "%s", size);
        base64 = canned->images[i].base64 = canned_draw(canned, ratio, size);
    }
    pthread_mutex_unlock(&canned->lock);
    return base64;
}

/* A request of our own, for the facts that canned answers are filled from. */
static void canned_words(Canned *canned) {
    static const char body[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"User prompt: modern concrete house with oak door, "
        "morning\"}]}]}";
    Request request;
    Refusal refusal;
    if (request_parse(&request, body, sizeof body - 1, &refusal)) {
        canned->facts[TASK_SEMANTIC_PARSING] = parse_facts(&request);
        canned->facts[TASK_PROMPT_OPTIMIZATION] = prompt_write(&request);
        canned->facts[TASK_PROMPT_OPTIMIZATION_SIMPLE] =
            json_incref(canned->facts[TASK_PROMPT_OPTIMIZATION]);
    }
    request_free(&request);
}

/* Measure a small picture for the rest. */
static void canned_measures(Canned *canned) {
    Wanted wanted = {.facts = canned->plan.facts};
    ImageFacts measured;
    const char *why;
    unsigned char *png;
    size_t length;
    if (!drawing_png(&canned->plan, 688, 384, &png, &length))
        return;
    if (image_facts_measure(png, length, &measured, &why)) {
        canned->facts[TASK_IMAGE_UNDERSTANDING] = image_facts_json(&measured);
        canned->facts[TASK_MEMORY_EXTRACTION] =
            json_incref(canned->facts[TASK_IMAGE_UNDERSTANDING]);
        canned->facts[TASK_VALIDATION] = validate_image(&measured, &wanted);
    }
    free(png);
}

Canned *canned_new(void) {
    Canned *canned = mem_new(1, sizeof *canned);
    Facts keep;
    pthread_mutex_init(&canned->lock, NULL);
    prompt_read(canned_prompt, &canned->plan.facts, &keep);
    plan_complete(&canned->plan);
    canned_words(canned);
    canned_measures(canned);
    if (!canned_image(canned, "16:9", "1K"))
        fputs("renderchain-localmodel: could not draw the canned image\n", stderr);
    return canned;
}

Reply canned_reply(Canned *canned, const Request *request) {
    if (request->task == TASK_IMAGE_GENERATION) {
        const char *image = canned_image(canned, request->aspect_ratio, request->image_size);
        if (!image)
            return reply_status(500);
        return reply_answer(request, &(Answer){.text = "Here is the image.",
                                               .image_base64 = image,
                                               .finish_reason = "STOP"});
    }
    if (!canned->facts[request->task])
        return task_reply(request);
    return reply_facts(request, json_incref(canned->facts[request->task]));
}

void canned_free(Canned *canned) {
    if (!canned)
        return;
    for (size_t i = 0; i < canned->image_count; i++)
        free(canned->images[i].base64);
    for (size_t i = 0; i < TASK_COUNT; i++)
        json_decref(canned->facts[i]);
    pthread_mutex_destroy(&canned->lock);
    free(canned);
}

/* The two ways in which Google makes videos: Veo's predictLongRunning, and the Interactions API,
 * asked to work in the background so that an interaction has a name while it runs. A file's
 * address names Google's host whoever serves it: only "files/ID" of it is used, below our own
 * base URL, so that the key reaches no other host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "video.h"
#include "wire.h"

/* Find a protocol. */
const VideoWire *video_wire(const Model *model) {
    static const VideoWire *const wires[] = {&video_veo, &video_interactions};
    const char *name = json_string_value(json_object_get(model->definition, "wire"));
    for (size_t i = 0; name && i < sizeof wires / sizeof wires[0]; i++)
        if (strcmp(wires[i]->name, name) == 0)
            return wires[i];
    return NULL;
}

/* Read a big-endian number of up to 8 bytes. */
static uint64_t big(const char *at, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* Is it a whole MP4 file? It begins with a box of the type "ftyp", all its boxes are there to their
 * ends, and one says what it shows (ISO/IEC 14496-12, 4.2). */
bool video_probe(const Bytes *bytes) {
    char head[16];
    bool movie = false;
    size_t length = bytes_length(bytes);
    if (length < sizeof head || !bytes_copy(bytes, 0, head, 8) || memcmp(head + 4, "ftyp", 4) != 0)
        return false;
    for (size_t at = 0; at < length;) {
        size_t left = length - at;
        if (left < 8 || !bytes_copy(bytes, at, head, left < sizeof head ? 8 : sizeof head))
            return false;
        uint64_t size = big(head, 4), least = 8;
        if (size == 0) {
            size = left;
        } else if (size == 1) {
            least = 16;
            size = left < least ? 0 : big(head + 8, 8);
        }
        if (size < least || size > left)
            return false;
        movie = movie || memcmp(head + 4, "moov", 4) == 0;
        at += size;
    }
    return movie;
}

/* Take "files/ID" out of the address of a file, whatever host it names; NULL where it is none. An
 * id has no other characters than these. */
static char *file_of(const char *address) {
    const char *at = address ? strstr(address, "files/") : NULL;
    size_t length = at ? strspn(at + 6, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-_")
                       : 0;
    return length ? mem_strndup(at, length + 6) : NULL;
}

/* Read a member that is a text. */
static const char *text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* Append an image as a member with what stands around its bytes. */
static bool append_image(Body *body, const char *before, const ImageFile *image, const char *mime,
                         const char *after) {
    return wire_append(body, before) && body_append_base64(body, image->bytes) &&
           wire_append(body, "\",\"") && wire_append(body, mime) && wire_append(body, "\":\"") &&
           wire_append(body, image->mime) && wire_append(body, "\"") && wire_append(body, after);
}

/* Hand a body over; one that is not whole, since it is too large, is none. */
static Body *take(Body *body, bool ok) {
    if (ok)
        return body;
    body_free(body);
    return NULL;
}

/* Keep what a finished operation has: a file, or say that there is none. */
static void take_address(VideoReply *reply, const char *address) {
    reply->file = file_of(address);
    if (!reply->file)
        wire_malformed(&reply->answer,
                       "the video is at \"%.200s\", which is no file of the provider",
                       address ? address : "");
}

/* ---- Veo ---- */

/* Append the frames, or the references where there are none. */
static bool append_veo_images(Body *body, const VideoCall *call) {
    static const char frame[] = "{\"bytesBase64Encoded\":\"";
    bool ok = true;
    if (call->first->bytes)
        ok = wire_append(body, ",\"image\":") &&
             append_image(body, frame, call->first, "mimeType", "}");
    if (ok && call->last->bytes)
        ok = wire_append(body, ",\"lastFrame\":") &&
             append_image(body, frame, call->last, "mimeType", "}");
    if (call->first->bytes || !call->reference_count || call->seconds != 8 || call->previous)
        return ok;
    ok = ok && wire_append(body, ",\"referenceImages\":[");
    for (size_t i = 0; ok && i < call->reference_count; i++)
        ok = (!i || wire_append(body, ",")) &&
             append_image(body, "{\"image\":{\"bytesBase64Encoded\":\"", &call->references[i],
                          "mimeType", "},\"referenceType\":\"ASSET\"}");
    return ok && wire_append(body, "]");
}

/* Build a start. */
static Body *build_veo(const VideoCall *call, char **path, char **error) {
    char *file = file_of(call->previous);
    if ((call->last->bytes && !call->first->bytes) || (call->previous && !file)) {
        *error = mem_strdup(call->previous ? "Veo goes on only from a video of its own, by its "
                                             "address (.../files/ID)"
                                           : "a last frame needs a first one");
        free(file);
        return NULL;
    }
    Body *body = body_new(REQUEST_MAXIMUM);
    json_t *parameters =
        json_pack("{s:s, s:s}", "aspectRatio", call->aspect_ratio, "resolution", call->resolution);
    if (!file)
        json_object_set_new(parameters, "durationSeconds", json_integer(call->seconds));
    if (call->negative && *call->negative)
        json_object_set_new(parameters, "negativePrompt", json_string(call->negative));
    bool ok = wire_append(body, "{\"instances\":[{\"prompt\":") &&
              wire_append_json(body, json_string(call->prompt)) && append_veo_images(body, call);
    if (ok && file)
        ok = wire_append(body, ",\"video\":") &&
             wire_append_json(body, json_pack("{s:s}", "uri", call->previous));
    ok = ok && wire_append(body, "}],\"parameters\":");
    ok = wire_append_json(body, parameters) && ok && wire_append(body, "}");
    char *model = curl_easy_escape(NULL, call->model->id, 0);
    *path = mem_printf("/v1beta/models/%s:predictLongRunning", model);
    curl_free(model);
    free(file);
    return take(body, ok);
}

/* Where to ask for an operation. */
static char *veo_path(const char *operation) {
    return mem_printf("/v1beta/%s", operation);
}

/* An operation that ended in an error says so by a number of google.rpc. */
static void parse_veo_error(const json_t *error, ModelAnswer *answer) {
    static const Outcome outcomes[] = {[3] = OUTCOME_REJECTED,
                                       [4] = OUTCOME_UNKNOWN,
                                       [8] = OUTCOME_RATE_LIMITED,
                                       [13] = OUTCOME_OVERLOADED,
                                       [14] = OUTCOME_OVERLOADED};
    static const char *const policies[] = {"Responsible AI", "violate", "safety", "policy"};
    const char *words = text(error, "message");
    json_int_t code = json_integer_value(json_object_get(error, "code"));
    bool known = code > 0 && (size_t)code < sizeof outcomes / sizeof outcomes[0];
    answer->outcome = known && outcomes[code] ? outcomes[code] : OUTCOME_REJECTED;
    for (size_t i = 0; words && i < sizeof policies / sizeof policies[0]; i++)
        if (strstr(words, policies[i]))
            answer->outcome = OUTCOME_BLOCKED;
    answer->message = mem_printf("the operation ended in an error (%lld): %s", (long long)code,
                                 words ? words : "no explanation");
}

/* Read the state of an operation. */
static void parse_veo(const json_t *body, const LongStrings *strings, VideoReply *reply) {
    const json_t *response =
        json_object_get(json_object_get(body, "response"), "generateVideoResponse");
    const json_t *sample = json_array_get(json_object_get(response, "generatedSamples"), 0);
    const json_t *filtered = json_object_get(response, "raiMediaFilteredReasons");
    const json_t *error = json_object_get(body, "error");
    (void)strings;
    reply->operation = mem_strdup(text(body, "name"));
    reply->pending = !json_is_true(json_object_get(body, "done"));
    if (reply->pending)
        return;
    if (error) {
        parse_veo_error(error, &reply->answer);
    } else if (sample) {
        take_address(reply, text(json_object_get(sample, "video"), "uri"));
    } else if (json_array_size(filtered)) {
        reply->answer.outcome = OUTCOME_BLOCKED;
        const char *reason = json_string_value(json_array_get(filtered, 0));
        reply->answer.message =
            mem_printf("the video was filtered: %s", reason ? reason : "no reason given");
    } else {
        reply->answer.outcome = OUTCOME_EMPTY;
        reply->answer.message = mem_strdup("the operation ended without a video");
    }
}

const VideoWire video_veo = {
    .name = "veo", .build = build_veo, .poll_path = veo_path, .parse = parse_veo};

/* ---- Interactions ---- */

/* What the model is to do, by what it is given. */
static const char *task_of(const VideoCall *call) {
    if (call->previous)
        return "extend";
    if (call->first->bytes)
        return "image_to_video";
    return call->reference_count ? "reference_to_video" : "text_to_video";
}

/* Append one image of the input. */
static bool append_input(Body *body, const ImageFile *image) {
    return append_image(body, ",{\"type\":\"image\",\"data\":\"", image, "mime_type", "}");
}

/* Append the input: what is asked for, with the length in words, and the images. */
static bool append_inputs(Body *body, const VideoCall *call) {
    const char *avoid = call->negative && *call->negative ? call->negative : NULL;
    char *words = mem_printf("%s\nThe video is %d seconds long.%s%s", call->prompt, call->seconds,
                             avoid ? "\nAvoid: " : "", avoid ? avoid : "");
    bool ok = wire_append(body, ",\"input\":[") &&
              wire_append_json(body, json_pack("{s:s, s:s}", "type", "text", "text", words));
    free(words);
    if (call->first->bytes)
        ok = ok && append_input(body, call->first) &&
             (!call->last->bytes || append_input(body, call->last));
    for (size_t i = 0; !call->first->bytes && !call->previous && i < call->reference_count; i++)
        ok = ok && append_input(body, &call->references[i]);
    return ok && wire_append(body, "]");
}

/* The name of an interaction out of "interactions/ID" or the name itself. */
static const char *interaction_of(const char *previous) {
    const char *at = previous ? strstr(previous, "interactions/") : NULL;
    return at ? at + strlen("interactions/") : NULL;
}

/* Build a start. */
static Body *build_interaction(const VideoCall *call, char **path, char **error) {
    const char *previous = interaction_of(call->previous);
    if ((call->last->bytes && !call->first->bytes) || (call->previous && !previous)) {
        *error = mem_strdup(call->previous ? "the model goes on only from an interaction of its "
                                             "own (interactions/ID)"
                                           : "a last frame needs a first one");
        return NULL;
    }
    Body *body = body_new(REQUEST_MAXIMUM);
    json_t *rest = json_pack("{s:{s:{s:s}}, s:{s:s, s:s, s:s, s:s}, s:b, s:b}", "generation_config",
                             "video_config", "task", task_of(call), "response_format", "type",
                             "video", "aspect_ratio", call->aspect_ratio, "resolution",
                             call->resolution, "delivery", "uri", "store", 1, "background", 1);
    if (previous)
        json_object_set_new(rest, "previous_interaction_id", json_string(previous));
    char *members = json_text(rest);
    json_decref(rest);
    bool ok = wire_append(body, "{\"model\":") &&
              wire_append_json(body, json_string(call->model->id)) && append_inputs(body, call) &&
              wire_append(body, ",") && wire_append(body, members + 1);
    free(members);
    *path = mem_strdup("/v1beta/interactions");
    return take(body, ok);
}

/* Where to ask for an interaction. */
static char *interaction_path(const char *operation) {
    return mem_printf("/v1beta/interactions/%s", operation);
}

/* The video among the steps; the last one. */
static const json_t *find_video(const json_t *body) {
    const json_t *found = NULL;
    size_t i, j;
    json_t *step, *content;
    json_array_foreach(json_object_get(body, "steps"), i, step) {
        json_array_foreach(json_object_get(step, "content"), j, content) {
            const char *type = text(content, "type");
            if (type && strcmp(type, "video") == 0)
                found = content;
        }
    }
    return found;
}

/* Read usage; the video's tokens are counted apart. */
static json_t *interaction_usage(const json_t *body) {
    const json_t *usage = json_object_get(body, "usage");
    json_int_t video = 0, out = wire_tokens(usage, "total_output_tokens");
    size_t i;
    json_t *part;
    if (!json_is_object(usage))
        return NULL;
    json_array_foreach(json_object_get(usage, "output_tokens_by_modality"), i, part) {
        const char *modality = text(part, "modality");
        if (modality && strcmp(modality, "video") == 0)
            video += wire_tokens(part, "tokens");
    }
    return json_pack("{s:I, s:I, s:I}", "inputTokens", wire_tokens(usage, "total_input_tokens"),
                     "outputTokens", out > video ? out - video : 0, "videoTokens", video);
}

/* Take the video of an interaction that is complete. */
static void take_video(const json_t *body, const LongStrings *strings, VideoReply *reply) {
    const json_t *video = find_video(body);
    LongString data = long_string_find(strings, json_object_get(video, "data"));
    if (!video) {
        reply->answer.outcome = OUTCOME_EMPTY;
        reply->answer.message = mem_strdup("the interaction ended without a video");
    } else if (data.at) {
        answer_take_video(&reply->answer, data.at, data.length);
    } else {
        take_address(reply, text(video, "uri"));
    }
}

/* Read the state of an interaction. */
static void parse_interaction(const json_t *body, const LongStrings *strings, VideoReply *reply) {
    static const char *const pending[] = {"in_progress", "queued"};
    const char *status = text(body, "status");
    const char *words = text(json_object_get(body, "error"), "message");
    reply->operation = mem_strdup(text(body, "id"));
    reply->answer.usage = interaction_usage(body);
    for (size_t i = 0; status && i < sizeof pending / sizeof pending[0]; i++)
        reply->pending = reply->pending || strcmp(status, pending[i]) == 0;
    if (reply->pending)
        return;
    if (status && strcmp(status, "completed") == 0) {
        take_video(body, strings, reply);
        return;
    }
    bool refused = words && (strstr(words, "safety") || strstr(words, "polic"));
    reply->answer.outcome = refused ? OUTCOME_BLOCKED : OUTCOME_REJECTED;
    if (status && strcmp(status, "incomplete") == 0)
        reply->answer.outcome = OUTCOME_EMPTY;
    reply->answer.message =
        mem_printf("the interaction is %s%s%s", status ? status : "without status",
                   words ? ": " : "", words ? words : "");
}

const VideoWire video_interactions = {.name = "interactions",
                                      .waits_for_file = true,
                                      .build = build_interaction,
                                      .poll_path = interaction_path,
                                      .parse = parse_interaction};

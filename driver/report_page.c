/* The page of a report: about the chain, an overview, every render, models and costs. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "chain_renders.h"
#include "colour.h"
#include "embed.h"
#include "html.h"
#include "image_file.h"
#include "report.h"
#include "table.h"

EMBED(page_css, "report/page.css");
EMBED(page_timeline_css, "report/timeline.css");

enum { PROMPT_IN_TABLE = 90, BASE64_AT_ONCE = 49152 };

/* An amount of money for people: as exact as it matters. */
char *report_cost(double cost, bool whole) {
    const char *more = whole ? "" : " and what is unknown";
    if (cost == 0)
        return mem_strdup(whole ? "$0" : "unknown");
    return mem_printf(cost < 0.1 ? "$%.4f%s" : "$%.2f%s", cost, more);
}

/* ---- what things cost ---- */

/* What was spent: sums over stages. */
typedef struct Spent {
    double cost, ms;
    size_t calls, failed;
    bool whole; /* no price is unknown */
} Spent;

/* Did a stage ask a model for money? One that was known already and one that only chose did not. */
static bool asks_model(const json_t *stage) {
    const char *name = json_text_of(stage, "stage"), *outcome = json_text_of(stage, "outcome");
    const char *status = json_text_of(stage, "status");
    return json_text_of(stage, "model") && name && strcmp(name, "model_routing") != 0 &&
           !(outcome && strcmp(outcome, "cached") == 0) &&
           !(status && strcmp(status, "skipped") == 0);
}

/* Add a stage. */
static void spend(Spent *spent, const json_t *stage) {
    double cost = report_number(stage, "cost"), ms = report_number(stage, "durationMs");
    const char *status = json_text_of(stage, "status");
    if (!asks_model(stage))
        return;
    spent->calls++;
    spent->failed += status && strcmp(status, "failed") == 0;
    spent->cost += cost > 0 ? cost : 0;
    spent->ms += ms > 0 ? ms : 0;
    spent->whole = spent->whole && (cost >= 0 || !(status && strcmp(status, "success") == 0));
}

/* The timeline of a render. */
static const json_t *timeline_of(const Report *report, const json_t *render) {
    return json_object_get(json_object_get(report->timelines, "renders"),
                           json_text_of(render, "renderId"));
}

/* What a render has cost. */
static Spent spent_on(const Report *report, const json_t *render) {
    Spent spent = {.whole = true};
    size_t i;
    json_t *stage;
    json_array_foreach(json_object_get(timeline_of(report, render), "stages"), i, stage)
        spend(&spent, stage);
    return spent;
}

/* ---- pictures ---- */

/* Write bytes as base64, a piece at a time. */
static void write_base64(FILE *to, const char *bytes, size_t length) {
    unsigned char buffer[BASE64_AT_ONCE / 3 * 4 + 1];
    while (length > 0) {
        size_t now = length < BASE64_AT_ONCE ? length : BASE64_AT_ONCE;
        int written = EVP_EncodeBlock(buffer, (const unsigned char *)bytes, (int)now);
        fwrite(buffer, 1, (size_t)written, to);
        bytes += now;
        length -= now;
    }
}

/* What a file is by its first bytes; NULL where it is nothing that a page can show. */
static const char *mime_of(const ReportPicture *picture, unsigned *width, unsigned *height) {
    const char *mime = NULL;
    char *error = NULL;
    if (image_probe(picture->bytes, picture->length, &mime, width, height, &error))
        return mime;
    free(error);
    if (picture->length > 12 && memcmp(picture->bytes + 4, "ftyp", 4) == 0)
        return "video/mp4";
    if (picture->length > 4 && memcmp(picture->bytes, "\x1A\x45\xDF\xA3", 4) == 0)
        return "video/webm";
    return NULL;
}

/* Say that there is no picture, and why. */
static void write_no_picture(FILE *to, const char *why) {
    html_print(to, "<div class=\"none\"><p>%s</p></div>", why);
}

/* Write a picture with its size below it. True where there is one. */
static bool write_picture(FILE *to, const ReportPicture *picture, int position) {
    unsigned width = 0, height = 0;
    if (!picture->bytes) {
        write_no_picture(to, picture->problem ? picture->problem : "no picture");
        return false;
    }
    const char *mime = mime_of(picture, &width, &height);
    if (!mime) {
        write_no_picture(to, "what is stored is no picture that a page can show");
        return false;
    }
    bool video = strncmp(mime, "video/", 6) == 0;
    fputs("<figure>", to);
    html_print(to,
               video ? "<video controls=\"\" src=\"data:%s;base64," : "<img src=\"data:%s;base64,",
               mime);
    write_base64(to, picture->bytes, picture->length);
    if (video)
        fputs("\"></video>", to);
    else
        html_print(to,
                   "\" width=\"%d\" height=\"%d\" loading=\"lazy\" alt=\"Picture of render %d\"/>",
                   (int)width, (int)height, position);
    html_print(to, "<figcaption>%s", strchr(mime, '/') + 1);
    if (!video)
        html_print(to, ", %d × %d", (int)width, (int)height);
    html_print(to, ", %.2f MB</figcaption></figure>", (double)picture->length / 1e6);
    return true;
}

/* ---- about the chain ---- */

/* A fact: what it is, and its text, which is freed. */
static void write_fact(FILE *to, const char *what, char *text) {
    if (*text)
        html_print(to, "<div><dt>%s</dt><dd>%s</dd></div>", what, text);
    free(text);
}

/* How many renders have a status. */
static int count_status(const json_t *renders, const char *status) {
    int count = 0;
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        const char *own = json_text_of(render, "status");
        count += own && strcmp(own, status) == 0;
    }
    return count;
}

/* Renders by what became of them. */
static char *counts_text(const json_t *renders) {
    static const char *const statuses[] = {"completed", "failed", "cancelled", "processing",
                                           "pending"};
    size_t all = json_array_size(renders);
    char *text = mem_printf("%zu", all), *sorts = mem_strdup("");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        int count = count_status(renders, statuses[i]);
        if (count)
            mem_set(&sorts, "%s%s%d %s", sorts, *sorts ? ", " : "", count, statuses[i]);
    }
    if (all)
        mem_set(&text, "%s: %s", text, sorts);
    free(sorts);
    return text;
}

/* A time without fractions and zone, as the database writes it. */
static char *moment(const json_t *object, const char *key) {
    const char *text = json_text_of(object, key);
    char *out = mem_strndup(text ? text : "", strcspn(text ? text : "", ".+"));
    for (char *at = out; *at; at++)
        *at = *at == 'T' ? ' ' : *at;
    return out;
}

/* Name, description, figures. */
static void write_header(FILE *to, const Report *report) {
    const json_t *renders = json_object_get(report->chain, "renders");
    Spent all = {.whole = true};
    double ms = 0, credits = 0;
    size_t i;
    json_t *render;
    json_array_foreach(renders, i, render) {
        Spent spent = spent_on(report, render);
        double own = report_number(render, "processingMs"),
               price = report_number(render, "creditsCost");
        const char *status = json_text_of(render, "status");
        all.cost += spent.cost;
        all.calls += spent.calls;
        all.whole = all.whole && spent.whole;
        ms += own > 0 ? own : 0;
        credits += price > 0 && status && strcmp(status, "completed") == 0 ? price : 0;
    }
    html_print(to, "<header><p class=\"kicker\">Chain</p><h1>%s</h1>",
               json_text_of(report->chain, "name"));
    if (json_text_of(report->chain, "description"))
        html_print(to, "<p>%s</p>", json_text_of(report->chain, "description"));
    fputs("<dl class=\"facts\">", to);
    write_fact(to, "renders", counts_text(renders));
    write_fact(to, "time of renders", ms > 0 ? report_time(ms) : mem_strdup(""));
    write_fact(to, "calls of models", mem_printf("%zu", all.calls));
    write_fact(to, "cost", report_cost(all.cost, all.whole));
    write_fact(to, "credits", mem_printf("%.0f", credits));
    write_fact(to, "begun", moment(report->chain, "createdAt"));
    write_fact(to, "last change", moment(report->chain, "updatedAt"));
    fputs("</dl></header>\n", to);
}

/* What the chain remembers now. */
static void write_memory(FILE *to, const json_t *chain) {
    const json_t *memory = json_object_get(chain, "memory"), *pins = json_object_get(chain, "pins");
    fputs("<section id=\"memory\"><h2>Memory</h2>", to);
    if (json_is_object(memory) || json_object_size(pins))
        report_memory(to, json_is_object(memory) ? memory : pins, pins);
    else
        fputs("<p class=\"soft\">The chain remembers nothing yet.</p>", to);
    fputs("</section>\n", to);
}

/* ---- overview ---- */

/* A palette as bare swatches. */
static void write_swatches(FILE *to, const json_t *palette) {
    size_t i;
    json_t *entry;
    fputs("<span class=\"swatches\">", to);
    json_array_foreach(palette, i, entry) {
        Colour colour;
        const char *text = json_string_value(entry);
        if (text && colour_parse(text, &colour) && colour.measured)
            html_print(to, "<i style=\"background:rgb(%d,%d,%d)\" title=\"%s\"></i>", colour.red,
                       colour.green, colour.blue, text);
    }
    fputs("</span>", to);
}

static void write_status(FILE *to, const json_t *render) {
    const char *status = json_text_of(render, "status");
    html_print(to, "<span class=\"status %s\">%s</span>", status, status);
}

/* A row of the overview. */
static void write_row(FILE *to, const Report *report, const json_t *renders, size_t index) {
    const json_t *render = json_array_get(renders, index);
    int position = (int)report_number(render, "chainPosition");
    double ms = report_number(render, "processingMs");
    Spent spent = spent_on(report, render);
    Consistency consistency;
    char *time = ms >= 0 ? report_time(ms) : mem_strdup("");
    char *cost = spent.calls ? report_cost(spent.cost, spent.whole) : mem_strdup("");
    char *prompt = text_cut(json_text_of(render, "prompt"), PROMPT_IN_TABLE);
    html_print(to, "<tr><td class=\"n\"><a href=\"#render-%d\">%d</a></td><td>", position,
               position);
    write_status(to, render);
    fputs("</td><td>", to);
    write_swatches(to, json_object_get(json_object_get(render, "memory"), "palette"));
    fputs("</td><td class=\"n\">", to);
    if (chain_compare(renders, index, &consistency))
        html_print(to, "%.0f %%", consistency.score * 100);
    html_print(to,
               "</td><td class=\"n wide\">%s</td><td class=\"n wide\">%s</td><td "
               "class=\"prompt\">%s</td></tr>\n",
               time, cost, prompt);
    free(time);
    free(cost);
    free(prompt);
}

/* All renders in a table. */
static void write_overview(FILE *to, const Report *report) {
    const json_t *renders = json_object_get(report->chain, "renders");
    fputs("<section id=\"overview\"><h2>Overview</h2><div class=\"scroll\"><table><thead><tr><th "
          "class=\"n\">#</th>"
          "<th>status</th><th>palette</th><th class=\"n\">consistency</th><th class=\"n "
          "wide\">time</th>"
          "<th class=\"n wide\">cost</th><th>prompt</th></tr></thead><tbody>\n",
          to);
    for (size_t i = 0; i < json_array_size(renders); i++)
        write_row(to, report, renders, i);
    fputs("</tbody></table></div></section>\n", to);
}

/* ---- renders ---- */

/* How it differs from what it began with. */
static void write_difference(FILE *to, const Report *report, size_t index) {
    const json_t *renders = json_object_get(report->chain, "renders");
    const json_t *render = json_array_get(renders, index);
    const json_t *before = chain_render_before(renders, index);
    const json_t *memory = json_object_get(render, "memory");
    const json_t *pins = json_object_get(report->chain, "pins");
    Consistency consistency;
    if (!json_is_object(memory))
        return;
    if (!before) {
        fputs("<h4>Remembered</h4>", to);
        report_memory(to, memory, pins);
        return;
    }
    html_print(to, "<h4>What changed since render %d", (int)report_number(before, "chainPosition"));
    if (chain_compare(renders, index, &consistency))
        html_print(to, " <span class=\"soft\">(%.0f %% the same)</span>", consistency.score * 100);
    fputs("</h4>", to);
    report_changes(to, json_object_get(before, "memory"), memory, pins);
}

/* Number, status, prompt. */
static void write_heading(FILE *to, const json_t *renders, const json_t *render) {
    const json_t *from = chain_find_render(renders, json_text_of(render, "parentRenderId"));
    html_print(to, "<header><h3>Render %d ", (int)report_number(render, "chainPosition"));
    write_status(to, render);
    if (from)
        html_print(to, " <span class=\"soft\">branches from %d</span>",
                   (int)report_number(from, "chainPosition"));
    html_print(to, "</h3><blockquote>%s</blockquote>", json_text_of(render, "prompt"));
    if (json_text_of(render, "error"))
        html_print(to, "<p class=\"error\">%s</p>", json_text_of(render, "error"));
    fputs("</header>", to);
}

/* Figures of a render. */
static void write_facts(FILE *to, const Report *report, const json_t *render) {
    double ms = report_number(render, "processingMs");
    double credits = report_number(render, "creditsCost");
    int attempt = (int)report_number(timeline_of(report, render), "attempt");
    Spent spent = spent_on(report, render);
    fputs("<dl class=\"facts\">", to);
    write_fact(to, "time", ms >= 0 ? report_time(ms) : mem_strdup(""));
    write_fact(to, "model", text_clean(json_text_of(render, "selectedModel")));
    write_fact(to, "cost", spent.calls ? report_cost(spent.cost, spent.whole) : mem_strdup(""));
    write_fact(to, "credits", credits > 0 ? mem_printf("%.0f", credits) : mem_strdup(""));
    write_fact(to, "attempts", attempt > 1 ? mem_printf("%d", attempt) : mem_strdup(""));
    write_fact(to, "submitted", moment(timeline_of(report, render), "submittedAt"));
    fputs("</dl>", to);
}

/* Stages that were left out, since no bar says so. */
static void write_skipped(FILE *to, const json_t *timeline) {
    char *text = mem_strdup("");
    size_t i;
    json_t *stage;
    json_array_foreach(json_object_get(timeline, "stages"), i, stage) {
        const char *status = json_text_of(stage, "status");
        char *name = report_stage(stage);
        if (status && strcmp(status, "skipped") == 0)
            mem_set(&text, "%s%s%s", text, *text ? "; " : "", name);
        free(name);
    }
    if (*text)
        html_print(to, "<p class=\"soft small\">Skipped: %s.</p>", text);
    free(text);
}

/* A render. True where its picture is there. */
static bool write_render(FILE *to, const Report *report, size_t index) {
    const json_t *renders = json_object_get(report->chain, "renders");
    const json_t *render = json_array_get(renders, index);
    int position = (int)report_number(render, "chainPosition");
    ReportPicture picture = report->next(report->context, index);
    char *label = mem_printf("Stages of render %d over time", position);
    html_print(to, "<article id=\"render-%d\">", position);
    write_heading(to, renders, render);
    fputs("<div class=\"pair\"><div>", to);
    bool there = write_picture(to, &picture, position);
    fputs("</div><div class=\"about\">", to);
    write_facts(to, report, render);
    write_difference(to, report, index);
    fputs("</div></div>\n", to);
    report_timeline(to, timeline_of(report, render), label, -1);
    write_skipped(to, timeline_of(report, render));
    fputs("</article>\n", to);
    free(label);
    return there;
}

/* ---- models ---- */

/* Add up what each stage and model has done, by "stage\nmodel". */
static json_t *sum_models(const Report *report) {
    json_t *sums = json_object(), *stage, *render;
    size_t i, j;
    json_array_foreach(json_object_get(report->chain, "renders"), i, render)
        json_array_foreach(json_object_get(timeline_of(report, render), "stages"), j, stage) {
        const char *name = json_text_of(stage, "stage"), *model = json_text_of(stage, "model");
        char *key = mem_printf("%s\n%s", name ? name : "", model ? model : "");
        json_t *list = json_object_get(sums, key);
        if (asks_model(stage) && !list) {
            list = json_array();
            json_object_set_new(sums, key, list);
        }
        if (asks_model(stage))
            json_array_append(list, stage);
        free(key);
    }
    return sums;
}

/* The models with their calls, times and costs. */
static void write_models(FILE *to, const Report *report) {
    json_t *sums = sum_models(report), *list, *stage;
    const char *key;
    size_t i;
    if (json_object_size(sums))
        fputs("<section id=\"models\"><h2>Models and costs</h2><div "
              "class=\"scroll\"><table><thead><tr><th>stage</th>"
              "<th>model</th><th class=\"n\">calls</th><th class=\"n\">failed</th><th "
              "class=\"n\">mean time</th>"
              "<th class=\"n\">cost</th></tr></thead><tbody>\n",
              to);
    json_object_foreach(sums, key, list) {
        Spent spent = {.whole = true};
        json_array_foreach(list, i, stage) spend(&spent, stage);
        char *name = mem_strndup(key, strcspn(key, "\n"));
        char *time = report_time(spent.ms / (double)spent.calls);
        char *cost = report_cost(spent.cost, spent.whole);
        for (char *at = name; *at; at++)
            *at = *at == '_' ? ' ' : *at;
        html_print(to,
                   "<tr><td>%s</td><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td>"
                   "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                   name, strchr(key, '\n') + 1, spent.calls, spent.failed, time, cost);
        free(name);
        free(time);
        free(cost);
    }
    if (json_object_size(sums))
        fputs("</tbody></table></div></section>\n", to);
    json_decref(sums);
}

/* What colours and patterns of timelines mean. */
static void write_legend(FILE *to) {
    fputs("<p class=\"legend\"><span class=\"w0\">reading</span><span class=\"w1\">deciding</span>"
          "<span class=\"w2\">generation</span><span class=\"w3\">checking and storing</span>"
          "<span class=\"failed\">failed</span><span class=\"cached\">known already</span>"
          "<span class=\"wait\">waiting</span></p>\n",
          to);
}

/* Write the page, which is well-formed XML, too, so that programs can read it. */
size_t report_page(FILE *to, const Report *report) {
    const json_t *renders = json_object_get(report->chain, "renders");
    size_t pictures = 0;
    html_print(
        to,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>Chain %s</title>\n<style>\n",
        json_text_of(report->chain, "name"));
    fputs(page_css, to);
    fputs(page_timeline_css, to);
    fputs("</style></head>\n<body><main>\n", to);
    write_header(to, report);
    report_line(to, renders);
    write_memory(to, report->chain);
    if (json_array_size(renders)) {
        write_overview(to, report);
        fputs("<section id=\"renders\"><h2>Renders</h2>\n", to);
        write_legend(to);
        for (size_t i = 0; i < json_array_size(renders); i++)
            pictures += write_render(to, report, i);
        fputs("</section>\n", to);
    } else {
        fputs("<section><p class=\"soft\">The chain has no renders yet.</p></section>\n", to);
    }
    write_models(to, report);
    char *at = moment(report->timelines, "at");
    html_print(to, "<footer>Chain %s, as it was at %s. Made by renderchain %s.</footer>\n",
               json_text_of(report->chain, "chainId"), at, RC_VERSION);
    free(at);
    fputs("</main></body></html>\n", to);
    return pictures;
}

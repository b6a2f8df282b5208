/* What a chain remembers, what a render changed of it, and what the user has fixed. */
#include <stdlib.h>
#include <string.h>

#include "chain_renders.h"
#include "colour.h"
#include "html.h"
#include "json_text.h"
#include "report.h"
#include "table.h"

enum { DEPTH_MOST = 16, VALUE_MOST = 400 };

/* One chip: a colour with its swatch, or a word; sign: "+", "−" or "". */
static void write_chip(FILE *to, const json_t *entry, const char *sign, bool colours) {
    Colour colour = {0};
    char *text =
        json_is_string(entry) ? text_cut(json_string_value(entry), VALUE_MOST) : json_text(entry);
    const char *kind = *sign == '\0' ? "" : *sign == '+' ? " added" : " gone";
    html_print(to, "<li class=\"chip%s\" title=\"%s\">", kind, text);
    if (*sign)
        html_print(to, "<span class=\"sign\" aria-label=\"%s\">%s</span>",
                   *sign == '+' ? "new" : "gone", sign);
    if (colours && colour_parse(text, &colour) && colour.measured)
        html_print(to, "<i style=\"background:rgb(%d,%d,%d)\"></i>", colour.red, colour.green,
                   colour.blue);
    /* What changed is told by names; the value is in the swatch. */
    html_print(to, "%s</li>", *sign && colours && *colour.name ? colour.name : text);
    free(text);
}

/* Is a member of a memory a list of colours? */
static bool is_colours(const char *key) {
    return strcmp(key, "palette") == 0 || strcmp(key, "colorPalette") == 0;
}

/* The words of a key: "cameraAngle" is "camera angle". */
static char *key_words(const char *key) {
    char *out = mem_strdup("");
    for (; *key; key++) {
        bool upper = *key >= 'A' && *key <= 'Z';
        mem_set(&out, "%s%s%c", out, upper && *out ? " " : "", upper ? *key - 'A' + 'a' : *key);
    }
    return out;
}

/* Write what a member is called; with a mark where it is what the user has fixed. */
static void write_term(FILE *to, const char *key, const json_t *value, const json_t *pin,
                       bool list) {
    char *words = key_words(key);
    bool pinned = pin && value && json_equal(pin, value);
    html_print(to, "<div class=\"%s\"><dt>%s", list ? "list" : "one", words);
    if (pinned)
        fputs(" <span class=\"pinned\" title=\"fixed by the user\">pinned</span>", to);
    fputs("</dt><dd>", to);
    free(words);
}

/* A value that is no list and no object, for people. */
static void write_value(FILE *to, const json_t *value) {
    if (!value) {
        fputs("<span class=\"soft\">nothing</span>", to);
        return;
    }
    char *text = json_is_string(value) ? mem_strdup(json_string_value(value)) : json_text(value);
    char *cut = text_cut(text, VALUE_MOST);
    html_print(to, "%s", cut);
    free(cut);
    free(text);
}

/* The members of a memory in the order in which people look at them; when it was extracted is
 * left out, and so is a list of colours that is there twice. */
static json_t *in_order(const json_t *memory) {
    static const char *const first[] = {"palette", "materials", "styleCodes", "geometry"};
    json_t *sorted = json_object(), *value;
    const char *key;
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if ((value = json_object_get(memory, first[i])))
            json_object_set(sorted, first[i], value);
    json_object_foreach((json_t *)memory, key, value) if (strcmp(key, "extractedAt") != 0)
        json_object_set(sorted, key, value);
    json_t *style = json_object_get(sorted, "styleCodes");
    const json_t *colours = json_object_get(style, "colorPalette");
    if (colours && json_equal(colours, json_object_get(memory, "palette"))) {
        style = json_copy(style);
        json_object_del(style, "colorPalette");
        json_object_set_new(sorted, "styleCodes", style);
    }
    return sorted;
}

/* ---- a memory as it is ---- */

/* Write a member of a memory. */
static void write_member(FILE *to, const char *key, const json_t *value, const json_t *pin) {
    write_term(to, key, value, pin, json_is_array(value));
    if (json_is_array(value)) {
        size_t i;
        json_t *entry;
        fputs("<ul class=\"chips\">", to);
        json_array_foreach(value, i, entry) write_chip(to, entry, "", is_colours(key));
        fputs("</ul>", to);
        if (i == 0)
            fputs("<span class=\"soft\">none</span>", to);
    } else {
        write_value(to, value);
    }
    fputs("</dd></div>", to);
}

/* Write the members of a memory, those of objects in it one by one. */
static void write_members(FILE *to, const json_t *memory, const json_t *pins, int depth) {
    const char *key;
    json_t *value, *sorted = in_order(memory);
    json_object_foreach(sorted, key, value) {
        const json_t *pin = json_object_get(pins, key);
        if (json_is_object(value) && depth < DEPTH_MOST)
            write_members(to, value, pin, depth + 1);
        else
            write_member(to, key, value, pin);
    }
    json_decref(sorted);
}

/* Write a memory. */
void report_memory(FILE *to, const json_t *memory, const json_t *pins) {
    fputs("<dl class=\"memory\">", to);
    write_members(to, memory, pins, 0);
    fputs("</dl>\n", to);
}

/* ---- what changed ---- */

/* Does a list hold an entry? */
static bool holds(const json_t *list, const json_t *entry) {
    size_t i;
    json_t *own;
    json_array_foreach(list, i, own) if (json_equal(own, entry)) return true;
    return false;
}

/* Write what one list has and the other has not. Gives how many entries both have. */
static size_t write_missing(FILE *to, const json_t *list, const json_t *other, const char *sign,
                            bool colours) {
    size_t i, both = 0;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        if (holds(other, entry))
            both++;
        else
            write_chip(to, entry, sign, colours);
    }
    return both;
}

/* Write the change of a list. */
static void write_list_change(FILE *to, const char *key, const json_t *before,
                              const json_t *after) {
    fputs("<ul class=\"chips\">", to);
    write_missing(to, before, after, "\xE2\x88\x92", is_colours(key));
    size_t kept = write_missing(to, after, before, "+", is_colours(key));
    if (kept)
        html_print(to, "<li class=\"soft\">%zu kept</li>", kept);
    fputs("</ul>", to);
}

/* Write the change of a member. */
static void write_change(FILE *to, const char *key, const json_t *before, const json_t *after,
                         const json_t *pin) {
    bool list = (json_is_array(before) || !before) && (json_is_array(after) || !after);
    write_term(to, key, after, pin, list);
    if (list) {
        write_list_change(to, key, before, after);
    } else {
        fputs("<span class=\"was\">", to);
        write_value(to, before);
        fputs("</span> \xE2\x86\x92 <span class=\"is\">", to);
        write_value(to, after);
        fputs("</span>", to);
    }
    fputs("</dd></div>", to);
}

static size_t write_changes(FILE *to, const json_t *before, const json_t *after, const json_t *pins,
                            int depth);

/* Write what changed of one member. Gives how many changes there are. */
static size_t member_changes(FILE *to, const char *key, const json_t *before, const json_t *after,
                             const json_t *pins, int depth) {
    const json_t *pin = json_object_get(pins, key);
    if (before && after && json_equal(before, after))
        return 0;
    if ((json_is_object(before) || json_is_object(after)) && depth < DEPTH_MOST)
        return write_changes(to, before, after, pin, depth + 1);
    write_change(to, key, before, after, pin);
    return 1;
}

/* Write what changed of an object: its members, then those that are gone. */
static size_t write_changes(FILE *to, const json_t *before, const json_t *after, const json_t *pins,
                            int depth) {
    const char *key;
    json_t *value;
    size_t count = 0;
    json_object_foreach((json_t *)after, key, value) count +=
        member_changes(to, key, json_object_get(before, key), value, pins, depth);
    json_object_foreach((json_t *)before, key, value) if (!json_object_get(after, key)) count +=
        member_changes(to, key, value, NULL, pins, depth);
    return count;
}

/* Write what changed from one memory to another. */
void report_changes(FILE *to, const json_t *before, const json_t *after, const json_t *pins) {
    json_t *was = in_order(before), *is = in_order(after);
    fputs("<dl class=\"memory changes\">", to);
    if (write_changes(to, was, is, pins, 0) == 0)
        fputs("<div><dt>nothing</dt><dd></dd></div>", to);
    fputs("</dl>\n", to);
    json_decref(was);
    json_decref(is);
}

/* The description of the HTTP side (driver/openapi.json) says what the table of routes says:
 * no route, method, level, body or status is missing, and none is too much. */
#include "driver_test.h"

#include <stdio.h>

#include "embed.h"
#include "serve.h"

EMBED(description, OPENAPI_JSON);

static json_t *document;
static int problems;

/* Say what is wrong; all of it is wanted. */
static void expect(bool right, const char *method, const char *path, const char *what) {
    if (right)
        return;
    print_error("%s %s: %s\n", method, path, what);
    problems++;
}

static int setup(void **state) {
    (void)state;
    document = json_loads(description, 0, NULL);
    return document ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    json_decref(document);
    return 0;
}

/* A path of the description as the table spells it; the caller's. */
static char *table_path(const char *path) {
    const char *open = strchr(path, '{'), *close = strchr(path, '}');
    if (!open)
        return mem_strdup(path);
    /* A key has slashes, for which OpenAPI has no word. */
    if (strcmp(open, "{key}") == 0)
        return mem_printf("%.*s...", (int)(open - path), path);
    return mem_printf("%.*s{}%s", (int)(open - path), path, close + 1);
}

/* The operation of a route; NULL where it is not described. */
static const json_t *find_operation(const ServeRoute *route) {
    const char *path;
    json_t *item;
    char method[8] = "";
    for (size_t i = 0; route->method[i] && i < sizeof method - 1; i++)
        method[i] = (char)(route->method[i] + 32);
    json_object_foreach(json_object_get(document, "paths"), path, item) {
        char *spelled = table_path(path);
        bool same = strcmp(spelled, route->path) == 0;
        free(spelled);
        if (same)
            return json_object_get(item, method);
    }
    return NULL;
}

/* The level that an operation asks for. */
static const char *level_of(const json_t *operation) {
    const json_t *security = json_object_get(operation, "security");
    const json_t *levels = json_object_get(json_array_get(security, 0), "token");
    if (security && json_array_size(security) == 0)
        return "none";
    const char *level = json_string_value(json_array_get(levels, 0));
    return level && json_array_size(levels) == 1 ? level : "unclear";
}

static void every_route_is_described(void **state) {
    static const char *const levels[] = {"none", "read", "write", "admin"};
    size_t count;
    const ServeRoute *routes = serve_routes(&count);
    (void)state;
    problems = 0;
    for (size_t i = 0; i < count; i++) {
        const ServeRoute *route = &routes[i];
        const json_t *operation = find_operation(route);
        expect(operation != NULL, route->method, route->path, "is not described");
        if (!operation)
            continue;
        const json_t *answers = json_object_get(operation, "responses");
        bool body = route->handle == serve_submit ||
                    (route->parameters && strchr(route->parameters, 'b') != NULL);
        const struct {
            bool wanted;
            const char *status;
        } statuses[] = {
            {true, "400"}, /* a token in the URL */
            {route->level > LEVEL_NONE, "401"},
            {route->level > LEVEL_NONE, "429"},
            {route->level > LEVEL_NONE, "500"},
            {route->level > LEVEL_READ, "403"},
            {strpbrk(route->path, "{") || strstr(route->path, "..."), "404"},
            {body, "413"},
            {body, "415"},
            {route->handle == serve_submit, "402"},
        };
        char status[4];
        snprintf(status, sizeof status, "%u", route->status);
        expect(strcmp(level_of(operation), levels[route->level]) == 0, route->method, route->path,
               "asks for another level");
        expect(!json_object_get(operation, "requestBody") == !body, route->method, route->path,
               "has a body in one of the two only");
        expect(json_object_get(answers, status) != NULL, route->method, route->path,
               "its success is another status");
        for (size_t k = 0; k < COUNT(statuses); k++)
            expect(!statuses[k].wanted || json_object_get(answers, statuses[k].status),
                   route->method, route->path, statuses[k].status);
    }
    assert_int_equal(problems, 0);
}

/* Is an operation one of the routes? */
static bool is_route(const char *method, const char *path) {
    size_t count;
    const ServeRoute *routes = serve_routes(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(routes[i].path, path) == 0 && strcasecmp(routes[i].method, method) == 0)
            return true;
    return false;
}

static void nothing_else_is_described(void **state) {
    const char *path, *method;
    json_t *item, *operation;
    (void)state;
    problems = 0;
    json_object_foreach(json_object_get(document, "paths"), path, item) {
        char *spelled = table_path(path);
        json_object_foreach(item, method, operation)
            expect(is_route(method, spelled), method, path, "is no route");
        free(spelled);
    }
    assert_int_equal(problems, 0);
}

static void the_form_has_its_fields(void **state) {
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    const json_t *fields = json_object_get(json_object_get(schemas, "RenderForm"), "properties");
    size_t count = 0;
    (void)state;
    problems = 0;
    for (const char *field; (field = serve_form_field(count)); count++)
        expect(json_object_get(fields, field) != NULL, "form", field, "is not described");
    assert_int_equal(problems, 0);
    assert_int_equal(json_object_size(fields), count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(nothing_else_is_described),
        cmocka_unit_test(the_form_has_its_fields),
    };
    return cmocka_run_group_tests_name("openapi", tests, setup, teardown);
}

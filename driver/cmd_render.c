/* renderchain render and video: submit and claim one render, run it, print its result. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <poll.h>

#include "collect.h"
#include "commands.h"
#include "correction.h"
#include "files.h"
#include "input.h"
#include "json_text.h"
#include "options.h"
#include "progress.h"
#include "recipe_request.h"
#include "render.h"
#include "request.h"
#include "signals.h"
#include "table.h"

enum { LEASE_SECONDS = 60, HEARTBEAT_MS = 20000, IDLE_MS = 30, COLLECT_MOST = 20 };

/* One run of the command. */
typedef struct Session {
    App app;
    Render render;
    RequestOptions options;
    char worker[128];
    int signals;
    LoopWatch *watch; /* of these */
    bool interrupted;
    LoopTimer *heartbeat;
    LoopTimer *idle;  /* until the idle time has been used */
    Collect *collect; /* while objects are removed */
    bool connected;   /* before the rest is set up, for what had to be asked first */
    DbAnswer models, claim;
    bool understood; /* what the registry of models says, else why not: */
    char *registry_error;
    unsigned answered;
} Session;

/* Until the claim is asked for nothing has been reserved: a signal ends us at once. */
static void end_at_once(int signal) {
    (void)signal;
    _exit(EXIT_INTERRUPTED);
}

static void heartbeat_later(Session *session);

/* Copy an answer that the claim waits for. */
static void keep(DbAnswer *answer, const DbReply *reply) {
    answer->ok = reply->ok;
    snprintf(answer->sqlstate, sizeof answer->sqlstate, "%s", reply->sqlstate);
    answer->message = mem_strdup(reply->message);
    answer->detail = mem_strdup(reply->detail);
    answer->hint = mem_strdup(reply->hint);
    if (reply->result)
        answer->result = PQcopyResult(reply->result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
}

/* The models are read while the claim is still being made. */
static void models_came(void *context, const DbReply *reply) {
    Session *session = context;
    keep(&session->models, reply);
    session->understood =
        reply->ok && registry_read(&session->app.registry, PQgetvalue(reply->result, 0, 0),
                                   &session->registry_error);
    session->answered++;
}

static void claim_came(void *context, const DbReply *reply) {
    Session *session = context;
    keep(&session->claim, reply);
    session->answered++;
}

/* Ask for the models and the claim in one round trip. */
static void ask_for_claim(Session *session, const char *request) {
    Db *db = session->app.db;
    char *lease = mem_printf("%d seconds", LEASE_SECONDS);
    const char *parameters[] = {request, session->worker, lease};
    db_call(db, "select renderchain.get_registry()", 0, NULL, models_came, session);
    db_call(db, "select * from renderchain.run_render($1::jsonb, $2, $3::interval)", 3, parameters,
            claim_came, session);
    free(lease);
    loop_prepare_transfers(http_loop(session->app.http));
    while (session->answered < 2)
        loop_turn(http_loop(session->app.http));
}

/* The lease was extended, or not. */
static void extended(void *context, const DbReply *reply) {
    Session *session = context;
    Render *render = &session->render;
    if (!reply->ok) {
        render_lose(render, reply);
        return;
    }
    const char *held = db_text(reply->result, 0, "held");
    const char *cancelled = db_text(reply->result, 0, "cancelled");
    if (render->ending)
        return;
    if (cancelled && *cancelled == 't')
        render_drop(render, "RC002", "the render was cancelled", "");
    else if (!held || *held != 't')
        render_drop(render, "RC001", "the lease on the render is lost", "");
    else
        heartbeat_later(session);
}

/* Keep the lease while we live. */
static void heartbeat(void *context) {
    Session *session = context;
    char *ids = mem_printf("{%s}", session->render.id);
    char *lease = mem_printf("%d seconds", LEASE_SECONDS);
    const char *parameters[] = {session->worker, ids, lease};
    session->heartbeat = NULL;
    db_call(session->app.db,
            "select * from renderchain.extend_leases($1, $2::uuid[], $3::interval)", 3, parameters,
            extended, session);
    free(ids);
    free(lease);
}

static void heartbeat_later(Session *session) {
    session->heartbeat = loop_after(http_loop(session->app.http), HEARTBEAT_MS, heartbeat, session);
}

/* A signal: the first one cancels in good order, the second ends at once. */
static void signalled(void *context, short happened) {
    Session *session = context;
    struct signalfd_siginfo info;
    (void)happened;
    if (read(session->signals, &info, sizeof info) != sizeof info)
        return;
    if (session->interrupted) {
        local_server_stop(&session->app.local);
        _exit(EXIT_INTERRUPTED);
    }
    session->interrupted = true;
    if (session->render.id)
        render_cancel(&session->render);
}

/* Have signals end us; those that our caller ignores stay ignored. */
static void end_on_signals(void) {
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        if (signal(ending_signals[i], end_at_once) == SIG_IGN)
            signal(ending_signals[i], SIG_IGN);
}

/* Whether this went well is not the render's concern. */
static void ignore(void *context, const DbReply *reply) {
    (void)context;
    (void)reply;
}

/* What could not be removed is due again later. */
static void collected(void *context, const CollectResult *result) {
    Session *session = context;
    (void)result;
    session->collect = NULL;
}

/* Remove what is doomed from storage. */
static void collect(Session *session) {
    if (!session->collect)
        session->collect =
            collect_start(&session->app, session->app.db, COLLECT_MOST, collected, session);
}

/* End or queue again what dead drivers have left, and remove what they have stored, since nobody
 * else may come by. */
static void sweep(Session *session) {
    db_call(session->app.db, "select renderchain.expire_renders(10)", 0, NULL, ignore, NULL);
    collect(session);
}

/* The database is idle while models work: see after others' renders, and have the statements of
 * the completion, which is waited for, prepared. */
static void use_idle_time(void *context) {
    Session *session = context;
    session->idle = NULL;
    sweep(session);
    db_call(session->app.db, "select renderchain.warm_up()", 0, NULL, ignore, NULL);
}

/* Remove what a render that did not complete has stored; nobody waits for removals after one
 * that did. Then wait for what the database is still to answer. */
static void clean_up(Session *session) {
    Loop *loop = http_loop(session->app.http);
    bool completed = session->render.end == RENDER_COMPLETED;
    while (session->collect && !completed)
        loop_turn(loop);
    if (!completed)
        collect(session);
    while (db_busy(session->app.db) || (session->collect && !completed))
        loop_turn(loop);
    collect_drop(session->collect);
}

/* Run the claimed render to its end. */
static void run(Session *session) {
    Render *render = &session->render;
    Loop *loop = http_loop(session->app.http);
    Progress *progress = progress_new(loop, session->app.settings.json);
    heartbeat_later(session);
    progress_begin(progress, render);
    render_start(render);
    session->idle = loop_after(loop, IDLE_MS, use_idle_time, session);
    while (render->end == RENDER_RUNNING || db_busy(session->app.db))
        loop_turn(loop);
    if (session->idle) {
        loop_cancel(loop, session->idle);
        sweep(session);
    }
    clean_up(session);
    if (session->heartbeat)
        loop_cancel(loop, session->heartbeat);
    progress_end(progress, render);
    progress_free(progress);
}

/* Say how a render that did not complete ended. A failed one's result is in the database. */
static ExitCode report_failure(Session *session) {
    Render *render = &session->render;
    const Settings *settings = &session->app.settings;
    if (render->end == RENDER_CANCELLED) {
        app_error(settings, render->error, NULL, NULL);
        return EXIT_INTERRUPTED;
    }
    if (render->end == RENDER_LOST) {
        bool gone = strncmp(render->sqlstate, "08", 2) == 0;
        if (gone)
            mem_set(&render->hint, "What became of the render: renderchain show %s", render->id);
        return app_database_error(settings, render->sqlstate, render->error, NULL, render->hint);
    }
    if (!settings->json) {
        app_error(settings, render->error, NULL, NULL);
        return EXIT_RENDER_FAILED;
    }
    const char *parameters[] = {render->id};
    DbAnswer answer =
        db_ask(session->app.db, "select renderchain.get_render($1::uuid)", 1, parameters);
    if (answer.ok) {
        fprintf(stderr, "renderchain: %s\n", render->error);
        puts(PQgetvalue(answer.result, 0, 0));
    } else {
        app_error(settings, render->error, NULL, NULL);
    }
    db_answer_free(&answer);
    return EXIT_RENDER_FAILED;
}

/* Write the picture where the user wants it. */
static ExitCode write_output(Session *session) {
    const char *path = session->options.output;
    Bytes *image = correction_kept(&session->render)->answer.image;
    char *error = NULL;
    if (!path || (bytes_hold(image, &error) && file_write(path, image, &error)))
        return EXIT_OK;
    app_error(&session->app.settings, error, NULL, "The render itself is complete and stored.");
    free(error);
    return EXIT_STORAGE;
}

/* The idempotency key named a render that is done, or that another driver runs. */
static ExitCode show_existing(Session *session) {
    const char *parameters[] = {db_text(session->claim.result, 0, "render_id")};
    const Settings *settings = &session->app.settings;
    DbAnswer answer =
        db_ask(session->app.db, "select renderchain.get_render($1::uuid)", 1, parameters);
    ExitCode code = EXIT_OK;
    if (!answer.ok) {
        code = app_database_error(settings, answer.sqlstate, answer.message, answer.detail,
                                  answer.hint);
    } else {
        const char *text = PQgetvalue(answer.result, 0, 0);
        json_t *result = database_json(text);
        bool done = json_is_true(json_object_get(result, "success"));
        const char *status =
            json_string_value(json_object_get(json_object_get(result, "data"), "status"));
        char *error = text_clean(json_string_value(json_object_get(result, "error")));
        if (settings->json)
            puts(text);
        if (done && !settings->json)
            printf("render %s, submitted before with this idempotency key, is complete\n",
                   parameters[0]);
        else if (!done && *error)
            fprintf(stderr, "renderchain: render %s has %s: %s\n", parameters[0],
                    status ? status : "ended", error);
        else if (!done)
            fprintf(stderr,
                    "renderchain: render %s is %s by another driver; try again when it has ended, "
                    "or a minute after that driver died\n",
                    parameters[0], status ? status : "run");
        free(error);
        code = done ? EXIT_OK : EXIT_RENDER_FAILED;
        json_decref(result);
    }
    db_answer_free(&answer);
    return code;
}

/* Print why the claim was refused. */
static ExitCode refused(const Session *session) {
    const DbAnswer *answer = session->claim.ok ? &session->models : &session->claim;
    return app_database_error(&session->app.settings, answer->sqlstate, answer->message,
                              answer->detail, answer->hint);
}

/* Run what was claimed, or give it back where it cannot be run. */
static void run_claim(Session *session) {
    char *error = NULL;
    Render *render = &session->render;
    bool readable = render_from_row(render, session->claim.result, 0, &error);
    if (session->interrupted)
        render_cancel(render);
    else if (readable && session->understood)
        run(session);
    else
        render_refuse(render, readable ? session->registry_error : error);
    while (db_busy(session->app.db) || render->end == RENDER_RUNNING)
        loop_turn(http_loop(session->app.http));
    free(error);
}

/* Name the images by their content as well. */
static void add_hashes(const Session *session, json_t *request) {
    const Render *render = &session->render;
    for (int i = 0; i < MAX_REFERENCES; i++)
        request_hash(request, "references", i, render->references[i].sha256);
    request_hash(request, "style", -1, render->style.sha256);
    request_hash(request, "mask", -1, render->mask.sha256);
    request_hash(request, "firstFrame", -1, render->first_frame.sha256);
    request_hash(request, "lastFrame", -1, render->last_frame.sha256);
}

/* Claim, run, report. */
static ExitCode claim_and_run(Session *session, json_t *request) {
    add_hashes(session, request);
    char *text = json_text(request);
    session->signals =
        signals_watch(http_loop(session->app.http), signalled, session, &session->watch);
    ask_for_claim(session, text);
    free(text);
    if (!session->claim.ok || !session->models.ok)
        return refused(session);
    if (!db_text(session->claim.result, 0, "render_id")) {
        app_error(&session->app.settings, "the database gave no render", NULL, NULL);
        return EXIT_DATABASE;
    }
    if (!db_text(session->claim.result, 0, "attempt"))
        return show_existing(session);
    run_claim(session);
    return session->render.end == RENDER_COMPLETED ? write_output(session)
                                                   : report_failure(session);
}

/* Read an image of the request that needs no network, if there is one. */
static bool read_now(ImageFile *into, const char *label, const json_t *named, char **error) {
    return !named ||
           (input_read(into, named, false, error) && recipe_image_fits(label, into, named, error));
}

/* Check what can be checked before anything is reserved: images that are at hand, and the output.
 */
static bool check_inputs(Session *session, const json_t *request, ExitCode *code) {
    char *error = NULL;
    const char *output = session->options.output;
    const json_t *references = json_object_get(request, "references");
    Render *render = &session->render;
    bool ok = true;
    *code = EXIT_BAD_INPUT;
    for (size_t i = 0; ok && i < json_array_size(references) && i < MAX_REFERENCES; i++)
        ok = read_now(&render->references[i], "a reference", json_array_get(references, i), &error);
    ok = ok && read_now(&render->style, "the style", json_object_get(request, "style"), &error) &&
         read_now(&render->mask, "the mask", json_object_get(request, "mask"), &error) &&
         read_now(&render->first_frame, "the first frame", json_object_get(request, "firstFrame"),
                  &error) &&
         read_now(&render->last_frame, "the last frame", json_object_get(request, "lastFrame"),
                  &error);
    if (ok && output && !file_can_write(output, &error)) {
        *code = EXIT_STORAGE;
        ok = false;
    }
    if (!ok)
        app_error(&session->app.settings, error, NULL,
                  session->options.from_recipe && *code == EXIT_BAD_INPUT
                      ? "Say where the image of the recipe is now with the option that names it, "
                        "such as --reference FILE."
                      : NULL);
    free(error);
    return ok;
}

/* Build the request; a recipe in the database is asked for first. NULL with *code set where that
 * failed, which has been printed. */
static json_t *build_request(Session *session, ExitCode *code) {
    const RequestOptions *options = &session->options;
    const char *provider = app_provider_name(&session->app.settings);
    if (!options->from_recipe)
        return request_build(options, provider);
    session->connected = is_uuid(options->from_recipe);
    if (session->connected && !app_connect(&session->app, code))
        return NULL;
    json_t *recipe = recipe_read(&session->app, options, code);
    json_t *request =
        recipe ? recipe_request(&session->app.settings, recipe, options, provider, code) : NULL;
    json_decref(recipe);
    return request;
}

/* Set up what the render needs. */
static bool set_up(Session *session, const json_t *request, ExitCode *code) {
    app_begin_storage(&session->app, true);
    if (!check_inputs(session, request, code) || !app_open_models(&session->app, code))
        return false;
    recipe_warn(request);
    return session->connected || app_connect(&session->app, code);
}

/* Render an image or a video. */
static int run_command(int argc, char **argv, RequestKind kind) {
    Session *session = mem_alloc(sizeof *session);
    Settings settings;
    end_on_signals();
    settings_from_environment(&settings);
    int code = request_parse(&session->options, argc, argv, &settings, kind);
    if (code >= 0) {
        request_free(&session->options);
        free(session);
        return code;
    }
    char host[64] = "localhost";
    ExitCode exit_code = EXIT_OK;
    json_t *request = NULL;
    gethostname(host, sizeof host - 1);
    snprintf(session->worker, sizeof session->worker, "%s:%d", host, (int)getpid());
    session->signals = -1;
    render_init(&session->render, &session->app);
    /* The server starts its process while images are read and the provider is set up. */
    if (app_start(&session->app, &settings, &exit_code) &&
        (request = build_request(session, &exit_code)) && set_up(session, request, &exit_code))
        exit_code = claim_and_run(session, request);
    db_answer_free(&session->models);
    db_answer_free(&session->claim);
    free(session->registry_error);
    render_free(&session->render);
    if (session->watch)
        loop_unwatch(http_loop(session->app.http), session->watch);
    app_close(&session->app);
    if (session->signals >= 0)
        close(session->signals);
    request_free(&session->options);
    json_decref(request);
    free(session);
    return exit_code;
}

/* renderchain render */
int cmd_render(int argc, char **argv) {
    return run_command(argc, argv, REQUEST_RENDER);
}

/* renderchain video */
int cmd_video(int argc, char **argv) {
    return run_command(argc, argv, REQUEST_VIDEO);
}

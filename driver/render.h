/* One render, from its claim to its end: which stages there are, which have run,
 * and what they found. stages.c has the table of stages, render.c runs it. */
#ifndef RC_RENDER_H
#define RC_RENDER_H

#include "app.h"
#include "image_file.h"
#include "model_job.h"
#include "recorder.h"
#include "video.h"
#include "video_frame.h"

typedef struct Render Render;
typedef struct StageRun StageRun;
typedef struct Preparation Preparation;

typedef enum StageId {
    STAGE_SEMANTIC_PARSING,
    STAGE_IMAGE_UNDERSTANDING,
    STAGE_PROMPT_OPTIMIZATION,
    STAGE_PROMPT_OPTIMIZATION_SIMPLE,
    STAGE_MODEL_ROUTING,
    STAGE_IMAGE_GENERATION,
    STAGE_VIDEO_GENERATION,
    STAGE_VALIDATION,
    STAGE_MEMORY_EXTRACTION,
    STAGE_STORAGE,
    /* once more, with the corrections of the validation; their part is "correction" */
    STAGE_CORRECTION,
    STAGE_CORRECTION_STORAGE,
    STAGE_CORRECTION_VALIDATION,
    STAGE_CORRECTION_EXTRACTION,
    STAGE_COUNT
} StageId;

#define NEEDS(id) (1u << (id))

typedef enum StageState {
    STATE_WAITING, /* for the stages it needs */
    STATE_RUNNING,
    STATE_SUCCESS,
    STATE_FAILED,
    STATE_SKIPPED
} StageState;

typedef struct StageKind {
    const char *name;
    bool required;  /* its failure fails the render; others have a fallback */
    unsigned needs; /* NEEDS() of the stages that must have ended, well or not */
    bool (*wanted)(const Render *render);
    void (*start)(StageRun *run);
    /* For stages that ask a model: what it is told, and where its answer goes. */
    void (*tell)(const StageRun *run, ModelCall *call);
    void (*take)(StageRun *run, json_t *answer);
} StageKind;

extern const StageKind stage_kinds[STAGE_COUNT];

struct StageRun {
    const StageKind *kind;
    Render *render;
    char *part; /* which of several at once: "reference 1", "style"; "" otherwise; owned */
    const ImageFile *image; /* what the part looks at; borrowed */
    StageState state;
    double started;    /* loop_now() */
    double started_at; /* loop_wall() */
    double duration;   /* milliseconds */
    const char *outcome;
    char sha256[65]; /* of the image that its answer is about; "" where it is about none */
    const Model *model;
    ModelJob *job;               /* while a model is asked */
    VideoJob *video;             /* while a video is made */
    FrameJob *frame;             /* while a frame of it is taken */
    void (*next)(StageRun *run); /* what goes on when it is taken */
    LoopTimer *timer;            /* while it waits for the loop's next turn */
    bool merging;                /* while the database merges analyses for it */
    json_t *output;              /* what is recorded; owned */
    json_t *usage;
    char *cost;
    char *error;
    bool looking_up;       /* it waits for what is known of its image */
    bool passes;           /* what it failed by passes by itself: another attempt may do better */
    double retry_after_ms; /* -1 where the provider named none */
    bool reused;           /* taken over from an earlier attempt */
    bool in_words;         /* asked again with the schema in words, which the server has refused */
};

enum { MAX_REFERENCES = 3, MAX_RUNS = STAGE_COUNT + MAX_REFERENCES + 3 };

typedef enum RenderEnd {
    RENDER_RUNNING,
    RENDER_COMPLETED,
    RENDER_FAILED,
    RENDER_REQUEUED,  /* what it failed by passes by itself: it waits for another attempt */
    RENDER_CANCELLED, /* by render_cancel */
    RENDER_LOST /* no longer ours: the lease was taken, it was cancelled, or the database went */
} RenderEnd;

/* Told of every change of a stage, for people who watch. */
typedef void RenderWatch(void *context, const StageRun *run);

/* Told once, from the loop, when a render has ended and nothing is out any more that knows it:
 * it may be freed. */
typedef void RenderOver(void *context, Render *render);

/* A picture that was paid for, and where it is stored. */
typedef struct Picture {
    ModelAnswer answer; /* its bytes, once it is there */
    char *key, *url;
    char sha256[65];
    StorageJob *upload; /* while it is being stored */
    bool uploading;     /* the key is registered as ours to write */
    bool held;          /* generation has ended, its event waits for the storage */
    json_t *recorded;   /* what an earlier attempt recorded of it, where it was taken over; owned */
} Picture;

/* The last turn of the chain; history.c. */
typedef struct History {
    StorageJob *job; /* while its picture is fetched */
    Bytes *bytes;    /* of the picture, where it is told; owned */
    CallTurn turn;
    char *why_not;   /* it is left out; NULL where there was nothing to leave out */
    char sha256[65]; /* of the picture */
    LoopFire *ready;
    void *context;
} History;

struct Render {
    App *app;
    Db *db;             /* where it is recorded; the app's unless the caller sets another */
    Recorder *recorder; /* records it with others; NULL where it is recorded by itself */
    char *id, *chain_id;
    int position, attempt;
    double started; /* loop_now() */
    json_t *request;
    json_t *memory;   /* the chain's, or NULL */
    json_t *previous; /* the chain's last output, or NULL */
    json_t
        *known; /* analyses of its images that the claim brought; NULL where it looked for none */
    bool looked_up; /* what else is known has been asked */
    History history;
    ImageFile references[MAX_REFERENCES];
    size_t reference_count;
    ImageFile style, mask, first_frame, last_frame; /* without bytes where there is none */
    StageRun runs[MAX_RUNS];
    size_t run_count;

    /* What the stages found. */
    json_t *intent;
    json_t *analyses[MAX_REFERENCES]; /* of the references */
    json_t *style_analysis, *first_analysis, *last_analysis;
    json_t *merged;                    /* what all analyses of a video's images agree on */
    char *operation, *operation_model; /* of a video that an earlier attempt has started */
    char *previous_video; /* what the provider calls the stored one to go on from; NULL for none */
    json_t *validation;
    json_t *extracted;
    char *prompt, *negative;
    const Model *image_model;
    const char *image_size; /* of a video its resolution */
    Picture picture;
    Bytes *frame;      /* of a video, as a PNG, where one could be taken; owned */
    Picture corrected; /* the second one, where the validation found errors; correction.c */
    json_t *corrected_validation, *corrected_extracted;
    bool correction_spent;    /* an earlier attempt has sent it, and nobody knows what came */
    Preparation *preparation; /* while inputs are fetched */

    /* Stage events that are not yet on their way to the database. */
    json_t *events;
    bool events_in_flight;
    LoopTimer *events_timer; /* while events gather */
    double events_since;     /* loop_now() when they began to */
    RecorderItem *telemetry; /* while they wait for the recorder; recorder.c */
    RecorderItem *recording; /* what the recorder has sent of it, or holds back */
    bool paid;               /* one of them is of a picture that was paid for: no time to lose */

    bool advancing;
    bool ending;      /* complete_render or fail_render is asked */
    json_t *failure;  /* what fail_render is told, while what happened is recorded before; owned */
    bool fails_again; /* it may be tried again */
    unsigned unrecorded; /* statements that record that */
    RenderEnd end;
    char *error;    /* why it failed */
    char *warning;  /* what did not go as it should, though it went on */
    char *sqlstate; /* of the database's refusal, where that ended it */
    char *hint;
    char *result; /* JSON in get_render's shape, as the database wrote it */
    RenderWatch *watch;
    void *watch_context;

    bool unread;      /* nobody here reads its result */
    bool may_requeue; /* what passes by itself puts it back into the queue; else it fails */
    unsigned asked;   /* statements that wait for their answers */
    LoopTimer *over_timer;
    RenderOver *over;
    void *over_context;
};

/* Start empty. Images that the caller sets before render_from_row are not read again. */
void render_init(Render *render, App *app);

/* Take a row of what run_render or claim_renders gave. False with *error set (caller frees)
 * where it cannot be read. */
MUSTCHECK bool render_from_row(Render *render, const PGresult *result, int row, char **error);
void render_free(Render *render);

/* Fetch what the request names, then start what can be started. The loop does the rest; it is
 * over when end is not RENDER_RUNNING. */
void render_start(Render *render);

/* Give up from outside (a signal): drops every call and asks the database to cancel. What is
 * ending already ends as it would have. */
void render_cancel(Render *render);

/* Fail a render that was claimed but cannot be run; words say why. */
void render_refuse(Render *render, const char *words);

/* Stop: it is no longer ours, for the reason that the SQLSTATE names. */
void render_drop(Render *render, const char *sqlstate, const char *words, const char *hint);

/* For stages: change a run's state (the only way), which records the event. */
void stage_running(StageRun *run);
void stage_note(StageRun *run); /* what it has to say changed while it runs */
void stage_end(StageRun *run, StageState state, const char *outcome);
void stage_fail(StageRun *run, const char *outcome, const char *format, ...) PRINTF_LIKE(3, 4);
StageRun *render_run(Render *render, StageId id);
StageId stage_id(const StageRun *run);

/* The picture that a run of generation, storage, validation or extraction is about. */
Picture *stage_picture(const StageRun *run);

/* The run that generates a picture. */
StageRun *picture_run(Render *render, const Picture *picture);

/* Ask the database one thing about a render, on the render's own connection. */
void render_ask(Render *render, const char *sql, int count, const char *const *parameters,
                DbDone *done, void *context);

/* For recorder.c: the render is not over before it has been let go. */
void render_hold(Render *render);
void render_let_go(Render *render);

/* For prepare.c: everything is there, start what can be started. */
void render_advance(Render *render);

/* The database refused: this render is no longer ours, or fails where it is for what we wrote. */
void render_lose(Render *render, const DbReply *reply);

/* Is it a video that is to be made, and how long? */
bool render_is_video(const Render *render);
int render_seconds(const Render *render);

/* stages.c: the prompt that draws: the optimised one, or the user's own where there is none, or
 * where the model does not take it. */
const char *render_final_prompt(const Render *render);

/* Look at a text member of the request; NULL where it is not there. */
const char *request_text(const Render *render, const char *key);
bool request_flag(const Render *render, const char *object, const char *key);

/* events.c: a time (loop_wall) as ISO 8601 with milliseconds, in UTC. */
json_t *time_json(double seconds);

/* events.c: put a run's present state into the queue, and send the queue. */
void events_add(StageRun *run);
void events_flush(Render *render);
/* Send all that waits now, with objects to register in the same transaction (or NULL; taken), and
 * call back when it is committed. */
void events_commit(Render *render, json_t *objects, DbDone *done, void *context);
json_t *events_take(Render *render);
/* Send events that were sent before once more, and call back. */
void events_repeat(Render *render, const json_t *events, DbDone *done, void *context);
/* Put how every stage went into the queue once more, with what it cost, and with what it found
 * unless the database has refused something of that. */
void events_again(Render *render, bool found);

/* routing.c: the image model by the design's rules, with the reason (static). NULL
 * where the registry has none. */
const Model *route_image(const Render *render, const char **reason);
const Model *route_video(const Render *render, const char **reason);

/* Set the size of what the chosen model makes: the recipe's, or the largest that the quality is
 * worth. What the model cannot do of what the recipe says, for the caller to free, or NULL. */
char *route_size(Render *render);

/* Why no model that the request may be drawn by can do what it asks, in words that are the
 * caller's; NULL where one can. */
char *route_refusal(const Render *render);

#endif

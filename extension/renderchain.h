/*
 * renderchain.h
 *	  What the files of the extension share: conditions, settings, schema, clock.
 *
 * Words used throughout: a chain is a series of renders; a render that ended
 * well may carry memory, the JSON object under "pipelineMemory" in its
 * context_data; a patch is an RFC 7396 merge patch; pins are the patch that a
 * user has fixed for all memory of a chain.
 */
#ifndef RENDERCHAIN_H
#define RENDERCHAIN_H

/* Conditions that clients branch on; the PL/pgSQL functions raise the others. */
#define RC_ERRCODE_INVALID_REQUEST	MAKE_SQLSTATE('R', 'C', '0', '0', '5')
#define RC_ERRCODE_NOT_FOUND		MAKE_SQLSTATE('R', 'C', '0', '0', '6')
#define RC_ERRCODE_TABLES_MISSING	MAKE_SQLSTATE('R', 'C', '0', '0', '8')

/* The table that a working schema must have. */
#define RC_RENDERS "renders"

/* The member of context_data that holds the memory. */
#define RC_MEMORY_KEY "pipelineMemory"

/*
 * Settings, see renderchain.c. The PL/pgSQL functions read theirs with
 * current_setting().
 */
extern char *rc_schema;
extern bool rc_notify;
extern bool rc_direct_scan;
extern bool rc_require_credits;
extern int	rc_max_attempts;
extern int	rc_deadline;	/* seconds */

/* renderchain.c */
extern TimestampTz rc_clock(void);

/* timeouts.c */
extern void rc_define_timeouts(void);
extern Jsonb *rc_timeouts(void);

/* schema.c */
extern Oid	rc_working_table(const char *name);
extern const char *rc_working_schema(void);
extern const char *rc_use_schema(void);
extern void rc_check_required(const char *table, bool has_project, bool has_chain);

/* worker.c */
extern void rc_check_worker(const text *name, Interval *lease);

/* rules.c */
extern bool rc_fits(Jsonb *document, Jsonb *rule);

/* notify.c */
extern bool rc_announce(const pg_uuid_t *render, const char *event);

/* lookup.c */
extern Jsonb *rc_chain_memory(const pg_uuid_t *chain_id);
extern Jsonb *rc_ancestors_memory(const pg_uuid_t *render_id);

/* merge_patch.c */
extern Jsonb *rc_merge_patch(Jsonb *target, Jsonb *patch);

/* iso_time.c */
extern bool rc_parse_iso_time(const char *text, int length, int64 *microseconds);
extern bool rc_is_time(const char *text, int length, bool date_only);

#endif							/* RENDERCHAIN_H */

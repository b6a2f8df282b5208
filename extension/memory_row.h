/*
 * memory_row.h
 *	  A render's row, locked, whose memory is being changed.
 */
#ifndef RC_MEMORY_ROW_H
#define RC_MEMORY_ROW_H

typedef struct RcMemoryRow
{
	pg_uuid_t	id;
	Jsonb	   *context;		/* context_data as it is stored, NULL for NULL */
	bool		has_chain;
	pg_uuid_t	chain_id;
} RcMemoryRow;

extern bool rc_lock_row(const pg_uuid_t *render_id, RcMemoryRow *row);
extern void rc_require_context(const RcMemoryRow *row);
extern Jsonb *rc_context_memory(Jsonb *context);
extern void rc_write_context(const RcMemoryRow *row, Jsonb *context);
extern Jsonb *rc_read_pins(const pg_uuid_t *chain_id);
extern const char *rc_uuid_text(const pg_uuid_t *id);

#endif							/* RC_MEMORY_ROW_H */

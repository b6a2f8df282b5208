/*
 * draft.h
 *	  Objects that are put together from pieces of others and written at once.
 */
#ifndef RC_DRAFT_H
#define RC_DRAFT_H

#include "jsonb_tools.h"

/*
 * An object that is not written yet. Members are added in the order of their
 * keys (rc_compare_keys), no key twice. A draft only points to what it is made
 * of: sources, keys, values and nested drafts must live until it is written.
 */
typedef struct RcDraft RcDraft;

extern RcDraft *rc_new_draft(void);
extern void rc_draft_run(RcDraft *draft, const JsonbContainer *source, uint32 first, uint32 count);
extern void rc_draft_value(RcDraft *draft, const JsonbValue *key, const JsonbValue *value);
extern void rc_draft_object(RcDraft *draft, const JsonbValue *key, RcDraft *object);
extern bool rc_draft_until(RcDraft *draft, RcMembers *object, uint32 *copied, const JsonbValue *key);
extern void rc_draft_rest(RcDraft *draft, RcMembers *object, uint32 copied);
extern bool rc_draft_is_empty(const RcDraft *draft);
extern void rc_free_draft(RcDraft *draft);
extern Jsonb *rc_write_draft(RcDraft *draft);
extern Jsonb *rc_set_member(const JsonbContainer *object, const char *key, Jsonb *value);

/* merge_patch.c */
extern RcDraft *rc_draft_merge(const JsonbContainer *target, const JsonbContainer *patch);

#endif							/* RC_DRAFT_H */

/*
 * submit.h
 *	  What the way from a request to a render that runs is made of.
 */
#ifndef RC_SUBMIT_H
#define RC_SUBMIT_H

/* What a render starts from. */
typedef struct RcStart
{
	NullableDatum memory;
	NullableDatum previous_output;
} RcStart;

/* All of them run between rc_begin_queries() and rc_end_queries(). */

/* request.c */
extern Jsonb *rc_checked_request(Jsonb *request);

/* price.c */
extern int32 rc_price(Jsonb *request, TimestampTz now);

/* start.c */
extern NullableDatum rc_found_output(int column);
extern void rc_find_start(RcStart *start, NullableDatum render, NullableDatum chain, NullableDatum parent,
						  const NullableDatum *known_output);

#endif							/* RC_SUBMIT_H */

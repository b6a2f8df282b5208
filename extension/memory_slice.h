/*
 * memory_slice.h
 *	  Taking the memory out of a stored context without reading all of it.
 */
#ifndef RC_MEMORY_SLICE_H
#define RC_MEMORY_SLICE_H

extern Jsonb *rc_slice_memory(Datum context);

#endif							/* RC_MEMORY_SLICE_H */

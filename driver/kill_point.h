/* For tests: the process ends as if by kill -9 at its Nth step, where a step is a request or
 * a statement sent or answered, or a file written. RENDERCHAIN_KILL_AT=N says which; without
 * it nothing happens. A test that walks N from 1 until a run survives has seen every step. */
#ifndef RC_KILL_POINT_H
#define RC_KILL_POINT_H

void kill_point(void);

#endif

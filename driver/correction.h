/* The second picture of a render: where the validation of the first one found errors and says how
 * to correct them, generation runs once more with the corrections, never more often. It is
 * validated too, and the better of the two is the render's. It costs no more credits than were
 * reserved for the render. */
#ifndef RC_CORRECTION_H
#define RC_CORRECTION_H

#include "render.h"

/* Is a second picture to be made? At high and ultra quality, where there is something to correct.
 */
bool correction_wanted(const Render *render);

/* Tell generation what to correct. */
void correction_tell(const Render *render, ModelCall *call);

/* Is the second picture there, and (by their validations) better than the first one? */
bool correction_there(const Render *render);
bool correction_is_better(const Render *render);

/* The picture that is the render's, and the other one. */
const Picture *correction_kept(const Render *render);
Picture *correction_left(Render *render);

/* What is recorded of both; the caller's. NULL where there is no second one. */
json_t *correction_record(const Render *render);

#endif

/* ranges.h - cmocka 2 deprecates assert_in_range for one that has signs; version 1 lacks that. */
#ifndef RENDERCHAIN_TEST_RANGES_H
#define RENDERCHAIN_TEST_RANGES_H

#ifndef assert_int_in_range
#define assert_int_in_range(value, minimum, maximum) assert_in_range(value, minimum, maximum)
#endif

#endif

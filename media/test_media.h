/**
 * Media for tests, made once by the ffmpeg program and kept in the build directory (the tests'
 * working directory is ours; BT_TEST_CACHE says where). Small, seconds to make, the same every
 * time.
 */
#ifndef BT_MEDIA_TEST_MEDIA_H
#define BT_MEDIA_TEST_MEDIA_H

#include <stdbool.h>

/**
 * The path of the file `name`, made by `ffmpeg ARGUMENTS name` when it is not there yet; freed by
 * the caller. NULL when ffmpeg is missing or cannot make it: the test skips.
 */
char *bt_test_media(const char *name, const char *arguments);

// Frames by ffprobe's own counting; -1 when it cannot tell.
int bt_test_count_frames(const char *path);

// A path below BT_MEDIA; NULL when that file is not there. Freed by the caller.
char *bt_test_real_media(const char *name);

#endif

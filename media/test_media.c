#include "media/test_media.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const char *cache_dir(void)
{
    const char *dir = getenv("BT_TEST_CACHE");
    return dir != NULL ? dir : "/tmp/bt-test-media";
}

char *bt_test_media(const char *name, const char *arguments)
{
    mkdir(cache_dir(), 0755);
    char *path = bt_strf("%s/%s", cache_dir(), name);
    if (access(path, R_OK) == 0) {
        return path;
    }
    // Made aside and renamed: several tests may run at once. The name keeps its ending.
    BT_AUTOFREE char *aside = bt_strf("%s/%d-%s", cache_dir(), (int)getpid(), name);
    BT_AUTOFREE char *command =
        bt_strf("ffmpeg -nostdin -v error -y -threads 1 %s -fflags +bitexact '%s' 2>/dev/null",
                arguments, aside);
    if (system(command) != 0 || rename(aside, path) != 0) {
        unlink(aside);
        free(path);
        return NULL;
    }
    return path;
}

int bt_test_count_frames(const char *path)
{
    BT_AUTOFREE char *command =
        bt_strf("ffprobe -v error -count_frames -select_streams v:0 -show_entries "
                "stream=nb_read_frames -of csv=p=0 '%s' 2>/dev/null",
                path);
    FILE *pipe = popen(command, "r");
    char line[64] = "";
    if (pipe == NULL || fgets(line, sizeof(line), pipe) == NULL) {
        line[0] = '\0';
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
    line[strcspn(line, ",\n")] = '\0';
    int64_t count = -1;
    return bt_parse_int(line, 0, 1000000, &count) < 0 ? -1 : (int)count;
}

char *bt_test_real_media(const char *name)
{
    const char *dir = getenv("BT_MEDIA");
    if (dir == NULL) {
        return NULL;
    }
    char *path = bt_strf("%s/%s", dir, name);
    if (access(path, R_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

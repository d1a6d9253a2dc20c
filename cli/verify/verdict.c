#include "cli/verify/verdict.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct finding {
    const char *code;
    char *vi, *en;
};

struct bt_verdict {
    pthread_mutex_t lock;
    // Protected by lock.
    struct finding findings[BT_FINDING_KINDS][BT_VERDICT_MAX_FINDINGS];
    int64_t counts[BT_FINDING_KINDS];
};

// As they stand in front of a finding, and in JSON.
static const struct {
    const char *mark, *word;
} kinds[BT_FINDING_KINDS] = {
    [BT_FINDING_HOLDS] = {"[đúng]", "holds"},
    [BT_FINDING_NOTE] = {"[lưu ý]", "note"},
    [BT_FINDING_FAULT] = {"[SAI]", "fault"},
};

struct bt_verdict *bt_verdict_create(void)
{
    struct bt_verdict *verdict = BT_NEW(struct bt_verdict);
    pthread_mutex_init(&verdict->lock, NULL);
    return verdict;
}

static int kept(const struct bt_verdict *verdict, int kind)
{
    return (int)BT_MIN(verdict->counts[kind], (int64_t)BT_VERDICT_MAX_FINDINGS);
}

void bt_verdict_destroy(struct bt_verdict *verdict)
{
    if (verdict == NULL) {
        return;
    }
    for (int kind = 0; kind < BT_FINDING_KINDS; kind++) {
        for (int i = 0; i < kept(verdict, kind); i++) {
            free(verdict->findings[kind][i].vi);
            free(verdict->findings[kind][i].en);
        }
    }
    pthread_mutex_destroy(&verdict->lock);
    free(verdict);
}

void bt_verdict_add(struct bt_verdict *verdict, enum bt_finding_kind kind, const char *code,
                    char *vi, char *en)
{
    pthread_mutex_lock(&verdict->lock);
    int64_t index = verdict->counts[kind]++;
    bool room = index < BT_VERDICT_MAX_FINDINGS;
    if (room) {
        verdict->findings[kind][index] = (struct finding){code, vi, en};
    }
    pthread_mutex_unlock(&verdict->lock);
    if (!room) {
        free(vi);
        free(en);
    }
}

int64_t bt_verdict_count(struct bt_verdict *verdict, enum bt_finding_kind kind)
{
    pthread_mutex_lock(&verdict->lock);
    int64_t count = verdict->counts[kind];
    pthread_mutex_unlock(&verdict->lock);
    return count;
}

int64_t bt_verdict_count_code(struct bt_verdict *verdict, const char *code)
{
    int64_t count = 0;
    pthread_mutex_lock(&verdict->lock);
    for (int kind = 0; kind < BT_FINDING_KINDS; kind++) {
        for (int i = 0; i < kept(verdict, kind); i++) {
            count += strcmp(verdict->findings[kind][i].code, code) == 0;
        }
    }
    pthread_mutex_unlock(&verdict->lock);
    return count;
}

void bt_verdict_print(struct bt_verdict *verdict, FILE *to)
{
    pthread_mutex_lock(&verdict->lock);
    for (int kind = 0; kind < BT_FINDING_KINDS; kind++) {
        for (int i = 0; i < kept(verdict, kind); i++) {
            const struct finding *finding = &verdict->findings[kind][i];
            fprintf(to, "%s %s\n    %s\n", kinds[kind].mark, finding->vi, finding->en);
        }
        int64_t more = verdict->counts[kind] - kept(verdict, kind);
        if (more > 0) {
            fprintf(to, "%s … và %lld điều nữa / and %lld more\n", kinds[kind].mark,
                    (long long)more, (long long)more);
        }
    }
    pthread_mutex_unlock(&verdict->lock);
}

cJSON *bt_verdict_json(struct bt_verdict *verdict)
{
    cJSON *list = cJSON_CreateArray();
    pthread_mutex_lock(&verdict->lock);
    for (int kind = 0; kind < BT_FINDING_KINDS; kind++) {
        for (int i = 0; i < kept(verdict, kind); i++) {
            const struct finding *finding = &verdict->findings[kind][i];
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "kind", kinds[kind].word);
            cJSON_AddStringToObject(item, "code", finding->code);
            cJSON_AddStringToObject(item, "vi", finding->vi);
            cJSON_AddStringToObject(item, "en", finding->en);
            cJSON_AddItemToArray(list, item);
        }
    }
    pthread_mutex_unlock(&verdict->lock);
    return list;
}

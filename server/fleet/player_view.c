#include "server/fleet/player_view.h"

#include <string.h>

cJSON *bt_number_or_null(const struct bt_db_rows *row, int column)
{
    return bt_db_is_null(row, column) ? cJSON_CreateNull()
                                      : cJSON_CreateNumber((double)bt_db_get_int(row, column));
}

static void add_words(cJSON *list, const char *words)
{
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        char word[64];
        if (len > 0 && len < sizeof(word)) {
            memcpy(word, words, len);
            word[len] = '\0';
            cJSON_AddItemToArray(list, cJSON_CreateString(word));
        }
        words += len + (words[len] == ' ');
    }
}

cJSON *bt_player_view_json(const struct bt_db_rows *row, int first)
{
    if (bt_db_is_null(row, first)) {
        return cJSON_CreateNull();
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", bt_db_get_text(row, first));
    cJSON_AddStringToObject(json, "state", bt_db_get_text(row, first + 1));
    cJSON_AddNumberToObject(json, "since_ms", (double)bt_db_get_int(row, first + 2));
    cJSON_AddItemToObject(json, "seen_ms", bt_number_or_null(row, first + 3));
    cJSON_AddStringToObject(json, "model", bt_db_get_text(row, first + 4));
    cJSON_AddStringToObject(json, "version", bt_db_get_text(row, first + 5));
    cJSON_AddItemToObject(json, "timestamp", bt_number_or_null(row, first + 6));
    add_words(cJSON_AddArrayToObject(json, "troubles"), bt_db_get_text(row, first + 7));
    return json;
}

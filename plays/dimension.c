#include "plays/dimension.h"

#include <stddef.h>

const char *const bt_dimension_words[] = {"campaign", "item",     "unit", "screen",
                                          "day",      "month",    "hour", "priority",
                                          "reason",   "evidence", NULL};

// What counts of plays can be divided by: in reports, and when they are counted again.
#ifndef BT_PLAYS_DIMENSION_H
#define BT_PLAYS_DIMENSION_H

enum bt_dimension {
    BT_BY_CAMPAIGN,
    BT_BY_ITEM,
    BT_BY_UNIT,
    BT_BY_SCREEN,
    BT_BY_DAY,
    BT_BY_MONTH,
    BT_BY_HOUR,
    BT_BY_PRIORITY,
    BT_BY_REASON,
    BT_BY_EVIDENCE,
    BT_DIMENSIONS
};
extern const char *const bt_dimension_words[];  // "campaign", …; ends with NULL

#endif

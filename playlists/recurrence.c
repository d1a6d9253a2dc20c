#include "playlists/recurrence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400
#define YEAR_MAX 9999

enum frequency { DAILY, WEEKLY, MONTHLY, YEARLY };

static const char *const frequency_words[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY", NULL};
static const char *const weekday_words[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU", NULL};

// The parts whose value is a list of whole numbers. Each number becomes a bit; those that count
// from the end (negative) have a set of their own.
enum list { MONTH, WEEK_NO, YEAR_DAY, MONTH_DAY, HOUR, MINUTE, SECOND, SET_POS, LIST_COUNT };

#define SET_WORDS 6  // 384 bits: a year counted in weeks has up to 371 days

struct set {
    bool said;
    uint64_t forward[SET_WORDS], backward[SET_WORDS];
};

struct list_rule {
    const char *key;
    int min, max;
    bool negative;
    unsigned frequencies;  // bit per enum frequency where RFC 5545 allows the part
};

#define ANY_FREQUENCY 0xFU

static const struct list_rule list_rules[LIST_COUNT] = {
    [MONTH] = {"BYMONTH", 1, 12, false, ANY_FREQUENCY},
    [WEEK_NO] = {"BYWEEKNO", 1, 53, true, 1U << YEARLY},
    [YEAR_DAY] = {"BYYEARDAY", 1, 366, true, 1U << YEARLY},
    [MONTH_DAY] = {"BYMONTHDAY", 1, 31, true, ANY_FREQUENCY & ~(1U << WEEKLY)},
    [HOUR] = {"BYHOUR", 0, 23, false, ANY_FREQUENCY},
    [MINUTE] = {"BYMINUTE", 0, 59, false, ANY_FREQUENCY},
    [SECOND] = {"BYSECOND", 0, 59, false, ANY_FREQUENCY},
    [SET_POS] = {"BYSETPOS", 1, 366, true, ANY_FREQUENCY},
};

struct bt_recurrence {
    int frequency;
    int64_t interval;
    int64_t count;    // 0: not said
    int64_t until_s;  // the last second something may start at
    int week_start;   // 0 Monday
    struct set lists[LIST_COUNT];
    bool by_day_said;
    uint64_t by_day_any;                       // a bit per weekday without a number
    uint64_t nth[7], nth_last[7];              // a bit per number, from the front and from the end
    int64_t start_s, start_day;                // DTSTART
    struct bt_civil start;                     // likewise
    int32_t times_s[BT_RECURRENCE_MAX_TIMES];  // of the day, ascending
    size_t time_count;
    // The period BYSETPOS was last counted in.
    int64_t counted_from, counted_until;  // days; equal: none
    uint64_t counted[SET_WORDS];          // a bit per day of it that was chosen
};

static bool has_bit(const uint64_t *set, int64_t bit)
{
    return bit >= 0 && bit < SET_WORDS * 64 && (set[bit / 64] >> (bit % 64) & 1) != 0;
}

static void set_bit(uint64_t *set, int64_t bit)
{
    set[bit / 64] |= UINT64_C(1) << (bit % 64);
}

// `position` counts from 1 (or 0 for hours); of `length`, so that -1 is the last.
static bool set_has(const struct set *set, int64_t position, int64_t length)
{
    return has_bit(set->forward, position) || has_bit(set->backward, length + 1 - position);
}

static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

// Cuts the text at the first `separator` and returns what follows it, NULL at the end.
static char *cut(char *text, char separator)
{
    char *rest = strchr(text, separator);
    if (rest != NULL) {
        *rest++ = '\0';
    }
    return rest;
}

static int read_list(struct bt_recurrence *r, enum list list, char *value, struct bt_error *err)
{
    const struct list_rule *rule = &list_rules[list];
    struct set *set = &r->lists[list];
    set->said = true;
    for (char *rest; value != NULL; value = rest) {
        rest = cut(value, ',');
        bool negative = rule->negative && value[0] == '-';
        const char *digits = negative || value[0] == '+' ? value + 1 : value;
        int64_t number;
        if (digits[0] < '0' || digits[0] > '9' ||
            bt_parse_int(digits, rule->min, rule->max, &number) < 0) {
            return bt_fail(err, -EINVAL, "'%s' is '%.16s', outside %d..%d%s", rule->key, value,
                           rule->min, rule->max, rule->negative ? " (or negative)" : "");
        }
        set_bit(negative ? set->backward : set->forward, number);
    }
    return 0;
}

static int read_by_day(struct bt_recurrence *r, char *value, struct bt_error *err)
{
    r->by_day_said = true;
    for (char *rest; value != NULL; value = rest) {
        rest = cut(value, ',');
        size_t len = strlen(value);
        int day = len < 2 ? -1 : word_index(weekday_words, value + len - 2);
        if (day < 0) {
            return bt_fail(err, -EINVAL, "'BYDAY' has no weekday in '%.16s'", value);
        }
        value[len - 2] = '\0';
        bool negative = value[0] == '-';
        const char *digits = negative || value[0] == '+' ? value + 1 : value;
        int64_t number = 0;
        if (len == 2) {
            r->by_day_any |= UINT64_C(1) << day;
        } else if (digits[0] < '0' || digits[0] > '9' || bt_parse_int(digits, 1, 53, &number) < 0) {
            return bt_fail(err, -EINVAL, "'BYDAY' counts to '%.16s', outside 1..53", value);
        } else if (negative) {
            r->nth_last[day] |= UINT64_C(1) << number;
        } else {
            r->nth[day] |= UINT64_C(1) << number;
        }
    }
    return 0;
}

// "20261231" or "20261231T235959", perhaps with Z.
static int read_until(struct bt_recurrence *r, char *value, struct bt_error *err)
{
    static const char time_shape[] = "00000000T000000";
    size_t len = strlen(value);
    if (len == 16 && value[15] == 'Z') {
        value[--len] = '\0';
    }
    bool good = len == 8 || len == 15;
    for (size_t i = 0; good && i < len; i++) {
        good = time_shape[i] == 'T' ? value[i] == 'T' : value[i] >= '0' && value[i] <= '9';
    }
    char date[16] = "", clock[16] = "23:59:59";
    int64_t day_s = 0, time_s = 0;
    if (good) {
        good = bt_format(date, sizeof(date), "%.4s-%.2s-%.2s", value, value + 4, value + 6) == 0;
        if (len == 15) {
            good = good && bt_format(clock, sizeof(clock), "%.2s:%.2s:%.2s", value + 9, value + 11,
                                     value + 13) == 0;
        }
    }
    if (!good || bt_date_parse(date, &day_s) < 0 || bt_time_of_day_parse(clock, &time_s) < 0) {
        return bt_fail(err, -EINVAL, "'UNTIL' is '%.16s', not a date or a time", value);
    }
    r->until_s = day_s + time_s;
    return 0;
}

static int read_number(const char *key, const char *value, int64_t max, int64_t *out,
                       struct bt_error *err)
{
    if (bt_parse_int(value, 1, max, out) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is '%.16s', outside 1..%d", key, value, (int)max);
    }
    return 0;
}

static int read_frequency(struct bt_recurrence *r, const char *value, struct bt_error *err)
{
    r->frequency = word_index(frequency_words, value);
    if (r->frequency < 0) {
        return bt_fail(err, -EINVAL, "'FREQ' is '%.16s', not DAILY, WEEKLY, MONTHLY or YEARLY",
                       value);
    }
    return 0;
}

static int read_week_start(struct bt_recurrence *r, const char *value, struct bt_error *err)
{
    r->week_start = word_index(weekday_words, value);
    return r->week_start < 0 ? bt_fail(err, -EINVAL, "'WKST' is '%.16s', not a weekday", value) : 0;
}

enum part { FREQ, INTERVAL, COUNT, UNTIL, WKST, BYDAY, FIRST_LIST };

static int read_part(struct bt_recurrence *r, int part, char *value, struct bt_error *err)
{
    switch (part) {
    case FREQ:
        return read_frequency(r, value, err);
    case INTERVAL:
        return read_number("INTERVAL", value, 10000, &r->interval, err);
    case COUNT:
        return read_number("COUNT", value, 1000000, &r->count, err);
    case UNTIL:
        return read_until(r, value, err);
    case WKST:
        return read_week_start(r, value, err);
    case BYDAY:
        return read_by_day(r, value, err);
    default:
        return read_list(r, (enum list)(part - FIRST_LIST), value, err);
    }
}

static int part_index(const char *key)
{
    static const char *const words[] = {"FREQ", "INTERVAL", "COUNT", "UNTIL",
                                        "WKST", "BYDAY",    NULL};
    int part = word_index(words, key);
    for (int i = 0; part < 0 && i < LIST_COUNT; i++) {
        part = strcmp(list_rules[i].key, key) == 0 ? FIRST_LIST + i : -1;
    }
    return part;
}

static int read_parts(struct bt_recurrence *r, char *text, unsigned *seen, struct bt_error *err)
{
    for (char *rest; text != NULL; text = rest) {
        rest = cut(text, ';');
        char *value = cut(text, '=');
        int part = part_index(text);
        if (value == NULL || part < 0) {
            return bt_fail(err, -EINVAL, "'%.32s' is not a part of a recurrence we know", text);
        }
        if ((*seen & 1U << part) != 0) {
            return bt_fail(err, -EINVAL, "'%s' stands twice", text);
        }
        *seen |= 1U << part;
        int code = read_part(r, part, value, err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

static bool has_numbered_day(const struct bt_recurrence *r)
{
    for (int day = 0; day < 7; day++) {
        if ((r->nth[day] | r->nth_last[day]) != 0) {
            return true;
        }
    }
    return false;
}

static int check_together(const struct bt_recurrence *r, unsigned seen, struct bt_error *err)
{
    if ((seen & 1U << FREQ) == 0) {
        return bt_fail(err, -EINVAL, "'FREQ' is missing");
    }
    if ((seen & 1U << COUNT) != 0 && (seen & 1U << UNTIL) != 0) {
        return bt_fail(err, -EINVAL, "'COUNT' and 'UNTIL' exclude each other");
    }
    const char *frequency = frequency_words[r->frequency];
    for (int i = 0; i < LIST_COUNT; i++) {
        if (r->lists[i].said && (list_rules[i].frequencies & 1U << r->frequency) == 0) {
            return bt_fail(err, -EINVAL, "'%s' has no meaning with FREQ=%s", list_rules[i].key,
                           frequency);
        }
    }
    if (has_numbered_day(r) && (r->frequency < MONTHLY || r->lists[WEEK_NO].said)) {
        return bt_fail(err, -EINVAL, "'BYDAY' with numbers has no meaning with %s",
                       r->lists[WEEK_NO].said ? "BYWEEKNO" : frequency);
    }
    return 0;
}

static bool time_chosen(const struct bt_recurrence *r, enum list list, int value, int own)
{
    return r->lists[list].said ? has_bit(r->lists[list].forward, value) : value == own;
}

static int list_times(struct bt_recurrence *r, struct bt_error *err)
{
    for (int32_t s = 0; s < DAY_S; s++) {
        if (s % 3600 == 0 && !time_chosen(r, HOUR, s / 3600, r->start.hour)) {
            s += 3600 - 1;
            continue;
        }
        if (s % 60 == 0 && !time_chosen(r, MINUTE, s / 60 % 60, r->start.minute)) {
            s += 60 - 1;
            continue;
        }
        if (!time_chosen(r, SECOND, s % 60, r->start.second)) {
            continue;
        }
        if (r->time_count == BT_RECURRENCE_MAX_TIMES) {
            return bt_fail(err, -EINVAL, "the rule starts more than %d times a day",
                           BT_RECURRENCE_MAX_TIMES);
        }
        r->times_s[r->time_count++] = s;
    }
    if (r->lists[SET_POS].said && r->time_count > 1) {
        return bt_fail(err, -EINVAL, "'BYSETPOS' cannot choose among several times of one day");
    }
    return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t day_of(int year, int month, int day)
{
    struct bt_civil civil = {.year = year, .month = month, .day = day};
    return floor_div(bt_civil_to_s(&civil), DAY_S);
}

static int64_t week_of(const struct bt_recurrence *r, int64_t day)
{
    int weekday = bt_civil_weekday(day * DAY_S);
    return day - (weekday - r->week_start + 7) % 7;
}

// A year of whole weeks: week 1 is the one that holds 4 January.
static int64_t week_year_start(const struct bt_recurrence *r, int year)
{
    return week_of(r, day_of(year, 1, 4));
}

static int week_year(const struct bt_recurrence *r, int64_t day)
{
    return bt_civil_from_s((week_of(r, day) + 3) * DAY_S).year;
}

// The stretch of time a rule repeats by, as days, and its number since some beginning.
struct period {
    int64_t from, until, number;
};

static struct period period_of(const struct bt_recurrence *r, int64_t day,
                               const struct bt_civil *civil)
{
    switch (r->frequency) {
    case DAILY:
        return (struct period){day, day + 1, day};
    case WEEKLY: {
        int64_t week = week_of(r, day);
        return (struct period){week, week + 7, floor_div(week, 7)};
    }
    case MONTHLY: {
        int64_t number = civil->year * 12 + civil->month - 1;
        int64_t next = number + 1;
        return (struct period){day_of(civil->year, civil->month, 1),
                               day_of((int)(next / 12), (int)(next % 12) + 1, 1), number};
    }
    default:
        break;
    }
    if (r->lists[WEEK_NO].said) {
        int year = week_year(r, day);
        return (struct period){week_year_start(r, year), week_year_start(r, year + 1), year};
    }
    return (struct period){day_of(civil->year, 1, 1), day_of(civil->year + 1, 1, 1), civil->year};
}

static bool by_day_has(const struct bt_recurrence *r, int64_t day, const struct bt_civil *civil)
{
    int weekday = bt_civil_weekday(day * DAY_S);
    if ((r->by_day_any >> weekday & 1) != 0) {
        return true;
    }
    if ((r->nth[weekday] | r->nth_last[weekday]) == 0) {
        return false;
    }
    bool in_month = r->frequency == MONTHLY || r->lists[MONTH].said;
    int next = civil->year * 12 + civil->month;
    int64_t from = in_month ? day_of(civil->year, civil->month, 1) : day_of(civil->year, 1, 1);
    int64_t until = in_month ? day_of(next / 12, next % 12 + 1, 1) : day_of(civil->year + 1, 1, 1);
    return (r->nth[weekday] >> ((day - from) / 7 + 1) & 1) != 0 ||
           (r->nth_last[weekday] >> ((until - 1 - day) / 7 + 1) & 1) != 0;
}

static bool lists_have(const struct bt_recurrence *r, int64_t day, const struct bt_civil *civil)
{
    const struct set *lists = r->lists;
    if (lists[MONTH].said && !set_has(&lists[MONTH], civil->month, 12)) {
        return false;
    }
    if (lists[MONTH_DAY].said) {
        int next = civil->year * 12 + civil->month;
        int64_t length = day_of(next / 12, next % 12 + 1, 1) - day + civil->day - 1;
        if (!set_has(&lists[MONTH_DAY], civil->day, length)) {
            return false;
        }
    }
    if (lists[YEAR_DAY].said) {
        int64_t first = day_of(civil->year, 1, 1);
        if (!set_has(&lists[YEAR_DAY], day - first + 1, day_of(civil->year + 1, 1, 1) - first)) {
            return false;
        }
    }
    if (lists[WEEK_NO].said) {
        int year = week_year(r, day);
        int64_t first = week_year_start(r, year);
        return set_has(&lists[WEEK_NO], (day - first) / 7 + 1,
                       (week_year_start(r, year + 1) - first) / 7);
    }
    return true;
}

// What DTSTART says where the rule is silent: about the day, and about the month of a day.
static bool start_has(const struct bt_recurrence *r, int64_t day, const struct bt_civil *civil)
{
    const struct set *lists = r->lists;
    if (r->frequency == DAILY || lists[YEAR_DAY].said) {
        return true;
    }
    if (r->frequency == WEEKLY || lists[WEEK_NO].said) {
        return r->by_day_said || lists[MONTH_DAY].said || (day - r->start_day) % 7 == 0;
    }
    bool day_said = r->by_day_said || lists[MONTH_DAY].said;
    bool month_said = lists[MONTH].said || (r->by_day_said && !lists[MONTH_DAY].said);
    return (day_said || civil->day == r->start.day) &&
           (r->frequency == MONTHLY || month_said || civil->month == r->start.month);
}

static bool day_fits(const struct bt_recurrence *r, int64_t day, const struct bt_civil *civil)
{
    return lists_have(r, day, civil) && (!r->by_day_said || by_day_has(r, day, civil)) &&
           start_has(r, day, civil);
}

static void count_period(struct bt_recurrence *r, const struct period *period)
{
    int64_t members[SET_WORDS * 64];
    int64_t count = 0;
    for (int64_t day = period->from; day < period->until; day++) {
        struct bt_civil civil = bt_civil_from_s(day * DAY_S);
        if (day_fits(r, day, &civil)) {
            members[count++] = day - period->from;
        }
    }
    memset(r->counted, 0, sizeof(r->counted));
    for (int64_t i = 0; i < count; i++) {
        if (set_has(&r->lists[SET_POS], i + 1, count)) {
            set_bit(r->counted, members[i]);
        }
    }
    r->counted_from = period->from;
    r->counted_until = period->until;
}

static bool position_fits(struct bt_recurrence *r, int64_t day, const struct period *period)
{
    if (r->counted_from != period->from || r->counted_until != period->until) {
        count_period(r, period);
    }
    return has_bit(r->counted, day - period->from);
}

static bool day_chosen(struct bt_recurrence *r, int64_t day)
{
    struct bt_civil civil = bt_civil_from_s(day * DAY_S);
    if (!day_fits(r, day, &civil)) {
        return false;
    }
    if (r->interval == 1 && !r->lists[SET_POS].said) {
        return true;
    }
    struct period period = period_of(r, day, &civil);
    struct period first = period_of(r, r->start_day, &r->start);
    return (period.number - first.number) % r->interval == 0 &&
           (!r->lists[SET_POS].said || position_fits(r, day, &period));
}

bool bt_recurrence_next(struct bt_recurrence *r, int64_t from_s, int64_t until_s, int64_t *out_s)
{
    from_s = BT_MAX(from_s, r->start_s);
    int64_t last_s = BT_MIN(until_s - 1, r->until_s);
    for (int64_t day = floor_div(from_s, DAY_S); day * DAY_S <= last_s; day++) {
        if (!day_chosen(r, day)) {
            continue;
        }
        for (size_t i = 0; i < r->time_count; i++) {
            int64_t at_s = day * DAY_S + r->times_s[i];
            if (at_s >= from_s && at_s <= last_s) {
                *out_s = at_s;
                return true;
            }
        }
    }
    return false;
}

// Turns COUNT into the UNTIL it means.
static void apply_count(struct bt_recurrence *r)
{
    int64_t end_s = r->start_s + BT_RECURRENCE_COUNT_YEARS * INT64_C(366) * DAY_S;
    int64_t last_s = end_s, at_s = r->start_s;
    for (int64_t i = 0; i < r->count && bt_recurrence_next(r, at_s, end_s, &last_s); i++) {
        at_s = last_s + 1;
    }
    r->until_s = BT_MIN(r->until_s, last_s);
}

static int read_rule(struct bt_recurrence *r, const char *rrule, struct bt_error *err)
{
    if (strnlen(rrule, BT_RECURRENCE_MAX_BYTES) == BT_RECURRENCE_MAX_BYTES) {
        return bt_fail(err, -EINVAL, "the recurrence is longer than %d bytes",
                       BT_RECURRENCE_MAX_BYTES - 1);
    }
    static const struct bt_civil last_day = {YEAR_MAX, 12, 31, 23, 59, 59};
    *r = (struct bt_recurrence){.interval = 1, .until_s = bt_civil_to_s(&last_day)};
    BT_AUTOFREE char *text = bt_strdup(rrule);
    unsigned seen = 0;
    int code = read_parts(r, text, &seen, err);
    return code < 0 ? code : check_together(r, seen, err);
}

static void set_start(struct bt_recurrence *r, int64_t start_s)
{
    r->start_s = start_s;
    r->start_day = floor_div(start_s, DAY_S);
    r->start = bt_civil_from_s(start_s);
}

int bt_recurrence_create(const char *rrule, int64_t start_s, struct bt_recurrence **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_recurrence) r = BT_NEW(struct bt_recurrence);
    int code = read_rule(r, rrule, err);
    if (code < 0) {
        return code;
    }
    set_start(r, start_s);
    code = list_times(r, err);
    if (code < 0) {
        return code;
    }
    if (r->count > 0) {
        apply_count(r);
    }
    *out = BT_TAKE(r);
    return 0;
}

int bt_recurrence_check(const char *rrule, struct bt_error *err)
{
    BT_AUTO(bt_recurrence) r = BT_NEW(struct bt_recurrence);
    int code = read_rule(r, rrule, err);
    if (code == 0) {
        set_start(r, 0);
        code = list_times(r, err);
    }
    return code;
}

void bt_recurrence_destroy(struct bt_recurrence *recurrence)
{
    free(recurrence);
}

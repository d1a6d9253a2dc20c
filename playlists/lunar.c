#include "playlists/lunar.h"

#include <assert.h>
#include <math.h>

#include "base/civil.h"
#include "base/str.h"

#define DAY_S 86400
#define FIRST_YEAR 1900
#define LAST_YEAR 2100

// Julian dates: of 1970-01-01 00:00 UTC, of J2000, and of the new moon that has the number 0.
#define UNIX_JD 2440587.5
#define J2000_JD 2451545.0
#define MOON_JD 2451550.09766
#define MONTH_DAYS 29.530588861
#define MONTHS_A_CENTURY 1236.85
#define UTC7_DAYS (7.0 / 24.0)

// The sun's way is twelve parts of 30°; the tenth begins at 270°, the winter solstice.
#define WINTER 9

static double radians(double degrees)
{
    return degrees * (3.14159265358979323846 / 180.0);
}

static double polynomial(double x, const double *factors, size_t count)
{
    double value = 0;
    for (size_t i = count; i > 0; i--) {
        value = value * x + factors[i - 1];
    }
    return value;
}

// How much later than the turning earth an even clock is, in days (F. Espenak and J. Meeus).
static double even_clock_days(double year)
{
    static const struct {
        double until, origin;
        double factors[6];
    } spans[] = {
        {1920, 1900, {-2.79, 1.494119, -0.0598939, 0.0061966, -0.000197}},
        {1941, 1920, {21.20, 0.84493, -0.076100, 0.0020936}},
        {1961, 1950, {29.07, 0.407, -1 / 233.0, 1 / 2547.0}},
        {1986, 1975, {45.45, 1.067, -1 / 260.0, -1 / 718.0}},
        {2005, 2000, {63.86, 0.3345, -0.060374, 0.0017275, 0.000651814, 0.00002373599}},
        {2050, 2000, {62.92, 0.32217, 0.005589}},
        {9999, 2000, {-0.74, 1.7148, 0.0032}},
    };
    size_t i = 0;
    while (year >= spans[i].until && i + 1 < BT_ARRAY_LEN(spans)) {
        i++;
    }
    return polynomial(year - spans[i].origin, spans[i].factors, 6) / DAY_S;
}

// One term of the moon's way: a sine of whole multiples of the four angles.
struct moon_term {
    double days;
    int8_t sun, moon, latitude, node;  // multiples
    int8_t eccentricity;               // power of it
};

static const struct moon_term moon_terms[] = {
    {-0.40720, 0, 1, 0, 0, 0}, {0.17241, 1, 0, 0, 0, 1},    {0.01608, 0, 2, 0, 0, 0},
    {0.01039, 0, 0, 2, 0, 0},  {0.00739, -1, 1, 0, 0, 1},   {-0.00514, 1, 1, 0, 0, 1},
    {0.00208, 2, 0, 0, 0, 2},  {-0.00111, 0, 1, -2, 0, 0},  {-0.00057, 0, 1, 2, 0, 0},
    {0.00056, 1, 2, 0, 0, 1},  {-0.00042, 0, 3, 0, 0, 0},   {0.00042, 1, 0, 2, 0, 1},
    {0.00038, 1, 0, -2, 0, 1}, {-0.00024, -1, 2, 0, 0, 1},  {-0.00017, 0, 0, 0, 1, 0},
    {-0.00007, 2, 1, 0, 0, 0}, {0.00004, 0, 2, -2, 0, 0},   {0.00004, 3, 0, 0, 0, 0},
    {0.00003, 1, 1, -2, 0, 0}, {0.00003, 0, 2, 2, 0, 0},    {-0.00003, 1, 1, 2, 0, 0},
    {0.00003, -1, 1, 2, 0, 0}, {-0.00002, -1, 1, -2, 0, 0}, {-0.00002, 1, 3, 0, 0, 0},
    {0.00002, 0, 4, 0, 0, 0},
};

// What the planets do to it: millionths of a day, and degrees at number 0 and a month.
static const double planet_terms[][3] = {
    {325, 299.77, 0.107408},  {165, 251.88, 0.016321}, {164, 251.83, 26.651886},
    {126, 349.42, 36.412478}, {110, 84.66, 18.206239}, {62, 141.74, 53.303771},
    {60, 207.14, 2.453732},   {56, 154.84, 7.306860},  {47, 34.52, 27.261239},
    {42, 207.19, 0.121824},   {40, 291.34, 1.844379},  {37, 161.72, 24.198154},
    {35, 239.56, 25.513099},  {23, 331.55, 3.592518},
};

// The Julian date (UT) of the new moon with a number; 0 is that of January 2000.
static double new_moon_jd(double number)
{
    double t = number / MONTHS_A_CENTURY;
    double jd = MOON_JD + MONTH_DAYS * number + 0.00015437 * t * t;
    double shrinking = 1 - 0.002516 * t - 0.0000074 * t * t;
    double sun = radians(2.5534 + 29.10535670 * number - 0.0000014 * t * t);
    double moon = radians(201.5643 + 385.81693528 * number + 0.0107582 * t * t);
    double latitude = radians(160.7108 + 390.67050284 * number - 0.0016118 * t * t);
    double node = radians(124.7746 - 1.56375588 * number + 0.0020672 * t * t);
    for (size_t i = 0; i < BT_ARRAY_LEN(moon_terms); i++) {
        const struct moon_term *term = &moon_terms[i];
        double angle =
            term->sun * sun + term->moon * moon + term->latitude * latitude + term->node * node;
        jd += term->days * pow(shrinking, term->eccentricity) * sin(angle);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(planet_terms); i++) {
        const double *term = planet_terms[i];
        jd += 1e-6 * term[0] * sin(radians(term[1] + term[2] * number));
    }
    return jd - even_clock_days(2000 + 100 * t);
}

// In which twelfth of its way the sun stands when a day begins (days since 1970, UTC+7).
static int sun_part(int64_t day)
{
    double jd = UNIX_JD + (double)day - UTC7_DAYS;
    double t = (jd - J2000_JD) / 36525;
    t += even_clock_days(2000 + 100 * t) / 36525;
    double anomaly = radians(357.52911 + 35999.05029 * t - 0.0001537 * t * t);
    double degrees = 280.46646 + 36000.76983 * t + 0.0003032 * t * t;
    degrees += (1.914602 - 0.004817 * t - 0.000014 * t * t) * sin(anomaly);
    degrees += (0.019993 - 0.000101 * t) * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly);
    degrees -= 0.00569 + 0.00478 * sin(radians(125.04 - 1934.136 * t));
    degrees -= 360 * floor(degrees / 360);
    return (int)(degrees / 30) % 12;
}

// The first day of the month with a number, days since 1970.
static int64_t first_day(int64_t month)
{
    return (int64_t)floor(new_moon_jd((double)month) - UNIX_JD + UTC7_DAYS);
}

static int64_t month_of_day(int64_t day)
{
    int64_t month = (int64_t)floor((UNIX_JD + (double)day - MOON_JD) / MONTH_DAYS);
    while (first_day(month) > day) {
        month--;
    }
    while (first_day(month + 1) <= day) {
        month++;
    }
    return month;
}

// Whether the sun passes the winter solstice in it.
static bool is_eleventh(int64_t month)
{
    int before = sun_part(first_day(month)), after = sun_part(first_day(month + 1));
    return before >= WINTER - 3 && before < WINTER && after >= WINTER;
}

static bool has_no_passage(int64_t month)
{
    return sun_part(first_day(month)) == sun_part(first_day(month + 1));
}

// The leap month among those after an eleventh one, or INT64_MAX.
static int64_t leap_month(int64_t eleventh)
{
    if (is_eleventh(eleventh + 12)) {
        return INT64_MAX;
    }
    int64_t month = eleventh + 1;
    while (!has_no_passage(month) && month < eleventh + 13) {
        month++;
    }
    return month;
}

static bool is_known(int64_t day)
{
    const struct bt_civil first = {FIRST_YEAR, 1, 1, 0, 0, 0}, last = {LAST_YEAR, 12, 31, 0, 0, 0};
    return day >= bt_civil_to_s(&first) / DAY_S && day <= bt_civil_to_s(&last) / DAY_S;
}

bool bt_lunar_from_s(int64_t local_s, struct bt_lunar *out)
{
    int64_t day = local_s / DAY_S - (local_s % DAY_S < 0);
    if (!is_known(day)) {
        return false;
    }
    int64_t month = month_of_day(day), eleventh = month;
    while (!is_eleventh(eleventh)) {
        eleventh--;
    }
    int64_t leap = leap_month(eleventh);
    int number = 11 + (int)(month - eleventh) - (month >= leap);
    *out = (struct bt_lunar){
        .day = (int)(day - first_day(month)) + 1,
        .month = (number - 1) % 12 + 1,
        .leap = month == leap,
        .year = bt_civil_from_s(first_day(eleventh) * DAY_S).year + (number > 12),
    };
    return true;
}

void bt_lunar_short(const struct bt_lunar *lunar, char *out)
{
    int r = bt_format(out, BT_LUNAR_BYTES, "%d/%d%s", lunar->day, lunar->month,
                      lunar->leap ? " nhuận" : "");
    assert(r >= 0);
    (void)r;
}

void bt_lunar_long(const struct bt_lunar *lunar, char *out)
{
    static const char *const stems[] = {"Giáp", "Ất",   "Bính", "Đinh", "Mậu",
                                        "Kỷ",   "Canh", "Tân",  "Nhâm", "Quý"};
    static const char *const branches[] = {"Tý",  "Sửu", "Dần",  "Mão", "Thìn", "Tỵ",
                                           "Ngọ", "Mùi", "Thân", "Dậu", "Tuất", "Hợi"};
    static const char *const months[] = {"Giêng", "2", "3", "4",  "5",  "6",
                                         "7",     "8", "9", "10", "11", "Chạp"};
    // The year 4 of our era was Giáp Tý.
    int r = bt_format(out, BT_LUNAR_BYTES, "ngày %s%d tháng %s%s năm %s %s",
                      lunar->day <= 10 ? "mùng " : "", lunar->day, months[lunar->month - 1],
                      lunar->leap ? " nhuận" : "", stems[(lunar->year - 4) % 10],
                      branches[(lunar->year - 4) % 12]);
    assert(r >= 0);
    (void)r;
}

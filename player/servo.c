#include "player/servo.h"

#include <math.h>

#include "base/compiler.h"

// An offset is halved in some 7 s; critically damped, so that nothing swings.
#define PROPORTIONAL 0.2
#define INTEGRAL (PROPORTIONAL * PROPORTIONAL / 4)

// What trembles faster than this is the machine's, not the card's.
#define SMOOTHING_S 0.5

void bt_servo_reset(struct bt_servo *servo, double drift)
{
    *servo = (struct bt_servo){.drift = drift};
}

static double bounded(double value)
{
    return BT_CLAMP(value, -BT_SERVO_MAX_CORRECTION, BT_SERVO_MAX_CORRECTION);
}

double bt_servo_step(struct bt_servo *servo, double behind_s, double step_s, bool *out_jump)
{
    double share = servo->settled ? BT_MIN(step_s / SMOOTHING_S, 1.0) : 1;
    servo->behind_s += (behind_s - servo->behind_s) * share;
    servo->settled = true;
    servo->beyond_s = fabs(servo->behind_s) > BT_SERVO_JUMP_S ? servo->beyond_s + step_s : 0;
    *out_jump = servo->beyond_s > BT_SERVO_PATIENCE_S;
    double wanted = servo->behind_s * PROPORTIONAL + servo->drift;
    if (fabs(wanted) < BT_SERVO_MAX_CORRECTION) {
        // Learns only while it is not at its stop.
        servo->drift = bounded(servo->drift + servo->behind_s * INTEGRAL * step_s);
    }
    return 1 + bounded(wanted);
}

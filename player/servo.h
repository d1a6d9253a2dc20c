/**
 * The servo that keeps sound with the picture. Sound cards have clocks of their own, a few parts in
 * ten thousand off; the picture's clock is the master, so sound is played that little faster or
 * slower, never by more than 0.5 %, which nobody hears. What it is told is how far sound is
 * behind; that trembles, since nobody knows exactly when a card plays what it was given.
 *
 * A PI controller on the smoothed offset: a card that is 0.3 % off is caught within 12 ms and then
 * followed without an offset. More than 40 ms for half a second are beyond it: jump.
 *
 * Pure arithmetic.
 */
#ifndef BT_PLAYER_SERVO_H
#define BT_PLAYER_SERVO_H

#include <stdbool.h>

#define BT_SERVO_MAX_CORRECTION 0.005
#define BT_SERVO_JUMP_S 0.040
#define BT_SERVO_PATIENCE_S 0.5

struct bt_servo {
    double behind_s;  // smoothed
    double drift;     // what the card's clock seems to be off
    double beyond_s;  // for how long it has been more than BT_SERVO_JUMP_S off
    bool settled;     // behind_s means something
};

// Sound begins, right where it should be. What is known of the card's clock, 0 at first.
void bt_servo_reset(struct bt_servo *servo, double drift);

// Every buffer: by how much faster than the card to play until the next; *out_jump to begin anew.
double bt_servo_step(struct bt_servo *servo, double behind_s, double step_s, bool *out_jump);

#endif

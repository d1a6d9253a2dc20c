// Where the other programs of this house are.
#ifndef BT_BASE_PROGRAM_H
#define BT_BASE_PROGRAM_H

/**
 * The path of the program `name`: beside the one that runs, or, in a build directory, in its own
 * `room`. Freed by the caller. It may not be there: starting it will tell. Any thread.
 */
char *bt_program_path(const char *name, const char *room);

#endif

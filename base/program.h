// Where the other programs of this house are.
#ifndef BT_BASE_PROGRAM_H
#define BT_BASE_PROGRAM_H

/**
 * The path of the program `name`: beside the one that runs, in a build directory in its own `room`,
 * or, installed, in libexec/bangtin beside the bin/ of the one that runs. Freed by the caller. It
 * may not be there: starting it will tell. Any thread.
 */
char *bt_program_path(const char *name, const char *room);

#endif

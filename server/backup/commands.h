// bangtin-server's commands that look after its data: backup, restore, migrate, blobs.
#ifndef BT_SERVER_BACKUP_COMMANDS_H
#define BT_SERVER_BACKUP_COMMANDS_H

#include <stdbool.h>

// Is this word one of them?
bool bt_backup_is_command(const char *word);

// argv[1] is. The exit status.
int bt_backup_command(int argc, char **argv);

#endif

// Vietnamese without its marks, for file names and for sorting.
#ifndef BT_SERVER_REPORTS_ASCII_H
#define BT_SERVER_REPORTS_ASCII_H

#include "base/compiler.h"

// "Phường Kinh Bắc" → "Phuong Kinh Bac"; other letters outside ASCII become '_'. For free().
char *bt_ascii(const char *text) BT_NODISCARD;

// The same for a part of a file's name: letters and digits of the words behind "Tỉnh", "Xã"…:
// "KinhBac". "" when nothing is left. For free().
char *bt_ascii_file_part(const char *text) BT_NODISCARD;

#endif

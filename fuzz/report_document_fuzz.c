// A report document that is damaged in the database: reading it for CSV and XLSX refuses or draws,
// and never more.
#include "fuzz/fuzz.h"
#include "server/reports/csv.h"
#include "server/reports/xlsx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_error err = {0};
    BT_AUTOBUF csv;
    BT_AUTOBUF xlsx;
    bt_buf_init(&csv, BT_XLSX_MAX_BYTES);
    bt_buf_init(&xlsx, BT_XLSX_MAX_BYTES);
    if (bt_report_csv((const char *)data, size, ';', &csv, &err) == 0) {
        int r = bt_report_xlsx((const char *)data, size, &xlsx, &err);
        (void)r;
    }
    return 0;
}

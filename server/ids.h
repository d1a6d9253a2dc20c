// Ids the server gives: "s-7K3QZ5MX2A", a letter for the kind and ten characters of the pairing
// alphabet (50 random bits).
#ifndef BT_SERVER_IDS_H
#define BT_SERVER_IDS_H

#define BT_SERVER_ID_BYTES 16

// u user, s screen, d player (device), g group, m media, l playlist, c campaign, r rule, n
// publication, p proposal, t takedown, e emergency, k API token, x upload, i pairing, a alert, w
// webhook, o outgoing message, b report, y USB stick, f enrolment (a first start), v arrival of a
// blob.
void bt_server_id(char kind, char out[BT_SERVER_ID_BYTES]);

#endif

// The commands of bangtin.
#ifndef BT_CLI_COMMANDS_H
#define BT_CLI_COMMANDS_H

#include "base/options.h"

// One file for each group.
extern const struct bt_command_group bt_alert_commands, bt_approve_commands, bt_audit_commands,
    bt_bundle_commands, bt_campaign_commands, bt_card_commands, bt_command_commands,
    bt_emergency_commands, bt_evidence_commands, bt_group_commands, bt_key_commands,
    bt_login_commands, bt_logout_commands, bt_media_commands, bt_new_commands, bt_pair_commands,
    bt_playlist_commands, bt_plays_commands, bt_proposal_commands, bt_propose_commands,
    bt_publication_commands, bt_publish_commands, bt_repository_commands, bt_schedule_commands,
    bt_screen_commands, bt_report_commands, bt_setting_commands, bt_software_commands,
    bt_status_commands, bt_takedown_commands, bt_token_commands, bt_tuf_commands, bt_unit_commands,
    bt_upload_commands, bt_user_commands, bt_verify_commands, bt_withdraw_commands;

// Commands in files of their own.
int bt_command_renew(const struct bt_arguments *arguments, struct bt_error *err);

#endif

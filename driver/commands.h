/* The commands; each gets its own words and gives an exit code. */
#ifndef RC_COMMANDS_H
#define RC_COMMANDS_H

int cmd_init(int argc, char **argv);
int cmd_render(int argc, char **argv);
int cmd_video(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_chain_list(int argc, char **argv);
int cmd_chain_show(int argc, char **argv);
int cmd_memory_get(int argc, char **argv);
int cmd_memory_merge(int argc, char **argv);
int cmd_memory_pin(int argc, char **argv);
int cmd_memory_unpin(int argc, char **argv);
int cmd_credits_grant(int argc, char **argv);
int cmd_credits_balance(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_retry(int argc, char **argv);
int cmd_gc(int argc, char **argv);
int cmd_credits_list(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_token_create(int argc, char **argv);
int cmd_token_list(int argc, char **argv);
int cmd_token_revoke(int argc, char **argv);
int cmd_models(int argc, char **argv);

#endif

/* `fedcarbon list meters`: what can measure energy on this machine. */
#ifndef CLI_LIST_METERS_H
#define CLI_LIST_METERS_H

#include "cli/commands.h"

/* Each meter on stdout, and whether it can be had here, or why not. */
void cli_list_meters(const struct cli_surroundings *surroundings);

#endif

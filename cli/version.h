/* Which fedcarbon this is; written by the build (cmake/version.cmake). */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

extern const char cli_version[]; /* "0.1.0" */
extern const char cli_commit[];  /* "1a2b3c4d5e6f", "-dirty" behind it */
extern const char cli_build_type[];
extern const char cli_compiler[];
extern const char cli_libraries[]; /* JSON: {"libzmq": "4.3.4", ...} */

#endif

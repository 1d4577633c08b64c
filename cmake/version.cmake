# Writes OUT with the version and the commit, only when they have changed.
# Run at build time: cmake -DSRC=... -DOUT=... -DVERSION=... -P version.cmake
execute_process(COMMAND git -C ${SRC} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "unknown")
endif()
set(text "#include \"cli/version.h\"\n\nconst char cli_version[] = \"${VERSION}\";\nconst char cli_commit[] = \"${commit}\";\n")
set(before "")
if(EXISTS ${OUT})
  file(READ ${OUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()

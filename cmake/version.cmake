# Writes OUT with the version and the commit, only when they have changed.
# Run at build time: cmake -DSRC=... -DOUT=... -DVERSION=... -P version.cmake
execute_process(COMMAND git -C ${SRC} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "unknown")
endif()
string(REPLACE "'" "\\\"" LIBRARIES "${LIBRARIES}")
set(text "#include \"cli/version.h\"

const char cli_version[] = \"${VERSION}\";
const char cli_commit[] = \"${commit}\";
const char cli_build_type[] = \"${BUILD_TYPE}\";
const char cli_compiler[] = \"${COMPILER}\";
const char cli_libraries[] = \"${LIBRARIES}\";
")
set(before "")
if(EXISTS ${OUT})
  file(READ ${OUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()

# Language, warnings and sanitizers, the same for every target.

option(FL_WERROR "Warnings are errors (on in ./check)" OFF)
option(FL_NATIVE "Compile for this machine's CPU (off: portable x86-64 baseline)" OFF)
option(FL_COVERAGE "Instrument for gcov" OFF)
option(FL_FUZZ "Build libFuzzer targets (needs clang)" OFF)
option(FL_SANITIZE_KERNELS "Instrument the x86 kernel tables too (slow to build)" OFF)
set(FL_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Results must be the same bits from every build: no contraction of a*b+c into
# fma behind our back, no fast-math anywhere.
add_compile_options(-ffp-contract=off
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
  -Wmissing-prototypes -Wvla -Wundef -Wformat=2 -Wdouble-promotion
  $<$<BOOL:${FL_WERROR}>:-Werror>)
add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")
endif()
if(FL_NATIVE)
  add_compile_options(-march=native)
endif()
if(FL_SANITIZE)
  add_compile_options(-fsanitize=${FL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FL_SANITIZE})
endif()
if(FL_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(FL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # coverage in the libraries
endif()
include_directories(${CMAKE_SOURCE_DIR})

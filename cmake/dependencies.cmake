# Every library that the product needs; the Debian packages are listed in
# tools/packages.txt and nowhere else.

find_package(PkgConfig REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.3)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc>=2.0)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml>=0.7)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.11)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.71)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)

# Bundled into the pages for the browser, never fetched by them.
find_file(CHART_JS NAMES chart.min.js PATHS /usr/share/javascript/chart.js REQUIRED
  DOC "Chart.js 3, minified: Debian's libjs-chart.js")
file(STRINGS ${CHART_JS} chart_js_head LIMIT_COUNT 3)
if(NOT chart_js_head MATCHES "Chart\\.js v3\\.")
  message(FATAL_ERROR "${CHART_JS}: found '${chart_js_head}', allowed Chart.js v3")
endif()

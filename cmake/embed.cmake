# A file's bytes as data of a target:
#
#   fl_embed(fl_results page/page.css res_page_css)
#
# makes  extern const unsigned char res_page_css[];  with one NUL behind the
#        extern const size_t res_page_css_size;      bytes, which size leaves out
#
# The object is made anew when the file changes. The file is named by its path
# from the current source folder, or by a whole path.
function(fl_embed target file symbol)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE path)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "fl_embed: there is no ${path}")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}.c)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[/* Made by cmake/embed.cmake. */
_Static_assert(sizeof(void *) == 8, "sizes below are of eight bytes");

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".globl @symbol@\n"
        ".type @symbol@, %object\n"
        "@symbol@:\n"
        ".incbin \"@path@\"\n"
        ".set .L@symbol@_bytes, . - @symbol@\n"
        ".byte 0\n"
        ".size @symbol@, . - @symbol@\n"
        ".balign 8\n"
        ".globl @symbol@_size\n"
        ".type @symbol@_size, %object\n"
        "@symbol@_size:\n"
        ".quad .L@symbol@_bytes\n"
        ".size @symbol@_size, 8\n"
        ".popsection\n");
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${source})
endfunction()

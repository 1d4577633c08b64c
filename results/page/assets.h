/* What pages for the browser are made of: files bundled when the program was
 * built (cmake/embed.cmake), each with one NUL behind its bytes. All of them
 * are ASCII, and none holds "</script" or "</style". */
#ifndef RESULTS_PAGE_ASSETS_H
#define RESULTS_PAGE_ASSETS_H

#include <stddef.h>

/* Looks of every page: light, dark, narrow, on paper. */
extern const unsigned char res_page_css[];
extern const size_t res_page_css_size;
/* Chart.js: makes window.Chart. */
extern const unsigned char res_chart_library_js[];
extern const size_t res_chart_library_js_size;
/* fedcarbonChart(canvas, chart), upon Chart.js: the JSON of a res_chart. */
extern const unsigned char res_charts_js[];
extern const size_t res_charts_js_size;
/* Notices that go with Chart.js. */
extern const unsigned char res_page_licences[];
extern const size_t res_page_licences_size;
/* The report's own: its tables and charts. */
extern const unsigned char res_page_js[];
extern const size_t res_page_js_size;

#endif

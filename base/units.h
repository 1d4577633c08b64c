/* Units: SI inside, conversions only at the border, each constant once. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#define FL_J_PER_KWH     3.6e6
#define FL_J_PER_WH      3.6e3
#define FL_BITS_PER_BYTE 8.0
#define FL_S_PER_HOUR    3600.0
#define FL_S_PER_YEAR    31536000.0 /* 365 days */
#define FL_G_PER_KG      1e3
#define FL_BYTES_PER_MB  1e6
#define FL_BYTES_PER_GB  1e9
#define FL_BPS_PER_MBPS  1e6

#endif

/* Everyday measures, printed on request alone and with their source: they make
 * a figure vivid, not more certain. */
#include "results/exporter_priv.h"

#include <stddef.h>

const struct res_equivalent res_equivalents[] = {
    {"km by a new car of 2020 in the EU", 107.5,
     "107.5 g/km, carbontracker, co2eq.csv"},
    {"km by car in the EU", 175,
     "175 g/km, Green Algorithms, referenceValues.csv"},
    {"km by car in the USA", 251,
     "251 g/km, Green Algorithms, referenceValues.csv"},
    {"km by train", 41, "41 g/km, Green Algorithms, referenceValues.csv"},
    {"flights from Paris to London, one seat", 50000,
     "50 kg, Green Algorithms, referenceValues.csv"},
    {"months of a tree's uptake", 917,
     "917 g/month, Green Algorithms, referenceValues.csv"},
    {NULL, 0, NULL},
};

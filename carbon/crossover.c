#include "carbon/crossover.h"

#include <math.h>

static double ready_j(const struct carbon_crossover *c)
{
    return c->ready_w > 0 ? c->ready_w / c->rate_hz : 0;
}

double carbon_crossover_server_j(const struct carbon_crossover *c)
{
    return c->bytes * c->network_j_per_byte + c->server_j + ready_j(c);
}

double carbon_crossover_bytes(const struct carbon_crossover *c)
{
    double left_j = c->end_j - c->server_j - ready_j(c);
    if (!(left_j >= 0) || !(c->network_j_per_byte > 0))
        return (double)NAN;
    return left_j / c->network_j_per_byte;
}

double carbon_crossover_rate_hz(const struct carbon_crossover *c)
{
    double left_j = c->end_j - c->server_j - c->bytes * c->network_j_per_byte;
    if (!(left_j > 0) || !(c->ready_w > 0))
        return (double)NAN;
    return c->ready_w / left_j;
}

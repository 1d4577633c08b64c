/* Where to answer requests: on the device that asks, or on a server.
 *
 *   E_end    = P_device t_device                                     [J]
 *   E_server = S e_net + P_server t_server PUE + K / f               [J]
 *
 *     S      bytes of a request and its answer
 *     e_net  J/byte on the way, whatever is counted of it
 *     K      power of servers that are kept ready                    [W]
 *     f      requests per second
 *
 *     40 kB at 3.6e-5 J/byte (0.01 kWh/GB)              1.440 J
 *     250 W x 10 ms x 1.1                               2.750 J
 *     3 W x 0.1 s                                       0.300 J
 *     so the end wins, 4.190 J to 0.300 J, and no size of requests changes
 *     that: the server alone draws more
 */
#ifndef CARBON_CROSSOVER_H
#define CARBON_CROSSOVER_H

struct carbon_crossover {
    double end_j;              /* per request, on the device */
    double network_j_per_byte; /* both ways */
    double bytes;              /* per request, both ways */
    double server_j; /* per request, beyond what servers draw when ready */
    double ready_w;  /* of all servers kept ready */
    double rate_hz;  /* requests per second */
};

/* E_server. Pure; rate_hz > 0 unless ready_w is 0. */
double carbon_crossover_server_j(const struct carbon_crossover *c);

/* The bytes per request at which both draw the same; NaN: none >= 0. */
double carbon_crossover_bytes(const struct carbon_crossover *c);

/* The requests per second at which both draw the same; NaN: none > 0. Above
 * it the server draws less. */
double carbon_crossover_rate_hz(const struct carbon_crossover *c);

#endif

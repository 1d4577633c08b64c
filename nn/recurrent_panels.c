#include "nn/kernels/table_priv.h"
#include "nn/recurrent_priv.h"

#include <string.h>

/* Rows of the transposed matrix that are written while they are in cache. */
#define TURN_ROWS 16

int64_t nn_panels(int64_t columns)
{
    return (columns + NN_PANEL - 1) / NN_PANEL;
}

static int64_t columns_of(int64_t n, int64_t panel)
{
    int64_t rest = n - panel * NN_PANEL;
    return rest < NN_PANEL ? rest : NN_PANEL;
}

void nn_panels_put_row(
    int64_t k, int64_t n, int64_t row, const nn_real *from, nn_real *to)
{
    for (int64_t p = 0; p < nn_panels(n); p++)
        memcpy(to + (p * k + row) * NN_PANEL, from + p * NN_PANEL,
               (size_t)columns_of(n, p) * sizeof *to);
}

void nn_panels_pack(int64_t k, int64_t n, const nn_real *from, nn_real *to)
{
    for (int64_t row = 0; row < k; row++)
        nn_panels_put_row(k, n, row, from + row * n, to);
}

void nn_panels_pack_transposed(int64_t k,
                               int64_t n,
                               const nn_real *from,
                               nn_real *to)
{
    for (int64_t p = 0; p < nn_panels(n); p++) {
        int64_t columns = columns_of(n, p);
        const nn_real *rows = from + p * NN_PANEL * k;
        nn_real *panel = to + p * k * NN_PANEL;
        for (int64_t first = 0; first < k; first += TURN_ROWS) {
            int64_t end = first + TURN_ROWS < k ? first + TURN_ROWS : k;
            for (int64_t j = 0; j < columns; j++)
                for (int64_t i = first; i < end; i++)
                    panel[i * NN_PANEL + j] = rows[j * k + i];
        }
    }
}

void nn_panels_product(const struct nn_kernels *kernels,
                       const struct nn_product *p,
                       int64_t k)
{
    struct nn_product part = *p;
    part.b_inner = NN_PANEL;
    for (int64_t i = 0; i < nn_panels(p->n); i++) {
        part.n = columns_of(p->n, i);
        part.b = p->b + i * k * NN_PANEL;
        part.c = p->c + i * NN_PANEL;
        part.bias = p->bias ? p->bias + i * NN_PANEL : NULL;
        kernels->product(&part);
    }
}

/* NVML: NVIDIA's management library, loaded when it is there. One rail per GPU:
 * its energy counter (mJ, since Volta), or its power (mW) sampled, the area
 * under straight lines between samples.
 *
 * All GPUs of the machine, whoever uses them: NVML has no energy by process.
 * The simulator computes on processors alone, so that this meter is for
 * measuring other programs and devices, and carbon_meter_choose leaves it out.
 *
 * A counter that falls (the driver was loaded again) is an error. Power may be
 * sampled 60 s apart at most, and should be each second.
 *
 * How accurate is this? NVIDIA states +-5 W for boards; published comparisons
 * with wall meters find 5 to 10 %, and power averaged over 25 ms to 1 s.
 *
 * Source NVIDIA, NVML API Reference Guide, nvmlDeviceGetTotalEnergyConsumption
 * and nvmlDeviceGetPowerUsage */
#include "carbon/meter_priv.h"

#include "base/alloc.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY              "libnvidia-ml.so.1"
#define MAX_GPUS             CARBON_METER_MAX_RAILS
#define SUCCESS              0
#define MJ_PER_J             1e3
#define MW_PER_W             1e3
#define SAMPLE_PERIOD_WALL_S 1.0
#define COUNT_PERIOD_WALL_S  30.0
#define LONGEST_WALL_S       60.0

/* From NVML's documented interface; its header is not needed. */
typedef void *gpu_handle;
struct functions {
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *);
    int (*handle)(unsigned, gpu_handle *);
    int (*name)(gpu_handle, char *, unsigned);
    int (*energy)(gpu_handle, unsigned long long *);
    int (*power)(gpu_handle, unsigned *);
    const char *(*text)(int);
};

struct gpu {
    gpu_handle handle;
    char name[64];
    bool has_energy;
    unsigned long long start_mj, last_mj;
    struct carbon_power_sum sum;
};

struct nvml {
    void *library;
    struct functions call;
    bool is_open;
    unsigned n;
    struct gpu gpus[MAX_GPUS];
};

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    {"nvmlInit_v2", offsetof(struct functions, init)},
    {"nvmlShutdown", offsetof(struct functions, shutdown)},
    {"nvmlDeviceGetCount_v2", offsetof(struct functions, count)},
    {"nvmlDeviceGetHandleByIndex_v2", offsetof(struct functions, handle)},
    {"nvmlDeviceGetName", offsetof(struct functions, name)},
    {"nvmlDeviceGetTotalEnergyConsumption", offsetof(struct functions, energy)},
    {"nvmlDeviceGetPowerUsage", offsetof(struct functions, power)},
    {"nvmlErrorString", offsetof(struct functions, text)},
};

static enum fl_status
load(struct nvml *nvml, const char *path, struct fl_error *err)
{
    nvml->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!nvml->library) {
        const char *why = dlerror();
        return fl_fail(err, FL_E_IO, "%.200s (no NVIDIA driver here)",
                       why ? why : path);
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *found = dlsym(nvml->library, symbols[i].name);
        if (!found)
            return fl_fail(err, FL_E_FORMAT, "%s: no function %s", path,
                           symbols[i].name);
        /* POSIX's way from a data pointer to a function's. */
        memcpy((char *)&nvml->call + symbols[i].offset, &found, sizeof found);
    }
    return FL_OK;
}

static enum fl_status nvml_fail(const struct nvml *nvml,
                                const char *what,
                                int code,
                                struct fl_error *err)
{
    const char *text = nvml->call.text(code);
    return fl_fail(err, FL_E_IO, "NVML: %s: %.200s", what,
                   text ? text : "unknown error");
}

static enum fl_status open_gpu(const struct nvml *nvml,
                               unsigned index,
                               double now_wall_s,
                               struct gpu *gpu,
                               struct fl_error *err)
{
    char name[96] = "", what[32];
    unsigned mw = 0;
    (void)snprintf(what, sizeof what, "GPU %u", index);
    int code = nvml->call.handle(index, &gpu->handle);
    if (code == SUCCESS)
        code = nvml->call.name(gpu->handle, name, sizeof name);
    if (code != SUCCESS)
        return nvml_fail(nvml, what, code, err);
    name[sizeof name - 1] = '\0';
    (void)snprintf(gpu->name, sizeof gpu->name, "gpu%u %.40s", index, name);
    gpu->has_energy = nvml->call.energy(gpu->handle, &gpu->start_mj) == SUCCESS;
    gpu->last_mj = gpu->start_mj;
    if (gpu->has_energy)
        return FL_OK;
    code = nvml->call.power(gpu->handle, &mw);
    if (code != SUCCESS)
        return nvml_fail(nvml, what, code, err);
    gpu->sum.at_wall_s = now_wall_s;
    gpu->sum.power_w = mw / MW_PER_W;
    return FL_OK;
}

static enum fl_status
open_gpus(struct nvml *nvml, double now_wall_s, struct fl_error *err)
{
    int code = nvml->call.init();
    if (code != SUCCESS)
        return nvml_fail(nvml, "cannot start", code, err);
    nvml->is_open = true;
    code = nvml->call.count(&nvml->n);
    if (code != SUCCESS)
        return nvml_fail(nvml, "cannot count GPUs", code, err);
    if (nvml->n == 0 || nvml->n > MAX_GPUS)
        return fl_fail(err, FL_E_IO, "NVML: found %u GPUs, allowed 1 to %d",
                       nvml->n, MAX_GPUS);
    for (unsigned i = 0; i < nvml->n; i++)
        FL_TRY(open_gpu(nvml, i, now_wall_s, &nvml->gpus[i], err));
    return FL_OK;
}

static void close_nvml(void *state)
{
    struct nvml *nvml = state;
    if (nvml->is_open)
        (void)nvml->call.shutdown();
    if (nvml->library)
        (void)dlclose(nvml->library);
    fl_free(nvml);
}

static enum fl_status open_nvml(const struct carbon_meter_opts *opts,
                                double now_wall_s,
                                struct carbon_meter_setup *ret,
                                struct fl_error *err)
{
    struct nvml *nvml = fl_calloc(1, sizeof *nvml);
    if (!nvml)
        return fl_fail(err, FL_E_NOMEM, "out of memory: nvml");
    enum fl_status status =
        load(nvml, opts->library ? opts->library : LIBRARY, err);
    if (status == FL_OK)
        status = open_gpus(nvml, now_wall_s, err);
    if (status != FL_OK) {
        close_nvml(nvml);
        return status;
    }
    bool is_sampled = false;
    for (unsigned i = 0; i < nvml->n; i++)
        is_sampled |= !nvml->gpus[i].has_energy;
    ret->state = nvml;
    ret->period_wall_s =
        is_sampled ? SAMPLE_PERIOD_WALL_S : COUNT_PERIOD_WALL_S;
    ret->longest_gap_wall_s = is_sampled ? LONGEST_WALL_S : 0;
    (void)snprintf(ret->detail, sizeof ret->detail, "%u GPU%s, %s", nvml->n,
                   nvml->n == 1 ? "" : "s",
                   is_sampled ? "power sampled" : "energy counters");
    return FL_OK;
}

/* What a GPU says now: a counter, or its power. */
struct gpu_now {
    unsigned long long mj;
    double power_w;
};

static enum fl_status read_gpu(const struct nvml *nvml,
                               const struct gpu *gpu,
                               struct gpu_now *ret,
                               struct fl_error *err)
{
    unsigned mw = 0;
    int code = gpu->has_energy ? nvml->call.energy(gpu->handle, &ret->mj)
                               : nvml->call.power(gpu->handle, &mw);
    if (code != SUCCESS)
        return nvml_fail(nvml, gpu->name, code, err);
    if (gpu->has_energy && ret->mj < gpu->last_mj)
        return fl_fail(err, FL_E_IO,
                       "NVML: %s: its energy fell from %llu to %llu mJ (was "
                       "the driver loaded again?)",
                       gpu->name, gpu->last_mj, ret->mj);
    ret->power_w = mw / MW_PER_W;
    return FL_OK;
}

static enum fl_status read_nvml(void *state,
                                double now_wall_s,
                                struct carbon_meter_reading *ret,
                                struct fl_error *err)
{
    struct nvml *nvml = state;
    struct gpu_now now[MAX_GPUS] = {{0}};
    for (unsigned i = 0; i < nvml->n; i++)
        FL_TRY(read_gpu(nvml, &nvml->gpus[i], &now[i], err));
    ret->n_rails = nvml->n;
    for (unsigned i = 0; i < nvml->n; i++) {
        struct gpu *gpu = &nvml->gpus[i];
        struct carbon_meter_rail *rail = &ret->rails[i];
        gpu->last_mj = now[i].mj;
        if (!gpu->has_energy)
            carbon_power_add(&gpu->sum, now_wall_s, now[i].power_w);
        rail->energy_j = gpu->has_energy
                             ? (double)(now[i].mj - gpu->start_mj) / MJ_PER_J
                             : gpu->sum.sum_j;
        rail->is_counted = true;
        (void)snprintf(rail->name, sizeof rail->name, "%s", gpu->name);
    }
    return FL_OK;
}

const struct carbon_meter_type carbon_meter_nvml = {
    .name = "nvml",
    .doc = "NVIDIA GPUs, all of the machine together",
    .source = "NVIDIA, NVML API Reference Guide",
    .evidence = CARBON_MEASURED,
    .scope = CARBON_METER_GPUS,
    .open = open_nvml,
    .read = read_nvml,
    .close = close_nvml,
};

/* A library with NVML's functions, for a machine without GPUs: what it says is
 * in the environment variables FAKE_NVML_*, which are read at each call. */
#include <stdlib.h>
#include <string.h>

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle);
int nvmlDeviceGetName(void *handle, char *name, unsigned length);
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj);
int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw);
const char *nvmlErrorString(int code);

enum { OK = 0, NOT_SUPPORTED = 3 };

/* Handles are addresses of something. */
static char gpus[128];

static unsigned long number(const char *name, unsigned long fallback)
{
    const char *text = getenv(name);
    unsigned long value = 0;
    if (!text)
        return fallback;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (unsigned long)(*text - '0');
    return value;
}

static int fails(const char *call)
{
    const char *broken = getenv("FAKE_NVML_BROKEN");
    return broken && strcmp(broken, call) == 0;
}

int nvmlInit_v2(void)
{
    return fails("init") ? NOT_SUPPORTED : OK;
}

int nvmlShutdown(void)
{
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)number("FAKE_NVML_COUNT", 2);
    return fails("count") ? NOT_SUPPORTED : OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle)
{
    *handle = &gpus[index % 128];
    return fails("handle") ? NOT_SUPPORTED : OK;
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length)
{
    (void)handle;
    for (unsigned i = 0; i < length; i++)
        name[i] = i < 6 ? "Fake T"[i] : '\0';
    return fails("name") ? NOT_SUPPORTED : OK;
}

/* GPU i has i times 1000 mJ more than the first. */
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *mj)
{
    if (fails("energy"))
        return NOT_SUPPORTED;
    *mj = number("FAKE_NVML_MJ", 0) +
          1000ULL * (unsigned long long)((char *)handle - gpus);
    return OK;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *mw)
{
    (void)handle;
    *mw = (unsigned)number("FAKE_NVML_MW", 0);
    return getenv("FAKE_NVML_NO_POWER") ? NOT_SUPPORTED : OK;
}

const char *nvmlErrorString(int code)
{
    if (getenv("FAKE_NVML_SPEECHLESS"))
        return NULL;
    return code == NOT_SUPPORTED ? "Not Supported" : "Success";
}

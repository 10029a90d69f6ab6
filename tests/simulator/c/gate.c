/* Starting, stopping, counting calls, and the faults that meet them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "simulator.h"

enum { MAX_CALLS = 128 };

static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static int users;
static struct {
    char call[CALL_BYTES];
    long counts[MAX_DEVICES + 1];
} calls[MAX_CALLS];
static int call_count;

static long *counter_of(const char *call, const struct device *device)
{
    int slot = device == NULL ? MAX_DEVICES : (int)device->index;
    for (int i = 0; i < call_count; i++) {
        if (strcmp(calls[i].call, call) == 0) {
            return &calls[i].counts[slot];
        }
    }
    if (call_count == MAX_CALLS) {
        abort();
    }
    strncpy(calls[call_count].call, call, CALL_BYTES - 1);
    return &calls[call_count++].counts[slot];
}

/* How often a call was made since the first initialisation, on all devices: for tests in the same process. */
long simulator_calls(const char *call)
{
    long sum = 0;
    pthread_mutex_lock(&state_lock);
    for (int i = 0; i < call_count; i++) {
        if (strcmp(calls[i].call, call) == 0) {
            for (int slot = 0; slot <= MAX_DEVICES; slot++) {
                sum += calls[i].counts[slot];
            }
        }
    }
    pthread_mutex_unlock(&state_lock);
    return sum;
}

const struct mig_handle *mig_of(const void *handle)
{
    for (int i = 0; i < simulation.device_count; i++) {
        for (int m = 0; m < simulation.devices[i].mig_count; m++) {
            if (handle == &mig_handles[i][m]) {
                return &mig_handles[i][m];
            }
        }
    }
    return NULL;
}

static const struct device_handle *device_handle_of(const void *handle)
{
    const struct device_handle *known = handle, *first = &device_handles[0][0];
    return known >= first && known <= &device_handles[MAX_DEVICES - 1][MAX_LOSSES] && known->device != NULL ? known : NULL;
}

struct device *device_of(const void *handle)
{
    const struct device_handle *own = device_handle_of(handle);
    const struct mig_handle *part = mig_of(handle);
    return own != NULL ? own->device : part != NULL ? part->parent : NULL;
}

static int life_of(const struct device *device)
{
    int life = 0;
    for (int i = 0; i < device->loss_count; i++) {
        life += now_seconds() >= device->losses[i].until;
    }
    return life;
}

struct device_handle *handle_of(struct device *device)
{
    return &device_handles[device->index][life_of(device)];
}

/* How the device's being gone fails a call; a handle from before a loss is wrong ever after. */
static nvmlReturn_t loss_code(const struct device *device, const struct device_handle *handle)
{
    double at = now_seconds();
    for (int i = 0; i < device->loss_count; i++) {
        if (at >= device->losses[i].from && at < device->losses[i].until) {
            return device->losses[i].code;
        }
    }
    if (handle != NULL && handle->life < life_of(device)) {
        return device->losses[handle->life].stale;
    }
    return NVML_SUCCESS;
}

static int meets(const struct fault *f, const char *call, const struct device *device, double at, long made)
{
    int wildcard = strcmp(f->call, "*") == 0 && device != NULL;
    return (wildcard || strcmp(f->call, call) == 0) && (f->device < 0 || (device != NULL && f->device == (int)device->index)) &&
           at >= f->from && at < f->until && made > f->after_calls && made - f->after_calls <= f->calls;
}

nvmlReturn_t code_for(const char *call, const struct device *device)
{
    int count = device == NULL ? simulation.code_count : device->code_count;
    const struct code *codes = device == NULL ? simulation.codes : device->codes;
    for (int i = 0; i < count; i++) {
        if (strcmp(codes[i].call, call) == 0) {
            return codes[i].code;
        }
    }
    return NVML_SUCCESS;
}

const struct value *value_for(const char *call, const struct device *device)
{
    for (int i = 0; i < device->value_count; i++) {
        if (strcmp(device->values[i].call, call) == 0) {
            return &device->values[i];
        }
    }
    return NULL;
}

uint64_t faulted_value(const char *call, const struct device *device, uint64_t value)
{
    double at = now_seconds();
    long made;
    pthread_mutex_lock(&state_lock);
    made = *counter_of(call, device);
    pthread_mutex_unlock(&state_lock);
    for (int i = 0; i < simulation.fault_count; i++) {
        const struct fault *f = &simulation.faults[i];
        if (f->has_value && meets(f, call, device, at, made)) {
            return f->value;
        }
    }
    return value;
}

double seen_seconds(const char *call, const struct device *device)
{
    double at = now_seconds();
    long made;
    pthread_mutex_lock(&state_lock);
    made = *counter_of(call, device);
    pthread_mutex_unlock(&state_lock);
    for (int i = 0; i < simulation.fault_count; i++) {
        const struct fault *f = &simulation.faults[i];
        if (f->frozen && meets(f, call, device, at, made)) {
            return f->from;
        }
    }
    return at;
}

/* Counts the call, takes the time it takes here, and returns how it fails. */
static nvmlReturn_t pass(const char *call, const struct device *device)
{
    double at = now_seconds();
    nvmlReturn_t code = code_for(call, device);
    long made;
    pthread_mutex_lock(&state_lock);
    made = ++*counter_of(call, device);
    pthread_mutex_unlock(&state_lock);
    if (simulation.serialise) {
        pthread_mutex_lock(&driver_lock);
    }
    for (int i = 0; i < simulation.fault_count; i++) {
        const struct fault *f = &simulation.faults[i];
        if (!meets(f, call, device, at, made)) {
            continue;
        }
        if (f->hang) {
            code = hang();
            if (code != NVML_SUCCESS) {
                break;
            }
        }
        sleep_seconds(f->seconds);
        if (f->has_code) {
            code = f->code;
        }
    }
    if (simulation.serialise) {
        pthread_mutex_unlock(&driver_lock);
    }
    return code;
}

nvmlReturn_t enter_device(const char *call, const struct device *device)
{
    nvmlReturn_t code;
    if (users == 0) {
        return NVML_UNINITIALIZED;
    }
    code = pass(call, device);
    return code != NVML_SUCCESS || device == NULL ? code : loss_code(device, NULL);
}

nvmlReturn_t enter(const char *call, const void *handle)
{
    struct device *device = handle == NULL ? NULL : device_of(handle);
    nvmlReturn_t code;
    if (users == 0) {
        return NVML_UNINITIALIZED;
    }
    if (handle != NULL && device == NULL) {
        return NVML_INVALID_ARGUMENT;
    }
    code = pass(call, device);
    return code != NVML_SUCCESS || device == NULL ? code : loss_code(device, device_handle_of(handle));
}

/* Forgets whoever initialised it, so that the next initialisation reads the configuration anew. */
void simulator_forget(void)
{
    pthread_mutex_lock(&state_lock);
    users = 0;
    pthread_mutex_unlock(&state_lock);
}

nvmlReturn_t nvmlInitWithFlags(unsigned flags)
{
    nvmlReturn_t code = NVML_SUCCESS;
    (void)flags;
    pthread_mutex_lock(&state_lock);
    if (users == 0) {
        memset(calls, 0, sizeof calls);
        call_count = 0;
        code = read_configuration(getenv("NVML_SIMULATOR")) == 0 ? NVML_SUCCESS : NVML_UNKNOWN;
    }
    pthread_mutex_unlock(&state_lock);
    if (code == NVML_SUCCESS) {
        code = pass("nvmlInit", NULL);
    }
    if (code == NVML_SUCCESS) {
        pthread_mutex_lock(&state_lock);
        users++;
        pthread_mutex_unlock(&state_lock);
    }
    return code;
}

nvmlReturn_t nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

nvmlReturn_t nvmlInit(void)
{
    return nvmlInitWithFlags(0);
}

nvmlReturn_t nvmlShutdown(void)
{
    nvmlReturn_t code = NVML_SUCCESS;
    pthread_mutex_lock(&state_lock);
    if (users == 0) {
        code = NVML_UNINITIALIZED;
    } else {
        users--;
    }
    pthread_mutex_unlock(&state_lock);
    return code;
}

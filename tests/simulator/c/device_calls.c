/* What NVML answers about a device. A call without a configured value is not supported, as on real parts. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "simulator.h"

/* A gauge that is a configured number or not supported. */
#define PLAIN(call, type)                                                                                                      \
    nvmlReturn_t call(void *handle, type *out)                                                                                 \
    {                                                                                                                          \
        nvmlReturn_t code = enter(#call, handle);                                                                              \
        const struct value *value = code ? NULL : value_for(#call, device_of(handle));                                         \
        if (value != NULL) {                                                                                                   \
            *out = (type)faulted_value(#call, device_of(handle), value->first);                                                \
        }                                                                                                                      \
        return code ? code : value == NULL ? NVML_NOT_SUPPORTED : NVML_SUCCESS;                                                \
    }

/* The same with two numbers. */
#define PLAIN_PAIR(call)                                                                                                       \
    nvmlReturn_t call(void *handle, unsigned *first, unsigned *second)                                                         \
    {                                                                                                                          \
        nvmlReturn_t code = enter(#call, handle);                                                                              \
        const struct value *value = code ? NULL : value_for(#call, device_of(handle));                                         \
        if (value != NULL) {                                                                                                   \
            *first = (unsigned)value->first;                                                                                   \
            *second = (unsigned)value->second;                                                                                 \
        }                                                                                                                      \
        return code ? code : value == NULL ? NVML_NOT_SUPPORTED : NVML_SUCCESS;                                                \
    }

PLAIN(nvmlDeviceGetEnforcedPowerLimit, unsigned)
PLAIN(nvmlDeviceGetPowerManagementLimit, unsigned)
PLAIN(nvmlDeviceGetPowerManagementDefaultLimit, unsigned)
PLAIN(nvmlDeviceGetPowerManagementMode, unsigned)
PLAIN(nvmlDeviceGetFanSpeed, unsigned)
PLAIN(nvmlDeviceGetPerformanceState, unsigned)
PLAIN(nvmlDeviceGetPersistenceMode, unsigned)
PLAIN(nvmlDeviceGetModuleId, unsigned)
PLAIN(nvmlDeviceGetBrand, unsigned)
PLAIN(nvmlDeviceGetMinorNumber, unsigned)
PLAIN(nvmlDeviceGetDisplayMode, unsigned)
PLAIN(nvmlDeviceGetCurrPcieLinkGeneration, unsigned)
PLAIN(nvmlDeviceGetCurrPcieLinkWidth, unsigned)
PLAIN_PAIR(nvmlDeviceGetPowerManagementLimitConstraints)
PLAIN_PAIR(nvmlDeviceGetEccMode)
PLAIN_PAIR(nvmlDeviceGetMigMode)

static int is_busy(struct device *device)
{
    return rail_joules(device, RAIL_GPU, now_seconds() - 1.0, now_seconds()) > device->busy_above_watts;
}

static unsigned milliwatts_of(struct device *device, const struct meter *meter)
{
    return (unsigned)(meter_watts(device, meter, now_seconds()) * 1e3 + 0.5);
}

nvmlReturn_t nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts)
{
    nvmlReturn_t code = enter("nvmlDeviceGetPowerUsage", handle);
    struct device *device = device_of(handle);
    if (code != NVML_SUCCESS || !device->meters[METER_USAGE].present) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    *milliwatts = (unsigned)faulted_value("nvmlDeviceGetPowerUsage", device, milliwatts_of(device, &device->meters[METER_USAGE]));
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *millijoules)
{
    nvmlReturn_t code = enter("nvmlDeviceGetTotalEnergyConsumption", handle);
    struct device *device = device_of(handle);
    if (code != NVML_SUCCESS || !device->counter.present) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    *millijoules = faulted_value("nvmlDeviceGetTotalEnergyConsumption", device, counter_millijoules(device, now_seconds()));
    return NVML_SUCCESS;
}

struct field_value {
    unsigned id, scope;
    int64_t timestamp, latency;
    unsigned type;
    nvmlReturn_t code;
    union {
        double real;
        unsigned whole;
        unsigned long long large;
    } value;
};

enum { TYPE_UNSIGNED = 1, TYPE_UNSIGNED_LONG_LONG = 3 };

static void answer_field(struct device *device, struct field_value *out)
{
    const struct field *field = NULL;
    char name[CALL_BYTES];
    struct timespec now;
    for (int i = 0; i < device->field_count; i++) {
        if (device->fields[i].id == out->id && device->fields[i].scope == out->scope) {
            field = &device->fields[i];
        }
    }
    snprintf(name, sizeof name, "nvmlDeviceGetFieldValues#%u.%u", out->id, out->scope);
    clock_gettime(CLOCK_REALTIME, &now);
    out->timestamp = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    out->latency = 0;
    out->code = enter(name, device);
    /* Undefined where the element failed: a client that reads it all the same shall notice. */
    out->value.large = 0xA5A5A5A5A5A5A5A5ull;
    if (out->code != NVML_SUCCESS || field == NULL) {
        out->code = out->code ? out->code : NVML_NOT_SUPPORTED;
        return;
    }
    if (field->meter == -1) {
        out->type = TYPE_UNSIGNED_LONG_LONG;
        out->value.large = faulted_value(name, device, counter_millijoules(device, now_seconds()));
        return;
    }
    out->type = TYPE_UNSIGNED;
    out->value.whole = (unsigned)faulted_value(
        name, device, field->meter < 0 ? field->value : milliwatts_of(device, &device->meters[field->meter]));
}

nvmlReturn_t nvmlDeviceGetFieldValues(void *handle, int count, struct field_value *values)
{
    nvmlReturn_t code = enter("nvmlDeviceGetFieldValues", handle);
    if (code != NVML_SUCCESS || values == NULL || count < 1) {
        return code ? code : NVML_INVALID_ARGUMENT;
    }
    for (int i = 0; i < count; i++) {
        answer_field(device_of(handle), &values[i]);
    }
    return NVML_SUCCESS;
}

struct memory {
    unsigned long long total, free, used;
};

struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

static uint64_t used_bytes(struct device *device)
{
    uint64_t sum = 0;
    double at = now_seconds();
    for (int i = 0; i < device->process_count; i++) {
        const struct process *p = &device->processes[i];
        if (at >= p->begin && at < p->end && p->bytes != UINT64_MAX) {
            sum += p->bytes;
        }
    }
    return sum < device->memory_total ? sum : device->memory_total;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(void *handle, struct memory *memory)
{
    nvmlReturn_t code = enter("nvmlDeviceGetMemoryInfo", handle);
    if (memory != NULL && code == NVML_NOT_SUPPORTED) {
        memset(memory, 0, sizeof *memory);
    }
    if (code == NVML_SUCCESS) {
        memory->total = device_of(handle)->memory_total;
        memory->used = used_bytes(device_of(handle));
        memory->free = memory->total - memory->used;
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory_v2 *memory)
{
    struct memory plain = {0, 0, 0};
    unsigned version = memory->version;
    nvmlReturn_t code;
    if (version != 2 && version != (sizeof *memory | 2u << 24)) {
        return NVML_ARGUMENT_VERSION_MISMATCH;
    }
    code = nvmlDeviceGetMemoryInfo(handle, &plain);
    if (code == NVML_SUCCESS || code == NVML_NOT_SUPPORTED) {
        memory->total = plain.total;
        memory->reserved = 0;
        memory->free = plain.free;
        memory->used = plain.used;
    }
    return code;
}

struct utilization {
    unsigned gpu, memory;
};

nvmlReturn_t nvmlDeviceGetUtilizationRates(void *handle, struct utilization *utilization)
{
    nvmlReturn_t code = enter("nvmlDeviceGetUtilizationRates", handle);
    if (code == NVML_SUCCESS) {
        const struct value *memory = value_for("nvmlDeviceGetUtilizationRates", device_of(handle));
        utilization->gpu = is_busy(device_of(handle)) ? device_of(handle)->utilization_busy : 0;
        utilization->memory = memory == NULL ? utilization->gpu / 2 : (unsigned)memory->first;
    }
    return code;
}

static unsigned celsius_of(struct device *device)
{
    double window = device->temperature_window;
    double watts = rail_joules(device, RAIL_GPU, now_seconds() - window, now_seconds()) / window;
    return (unsigned)(device->temperature_base + device->temperature_per_watt * watts);
}

nvmlReturn_t nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *celsius)
{
    nvmlReturn_t code = enter("nvmlDeviceGetTemperature", handle);
    if (code != NVML_SUCCESS || sensor != 0) {
        return code ? code : NVML_INVALID_ARGUMENT;
    }
    *celsius = (unsigned)faulted_value("nvmlDeviceGetTemperature", device_of(handle), celsius_of(device_of(handle)));
    return NVML_SUCCESS;
}

struct temperature_v1 {
    unsigned version, sensor;
    int celsius;
};

nvmlReturn_t nvmlDeviceGetTemperatureV(void *handle, struct temperature_v1 *temperature)
{
    nvmlReturn_t code = code_for("nvmlDeviceGetTemperatureV", device_of(handle));
    unsigned celsius = 0;
    if (code == NVML_SUCCESS && temperature->version != (sizeof *temperature | 1u << 24)) {
        return NVML_ARGUMENT_VERSION_MISMATCH;
    }
    code = code ? code : nvmlDeviceGetTemperature(handle, temperature->sensor, &celsius);
    if (code == NVML_SUCCESS) {
        temperature->celsius = (int)celsius;
    }
    return code;
}

enum { CLOCK_GRAPHICS, CLOCK_SM, CLOCK_MEMORY, CLOCK_VIDEO };

nvmlReturn_t nvmlDeviceGetClockInfo(void *handle, unsigned type, unsigned *megahertz)
{
    nvmlReturn_t code = enter("nvmlDeviceGetClockInfo", handle);
    struct device *device = device_of(handle);
    const struct value *memory;
    if (code != NVML_SUCCESS || type > CLOCK_VIDEO) {
        return code ? code : NVML_INVALID_ARGUMENT;
    }
    memory = value_for("nvmlDeviceGetClockInfo", device);
    if (type == CLOCK_MEMORY) {
        *megahertz = memory == NULL ? 0 : (unsigned)memory->first;
        return memory == NULL ? NVML_NOT_SUPPORTED : NVML_SUCCESS;
    }
    *megahertz = (unsigned)faulted_value("nvmlDeviceGetClockInfo", device,
                                         is_busy(device) ? device->sm_busy_mhz : device->sm_idle_mhz);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(void *handle, unsigned type, unsigned *megahertz)
{
    nvmlReturn_t code = enter("nvmlDeviceGetMaxClockInfo", handle);
    const struct value *value = code ? NULL : value_for("nvmlDeviceGetMaxClockInfo", device_of(handle));
    if (code != NVML_SUCCESS || value == NULL || type == CLOCK_MEMORY) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    *megahertz = (unsigned)value->first;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *reasons)
{
    nvmlReturn_t code = enter("nvmlDeviceGetCurrentClocksEventReasons", handle);
    struct device *device = device_of(handle);
    if (code == NVML_SUCCESS) {
        *reasons = faulted_value("nvmlDeviceGetCurrentClocksEventReasons", device,
                                 is_busy(device) ? device->events_busy : device->events_idle);
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons)
{
    return nvmlDeviceGetCurrentClocksEventReasons(handle, reasons);
}

nvmlReturn_t nvmlDeviceGetArchitecture(void *handle, unsigned *architecture)
{
    nvmlReturn_t code = enter("nvmlDeviceGetArchitecture", handle);
    if (code == NVML_SUCCESS) {
        *architecture = device_of(handle)->architecture;
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor)
{
    nvmlReturn_t code = enter("nvmlDeviceGetCudaComputeCapability", handle);
    if (code == NVML_SUCCESS) {
        *major = (int)device_of(handle)->major;
        *minor = (int)device_of(handle)->minor;
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetPcieThroughput(void *handle, unsigned direction, unsigned *kilobytes)
{
    nvmlReturn_t code = enter("nvmlDeviceGetPcieThroughput", handle);
    const struct value *value = code ? NULL : value_for("nvmlDeviceGetPcieThroughput", device_of(handle));
    (void)direction;
    if (value != NULL) {
        *kilobytes = (unsigned)value->first;
    }
    return code ? code : value == NULL ? NVML_NOT_SUPPORTED : NVML_SUCCESS;
}

struct process_info {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
};

static nvmlReturn_t list_processes(const char *call, void *handle, int graphics, unsigned *count, struct process_info *out)
{
    nvmlReturn_t code = enter(call, handle);
    struct device *device = device_of(handle);
    double at = now_seconds();
    unsigned listed = 0;
    if (code != NVML_SUCCESS || count == NULL) {
        return code ? code : NVML_INVALID_ARGUMENT;
    }
    for (int i = 0; i < device->process_count; i++) {
        const struct process *p = &device->processes[i];
        if (at < p->begin || at >= p->end || p->graphics != graphics) {
            continue;
        }
        if (out != NULL && listed < *count) {
            out[listed].pid = p->pid ? p->pid : (unsigned)getpid();
            out[listed].bytes = p->bytes;
            out[listed].gpu_instance = out[listed].compute_instance = 0xffffffffu;
        }
        listed++;
    }
    code = listed > (out == NULL ? 0 : *count) ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
    *count = listed;
    return code;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, struct process_info *out)
{
    return list_processes("nvmlDeviceGetComputeRunningProcesses", handle, 0, count, out);
}

nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, struct process_info *out)
{
    return list_processes("nvmlDeviceGetGraphicsRunningProcesses", handle, 1, count, out);
}

/* The state of a device. A call without a configured value is not supported, as on real parts. */
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
    nvmlReturn_t code = enter("nvmlDeviceGetTemperatureV", handle);
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

static nvmlReturn_t give_reasons(const char *call, void *handle, unsigned long long *reasons)
{
    nvmlReturn_t code = enter(call, handle);
    struct device *device = device_of(handle);
    if (code == NVML_SUCCESS) {
        *reasons = faulted_value(call, device,
                                 slowdown_bits(device, now_seconds()) |
                                     (is_busy(device) ? device->events_busy : device->events_idle));
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *reasons)
{
    return give_reasons("nvmlDeviceGetCurrentClocksEventReasons", handle, reasons);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons)
{
    return give_reasons("nvmlDeviceGetCurrentClocksThrottleReasons", handle, reasons);
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


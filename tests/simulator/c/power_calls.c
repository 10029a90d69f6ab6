/* Power and energy: the calls and the fields. */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>

#include "simulator.h"

static unsigned milliwatts_of(const char *call, struct device *device, const struct meter *meter)
{
    return (unsigned)(meter_watts(device, meter, seen_seconds(call, device)) * 1e3 + 0.5);
}

nvmlReturn_t nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts)
{
    nvmlReturn_t code = enter("nvmlDeviceGetPowerUsage", handle);
    struct device *device = device_of(handle);
    if (code != NVML_SUCCESS || !device->meters[METER_USAGE].present) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    *milliwatts = (unsigned)faulted_value("nvmlDeviceGetPowerUsage", device,
                                          milliwatts_of("nvmlDeviceGetPowerUsage", device, &device->meters[METER_USAGE]));
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *millijoules)
{
    static const char call[] = "nvmlDeviceGetTotalEnergyConsumption";
    nvmlReturn_t code = enter(call, handle);
    struct device *device = device_of(handle);
    if (code != NVML_SUCCESS || !device->counter.present) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    *millijoules = faulted_value(call, device, counter_millijoules(device, seen_seconds(call, device)));
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
    out->code = enter_device(name, device);
    /* Undefined where the element failed: a client that reads it all the same shall notice. */
    out->value.large = 0xA5A5A5A5A5A5A5A5ull;
    if (out->code != NVML_SUCCESS || field == NULL) {
        out->code = out->code ? out->code : NVML_NOT_SUPPORTED;
        return;
    }
    if (field->meter == -1) {
        out->type = TYPE_UNSIGNED_LONG_LONG;
        out->value.large = faulted_value(name, device, counter_millijoules(device, seen_seconds(name, device)));
        return;
    }
    if (field->meter < -2) {
        enum slowdown_kind kind = (enum slowdown_kind)(-3 - field->meter);
        out->type = TYPE_UNSIGNED_LONG_LONG;
        out->value.large = faulted_value(name, device, slowdown_nanoseconds(device, kind, now_seconds()));
        return;
    }
    out->type = TYPE_UNSIGNED;
    out->value.whole = (unsigned)faulted_value(
        name, device, field->meter < 0 ? field->value : milliwatts_of(name, device, &device->meters[field->meter]));
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


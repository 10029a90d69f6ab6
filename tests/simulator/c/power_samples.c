/* The buffer of power samples that a driver keeps, with what is wrong with some of them. */
#include <math.h>
#include <string.h>

#include "simulator.h"

enum { POWER_SAMPLES = 0, TYPE_UNSIGNED = 1 };
static const char call[] = "nvmlDeviceGetSamples";

struct sample {
    unsigned long long microseconds;
    union {
        double real;
        unsigned whole;
        unsigned long long large;
    } value;
};

/* The clock that stamps the samples, which somebody may have set. */
static unsigned long long stamp_of(const struct samples *s, double at)
{
    double stamp = s->epoch + at;
    for (int i = 0; i < s->fault_count; i++) {
        stamp += s->faults[i].kind == SAMPLES_CLOCK && at >= s->faults[i].from ? s->faults[i].amount : 0.0;
    }
    return (unsigned long long)(stamp * 1e6 + 0.5);
}

static const struct samples_fault *fault_at(const struct samples *s, enum samples_fault_kind kind, double at)
{
    for (int i = 0; i < s->fault_count; i++) {
        const struct samples_fault *f = &s->faults[i];
        if (f->kind == kind && at >= f->from && at < f->until) {
            return f;
        }
    }
    return NULL;
}

static unsigned milliwatts_at(const struct device *device, double at)
{
    const struct samples_fault *stuck = fault_at(&device->samples, SAMPLES_STUCK, at);
    const struct samples_fault *gain = fault_at(&device->samples, SAMPLES_GAIN, at);
    /* A moment later, so that rounding does not give the value of the refresh before. */
    double watts = meter_watts(device, &device->meters[METER_USAGE], (stuck != NULL ? stuck->from : at) + 1e-6);
    return (unsigned)(watts * (gain != NULL ? gain->amount : 1.0) * 1e3 + 0.5);
}

/* Those newer than last, oldest first; the number alone where there is no place for them. */
static unsigned collect(const struct device *device, double now, unsigned long long last, struct sample *out)
{
    const struct samples *s = &device->samples;
    int64_t newest = (int64_t)floor(now / s->period);
    unsigned count = 0;
    for (int64_t tick = newest - (int64_t)s->length + 1; tick <= newest; tick++) {
        double at = (double)tick * s->period;
        unsigned long long stamp = stamp_of(s, at);
        const struct samples_fault *slow = fault_at(s, SAMPLES_SLOW, at);
        int kept = slow == NULL || tick % (int64_t)slow->amount == 0;
        if (stamp <= last || !kept || fault_at(s, SAMPLES_HOLE, at) != NULL) {
            continue;
        }
        if (out != NULL) {
            out[count].value.large = 0xA5A5A5A500000000ull;
            out[count].value.whole = milliwatts_at(device, at);
            out[count].microseconds = stamp;
        }
        count++;
    }
    return count;
}

/* Some drivers turn the buffer, repeat entries, and leave some of them empty. */
static void disorder(struct sample *samples, unsigned count)
{
    for (unsigned i = 0; i < count / 2; i++) {
        struct sample kept = samples[i];
        samples[i] = samples[count - 1 - i];
        samples[count - 1 - i] = kept;
    }
    for (unsigned i = 7; i + 1 < count; i += 11) {
        samples[i + 1] = samples[i];
    }
    for (unsigned i = 3; i < count; i += 13) {
        memset(&samples[i], 0, sizeof samples[i]);
    }
}

nvmlReturn_t nvmlDeviceGetSamples(void *handle, unsigned type, unsigned long long last, unsigned *value_type, unsigned *count,
                                  struct sample *samples)
{
    nvmlReturn_t code = enter(call, handle);
    struct device *device = device_of(handle);
    unsigned found;
    double now;
    if (code != NVML_SUCCESS || device->samples.length == 0 || type != POWER_SAMPLES) {
        return code ? code : NVML_NOT_SUPPORTED;
    }
    now = seen_seconds(call, device);
    found = collect(device, now, last, NULL);
    *value_type = TYPE_UNSIGNED;
    /* As real drivers do: asked for the size, the whole buffer's; where nothing is newer, an error. */
    if (samples == NULL) {
        *count = device->samples.length;
        return NVML_SUCCESS;
    }
    if (found == 0) {
        return NVML_NOT_FOUND;
    }
    if (*count < found) {
        return NVML_INSUFFICIENT_SIZE;
    }
    *count = collect(device, now, last, samples);
    if (device->samples.disordered) {
        disorder(samples, *count);
    }
    return NVML_SUCCESS;
}

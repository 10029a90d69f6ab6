/* What each directive of the configuration sets. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "configuration.h"

#define copy_text(to, size, from) snprintf(to, size, "%s", from)

static const char *const slowdown_names[] = {"software_thermal", "hardware_thermal", "power_brake"};
static const char *const rail_names[] = {"gpu", "module", "memory"};
static const char *const meter_names[] = {"average", "instant", "usage", "module_average", "module_instant", "memory"};

static int read_simulation(struct pairs *p, struct device *d)
{
    const char *path = text_of(p, "clock", NULL);
    (void)d;
    copy_text(simulation.driver, sizeof simulation.driver, text_of(p, "driver", "0-simulated"));
    simulation.cuda_version = (int)whole_of(p, "cuda", 13000);
    simulation.serialise = (int)whole_of(p, "serialise", 0);
    simulation.origin_nanoseconds = (int64_t)whole_of(p, "origin", 0);
    if (path != NULL) {
        int file = open(path, O_RDWR | O_CLOEXEC);
        void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (file >= 0) {
            close(file);
        }
        if (page == MAP_FAILED) {
            return -1;
        }
        simulation.driven_nanoseconds = page;
    }
    return 0;
}

static int read_device(struct pairs *p, struct device *unused)
{
    struct device *d;
    (void)unused;
    if (simulation.device_count == MAX_DEVICES) {
        return -1;
    }
    d = &simulation.devices[simulation.device_count];
    d->index = (unsigned)simulation.device_count++;
    for (int life = 0; life <= MAX_LOSSES; life++) {
        device_handles[d->index][life].device = d;
        device_handles[d->index][life].life = life;
    }
    copy_text(d->name, sizeof d->name, text_of(p, "name", ""));
    copy_text(d->uuid, sizeof d->uuid, text_of(p, "uuid", ""));
    copy_text(d->serial, sizeof d->serial, text_of(p, "serial", "0000000000000"));
    d->pci_domain = (unsigned)whole_of(p, "pci_domain", 0);
    d->pci_bus = (unsigned)whole_of(p, "pci_bus", 1);
    snprintf(d->bus_id, sizeof d->bus_id, "%08X:%02X:00.0", d->pci_domain, d->pci_bus);
    d->architecture = (unsigned)whole_of(p, "architecture", 0xffffffffu);
    d->major = (unsigned)whole_of(p, "major", 0);
    d->minor = (unsigned)whole_of(p, "minor", 0);
    d->memory_total = whole_of(p, "memory_total", 0);
    d->temperature_base = number_of(p, "temperature_base", 40);
    d->temperature_per_watt = number_of(p, "temperature_per_watt", 0.3);
    d->temperature_window = number_of(p, "temperature_window", 30);
    d->busy_above_watts = number_of(p, "busy_above_watts", 20);
    d->sm_idle_mhz = (unsigned)whole_of(p, "sm_idle_mhz", 208);
    d->sm_busy_mhz = (unsigned)whole_of(p, "sm_busy_mhz", 2400);
    d->utilization_busy = (unsigned)whole_of(p, "utilization_busy", 96);
    d->events_idle = whole_of(p, "events_idle", 0x1);
    d->events_busy = whole_of(p, "events_busy", 0x4);
    return 0;
}

static int read_segment(struct pairs *p, struct device *d)
{
    static const char *const kinds[] = {"constant", "square", "ramp", "sine"};
    struct waveform *w = &d->rails[choice_of(p, "rail", rail_names, RAIL_COUNT)];
    struct segment *s;
    if (w->count == MAX_ENTRIES) {
        return -1;
    }
    s = &w->segments[w->count++];
    s->kind = (enum segment_kind)choice_of(p, "kind", kinds, 4);
    s->begin = number_of(p, "begin", -INFINITY);
    s->end = number_of(p, "end", INFINITY);
    s->low = number_of(p, "low", 0);
    s->high = number_of(p, "high", 0);
    s->period = number_of(p, "period", 1);
    s->duty = number_of(p, "duty", 0.5);
    s->phase = number_of(p, "phase", 0);
    return isfinite(s->begin) && isfinite(s->end) && s->end > s->begin && s->period > 0 ? 0 : -1;
}

static int read_meter(struct pairs *p, struct device *d)
{
    struct meter *m = &d->meters[choice_of(p, "kind", meter_names, METER_COUNT)];
    m->present = 1;
    m->rail = (enum rail)choice_of(p, "rail", rail_names, RAIL_COUNT);
    m->window = number_of(p, "window", 0);
    m->refresh = number_of(p, "refresh", 0);
    m->lag = number_of(p, "lag", 0);
    m->noise_watts = number_of(p, "noise", 0);
    m->gain = number_of(p, "gain", 1);
    return 0;
}

static int read_counter(struct pairs *p, struct device *d)
{
    struct counter *c = &d->counter;
    c->present = 1;
    c->rail = (enum rail)choice_of(p, "rail", rail_names, RAIL_COUNT);
    c->refresh = number_of(p, "refresh", 0);
    c->window = number_of(p, "window", 0);
    c->offset_joules = number_of(p, "offset", 0);
    c->modulus_millijoules = whole_of(p, "modulus", 0);
    return c->window > 0 && c->refresh <= 0 ? -1 : 0;
}

static int read_counter_fault(struct pairs *p, struct device *d)
{
    static const char *const kinds[] = {"reset", "stuck", "step", "gain"};
    struct counter_fault *f;
    if (d->counter.fault_count == MAX_ENTRIES) {
        return -1;
    }
    f = &d->counter.faults[d->counter.fault_count++];
    f->kind = (enum counter_fault_kind)choice_of(p, "kind", kinds, 4);
    f->from = number_of(p, "from", 0);
    f->until = number_of(p, "until", INFINITY);
    f->amount = number_of(p, "amount", 0);
    return 0;
}

static int read_samples(struct pairs *p, struct device *d)
{
    d->samples.length = (unsigned)whole_of(p, "length", 0);
    d->samples.period = number_of(p, "period", 0.02);
    d->samples.epoch = number_of(p, "epoch", 0);
    d->samples.disordered = (int)whole_of(p, "disordered", 0);
    return d->samples.period > 0 ? 0 : -1;
}

static int read_samples_fault(struct pairs *p, struct device *d)
{
    static const char *const kinds[] = {"clock", "stuck", "gain", "hole", "slow"};
    struct samples_fault *f;
    if (d->samples.fault_count == MAX_ENTRIES) {
        return -1;
    }
    f = &d->samples.faults[d->samples.fault_count++];
    f->kind = (enum samples_fault_kind)choice_of(p, "kind", kinds, 5);
    f->from = number_of(p, "from", 0);
    f->until = number_of(p, "until", INFINITY);
    f->amount = number_of(p, "amount", 0);
    return f->kind == SAMPLES_SLOW && f->amount < 1 ? -1 : 0;
}

static int read_value(struct pairs *p, struct device *d)
{
    struct value *v;
    if (d->value_count == MAX_ENTRIES) {
        return -1;
    }
    v = &d->values[d->value_count++];
    copy_text(v->call, sizeof v->call, text_of(p, "call", ""));
    v->first = whole_of(p, "first", 0);
    v->second = whole_of(p, "second", 0);
    return 0;
}

static int read_code(struct pairs *p, struct device *d)
{
    int *count = d == NULL ? &simulation.code_count : &d->code_count;
    struct code *c = d == NULL ? simulation.codes : d->codes;
    if (*count == MAX_ENTRIES) {
        return -1;
    }
    c += (*count)++;
    copy_text(c->call, sizeof c->call, text_of(p, "call", ""));
    c->code = (nvmlReturn_t)whole_of(p, "code", NVML_UNKNOWN);
    return 0;
}

static int read_field(struct pairs *p, struct device *d)
{
    static const char *const sources[] = {"average", "instant", "usage", "module_average", "module_instant", "memory",
                                          "energy",  "value",   "software_thermal", "hardware_thermal", "power_brake"};
    struct field *f;
    int source;
    if (d->field_count == MAX_ENTRIES) {
        return -1;
    }
    f = &d->fields[d->field_count++];
    f->id = (unsigned)whole_of(p, "id", 0);
    f->scope = (unsigned)whole_of(p, "scope", 0);
    f->value = whole_of(p, "value", 0);
    source = choice_of(p, "source", sources, 8 + SLOWDOWN_COUNT);
    f->meter = source < METER_COUNT ? source : METER_COUNT - 1 - source;
    return 0;
}

static int read_slowdown(struct pairs *p, struct device *d)
{
    struct slowdown *s;
    if (d->slowdown_count == MAX_ENTRIES) {
        return -1;
    }
    s = &d->slowdowns[d->slowdown_count++];
    s->kind = (enum slowdown_kind)choice_of(p, "kind", slowdown_names, SLOWDOWN_COUNT);
    s->begin = number_of(p, "begin", 0);
    s->end = number_of(p, "end", 0);
    return 0;
}

static int read_process(struct pairs *p, struct device *d)
{
    struct process *e;
    if (d->process_count == MAX_ENTRIES) {
        return -1;
    }
    e = &d->processes[d->process_count++];
    e->pid = (unsigned)whole_of(p, "pid", 0);
    e->bytes = whole_of(p, "bytes", 0);
    e->begin = number_of(p, "begin", -INFINITY);
    e->end = number_of(p, "end", INFINITY);
    e->graphics = (int)whole_of(p, "graphics", 0);
    e->instance = (unsigned)whole_of(p, "instance", 0xffffffffu);
    return 0;
}

static int read_mig(struct pairs *p, struct device *d)
{
    if (d->mig_count == MAX_MIG) {
        return -1;
    }
    mig_handles[d->index][d->mig_count].parent = d;
    mig_handles[d->index][d->mig_count].instance = d->mig_count;
    copy_text(d->mig_uuids[d->mig_count++], TEXT_BYTES, text_of(p, "uuid", ""));
    return 0;
}

static int read_loss(struct pairs *p, struct device *d)
{
    struct loss *l;
    if (d->loss_count == MAX_LOSSES) {
        return -1;
    }
    l = &d->losses[d->loss_count++];
    l->from = number_of(p, "from", 0);
    l->until = number_of(p, "until", INFINITY);
    l->code = (nvmlReturn_t)whole_of(p, "code", 15);
    l->stale = (nvmlReturn_t)whole_of(p, "stale", 15);
    return 0;
}

static int read_fault(struct pairs *p, struct device *d)
{
    struct fault *f;
    (void)d;
    if (simulation.fault_count == MAX_ENTRIES) {
        return -1;
    }
    f = &simulation.faults[simulation.fault_count++];
    f->device = (int)number_of(p, "device", -1);
    copy_text(f->call, sizeof f->call, text_of(p, "call", "*"));
    f->has_code = text_of(p, "code", NULL) != NULL;
    f->code = (nvmlReturn_t)strtoul(f->has_code ? text_of(p, "code", "0") : "0", NULL, 0);
    f->has_value = text_of(p, "value", NULL) != NULL;
    f->value = strtoull(f->has_value ? text_of(p, "value", "0") : "0", NULL, 0);
    f->from = number_of(p, "from", -INFINITY);
    f->until = number_of(p, "until", INFINITY);
    f->seconds = number_of(p, "seconds", 0);
    f->frozen = (int)whole_of(p, "frozen", 0);
    f->hang = (int)whole_of(p, "hang", 0);
    f->after_calls = (long)whole_of(p, "after_calls", 0);
    f->calls = (long)whole_of(p, "calls", (uint64_t)-1 >> 1);
    p->used -= f->has_code + f->has_value; /* asked for twice */
    return 0;
}

static const struct {
    const char *name;
    int needs_device;
    int (*read)(struct pairs *, struct device *);
} directives[] = {
    {"simulation", 0, read_simulation}, {"device", 0, read_device},   {"segment", 1, read_segment},
    {"meter", 1, read_meter},           {"counter", 1, read_counter}, {"counter_fault", 1, read_counter_fault},
    {"value", 1, read_value},           {"code", 0, read_code},       {"field", 1, read_field},
    {"process", 1, read_process},       {"mig", 1, read_mig},         {"fault", 0, read_fault},
    {"slowdown", 1, read_slowdown},     {"loss", 1, read_loss},
    {"samples", 1, read_samples},       {"samples_fault", 1, read_samples_fault},
};

int apply_directive(const char *name, struct pairs *pairs, struct device *device)
{
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (strcmp(name, directives[i].name) == 0) {
            if (directives[i].needs_device && device == NULL) {
                return -1;
            }
            return directives[i].read(pairs, device) == 0 && pairs->used == pairs->count ? 0 : -1;
        }
    }
    return -1;
}

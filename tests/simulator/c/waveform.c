/* Power as a formula of time, and what gauges and counters make of it. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "simulator.h"

/* Every rail has drawn power since an hour before the origin, so no counter starts at nought by itself. */
static const double HISTORY_SECONDS = 3600.0;

double now_seconds(void)
{
    int64_t now;
    if (simulation.driven_nanoseconds != NULL) {
        now = __atomic_load_n(simulation.driven_nanoseconds, __ATOMIC_ACQUIRE);
    } else {
        struct timespec spec;
        clock_gettime(CLOCK_BOOTTIME, &spec);
        now = (int64_t)spec.tv_sec * 1000000000 + spec.tv_nsec;
    }
    return (double)(now - simulation.origin_nanoseconds) * 1e-9;
}

void sleep_seconds(double seconds)
{
    struct timespec spec;
    if (seconds <= 0) {
        return;
    }
    if (simulation.driven_nanoseconds != NULL) {
        __atomic_fetch_add(simulation.driven_nanoseconds, (int64_t)(seconds * 1e9), __ATOMIC_ACQ_REL);
        return;
    }
    spec.tv_sec = (time_t)seconds;
    spec.tv_nsec = (long)((seconds - (double)spec.tv_sec) * 1e9);
    while (nanosleep(&spec, &spec) != 0) {
    }
}

static double square_watts(const struct segment *s, double at)
{
    double position = (at - s->begin) / s->period + s->phase;
    return position - floor(position) < s->duty ? s->high : s->low;
}

static double segment_watts(const struct segment *s, double at)
{
    if (at < s->begin || at >= s->end) {
        return 0.0;
    }
    switch (s->kind) {
    case SQUARE:
        return square_watts(s, at);
    case RAMP:
        return s->low + (s->high - s->low) * (at - s->begin) / (s->end - s->begin);
    case SINE:
        return s->low + s->high * sin(2.0 * M_PI * ((at - s->begin) / s->period + s->phase));
    default:
        return s->low;
    }
}

/* The share of high time in the first `periods` periods of a square wave. */
static double square_high_periods(const struct segment *s, double periods)
{
    double whole = floor(periods);
    return whole * s->duty + fmin(periods - whole, s->duty);
}

/* The segment's energy from its begin to `seconds` later. */
static double segment_joules(const struct segment *s, double seconds)
{
    double length = s->end - s->begin, turns;
    switch (s->kind) {
    case SQUARE:
        turns = square_high_periods(s, seconds / s->period + s->phase) - square_high_periods(s, s->phase);
        return s->low * seconds + (s->high - s->low) * s->period * turns;
    case RAMP:
        return s->low * seconds + (s->high - s->low) * seconds * seconds / (2.0 * length);
    case SINE:
        turns = cos(2.0 * M_PI * s->phase) - cos(2.0 * M_PI * (seconds / s->period + s->phase));
        return s->low * seconds + s->high * s->period / (2.0 * M_PI) * turns;
    default:
        return s->low * seconds;
    }
}

double rail_watts(const struct device *device, enum rail rail, double at)
{
    const struct waveform *waveform = &device->rails[rail];
    double sum = 0.0;
    for (int i = 0; i < waveform->count; i++) {
        sum += segment_watts(&waveform->segments[i], at);
    }
    return sum;
}

double rail_joules(const struct device *device, enum rail rail, double from, double to)
{
    const struct waveform *waveform = &device->rails[rail];
    double sum = 0.0;
    for (int i = 0; i < waveform->count; i++) {
        const struct segment *s = &waveform->segments[i];
        double first = fmin(fmax(from, s->begin), s->end), last = fmin(fmax(to, s->begin), s->end);
        sum += segment_joules(s, last - s->begin) - segment_joules(s, first - s->begin);
    }
    return sum;
}

/* A number in [-1, 1] that depends on the tick alone, so that a reading repeated is a reading repeated. */
static double noise_of(int64_t tick)
{
    uint64_t x = (uint64_t)tick * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    x ^= x >> 31;
    return (double)(x >> 11) / 4503599627370496.0 - 1.0;
}

double meter_watts(const struct device *device, const struct meter *meter, double at)
{
    double seen = at - meter->lag, watts;
    int64_t tick = 0;
    if (meter->refresh > 0) {
        tick = (int64_t)floor(seen / meter->refresh);
        seen = (double)tick * meter->refresh;
    }
    if (meter->window > 0) {
        watts = rail_joules(device, meter->rail, seen - meter->window, seen) / meter->window;
    } else {
        watts = rail_watts(device, meter->rail, seen);
    }
    return fmax(0.0, watts * meter->gain + meter->noise_watts * noise_of(tick));
}

/* A counter that looks for `window` of every refresh and takes that for the whole of it. */
static double partial_joules(struct device *device, double at)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct counter *c = &device->counter;
    int64_t last = (int64_t)floor(at / c->refresh);
    double sum;
    pthread_mutex_lock(&lock);
    if (last < c->summed_tick) {
        c->summed_tick = 0;
        c->summed_joules = 0.0;
    }
    for (; c->summed_tick < last; c->summed_tick++) {
        double end = (double)(c->summed_tick + 1) * c->refresh;
        c->summed_joules += rail_joules(device, c->rail, end - c->window, end) * c->refresh / c->window;
    }
    sum = c->summed_joules;
    pthread_mutex_unlock(&lock);
    return rail_joules(device, c->rail, -HISTORY_SECONDS, 0.0) + sum;
}

static double true_joules(struct device *device, double at)
{
    struct counter *c = &device->counter;
    if (c->refresh > 0) {
        at = floor(at / c->refresh) * c->refresh;
    }
    if (c->window > 0 && at > 0) {
        return partial_joules(device, at);
    }
    return rail_joules(device, c->rail, -HISTORY_SECONDS, at);
}

/* The counter with its standstills, steps and gains, but without resets. */
static double drifted_joules(struct device *device, double at)
{
    struct counter *c = &device->counter;
    double joules;
    for (int i = 0; i < c->fault_count; i++) {
        if (c->faults[i].kind == COUNTER_STUCK && at >= c->faults[i].from && at < c->faults[i].until) {
            at = c->faults[i].from;
        }
    }
    joules = c->offset_joules + true_joules(device, at);
    for (int i = 0; i < c->fault_count; i++) {
        const struct counter_fault *f = &c->faults[i];
        if (at < f->from) {
            continue;
        }
        if (f->kind == COUNTER_STEP) {
            joules += f->amount;
        } else if (f->kind == COUNTER_GAIN) {
            joules += (f->amount - 1.0) * (true_joules(device, fmin(at, f->until)) - true_joules(device, f->from));
        }
    }
    return joules;
}

uint64_t counter_millijoules(struct device *device, double at)
{
    struct counter *c = &device->counter;
    double joules = drifted_joules(device, at), reset_at = -INFINITY;
    uint64_t millijoules;
    for (int i = 0; i < c->fault_count; i++) {
        if (c->faults[i].kind == COUNTER_RESET && at >= c->faults[i].from) {
            reset_at = fmax(reset_at, c->faults[i].from);
        }
    }
    if (isfinite(reset_at)) {
        joules -= drifted_joules(device, reset_at);
    }
    millijoules = (uint64_t)floor(fmax(0.0, joules) * 1e3);
    return c->modulus_millijoules > 0 ? millijoules % c->modulus_millijoules : millijoules;
}

uint64_t slowdown_nanoseconds(const struct device *device, enum slowdown_kind kind, double at)
{
    double seconds = 0.0;
    for (int i = 0; i < device->slowdown_count; i++) {
        const struct slowdown *s = &device->slowdowns[i];
        if (s->kind == kind && at > s->begin) {
            seconds += fmin(at, s->end) - s->begin;
        }
    }
    return (uint64_t)(seconds * 1e9);
}

uint64_t slowdown_bits(const struct device *device, double at)
{
    /* NVML sets the hardware slowdown's bit (0x8) beside that of its cause. */
    static const uint64_t bits[SLOWDOWN_COUNT] = {0x20, 0x48, 0x88};
    uint64_t set = 0;
    for (int i = 0; i < device->slowdown_count; i++) {
        const struct slowdown *s = &device->slowdowns[i];
        set |= at >= s->begin && at < s->end ? bits[s->kind] : 0;
    }
    return set;
}

/* A simulated NVML: what its parts share. The configuration is a text file (see configuration.c), so a
 * device is data; this library only knows how meters, counters and faults behave. */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned int nvmlReturn_t;

enum {
    NVML_SUCCESS = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_UNKNOWN = 999
};

enum { MAX_DEVICES = 16, MAX_ENTRIES = 32, MAX_MIG = 8, MAX_LOSSES = 8, TEXT_BYTES = 96, CALL_BYTES = 64 };
enum segment_kind { CONSTANT, SQUARE, RAMP, SINE };
enum rail { RAIL_GPU, RAIL_MODULE, RAIL_MEMORY, RAIL_COUNT };
enum meter_kind { METER_AVERAGE, METER_INSTANT, METER_USAGE, METER_MODULE_AVERAGE, METER_MODULE_INSTANT, METER_MEMORY, METER_COUNT };
enum counter_fault_kind { COUNTER_RESET, COUNTER_STUCK, COUNTER_STEP, COUNTER_GAIN };

/* One summand of a rail's power, in watts and seconds since the origin; silent outside [begin, end). */
struct segment {
    enum segment_kind kind;
    double begin, end, low, high, period, duty, phase;
};

struct waveform {
    int count;
    struct segment segments[MAX_ENTRIES];
};

/* A gauge: the mean of the rail over the past window, renewed every refresh, seen lag later. */
struct meter {
    int present;
    enum rail rail;
    double window, refresh, lag, noise_watts, gain;
};

struct counter_fault {
    enum counter_fault_kind kind;
    double from, until, amount;
};

struct counter {
    int present;
    enum rail rail;
    double refresh, offset_joules, window;
    uint64_t modulus_millijoules;
    int fault_count;
    struct counter_fault faults[MAX_ENTRIES];
    /* Where the counter sees only part of the time its sum is kept as it goes. */
    int64_t summed_tick;
    double summed_joules;
};

enum samples_fault_kind { SAMPLES_CLOCK, SAMPLES_STUCK, SAMPLES_GAIN, SAMPLES_HOLE, SAMPLES_SLOW };

struct samples_fault {
    enum samples_fault_kind kind;
    double from, until, amount;
};

/* The newest power samples, kept by the driver: so many, one every period, stamped by a clock of their own. */
struct samples {
    unsigned length;
    double period, epoch;
    int disordered, fault_count;
    struct samples_fault faults[MAX_ENTRIES];
};

struct value {
    char call[CALL_BYTES];
    uint64_t first, second;
};

struct code {
    char call[CALL_BYTES];
    nvmlReturn_t code;
};

struct field {
    unsigned id, scope;
    int meter; /* -1: the energy counter, -2: the plain value, -3 and below: a slowdown's time, by its place */
    uint64_t value;
};

enum slowdown_kind { SLOWDOWN_SOFTWARE_THERMAL, SLOWDOWN_HARDWARE_THERMAL, SLOWDOWN_POWER_BRAKE, SLOWDOWN_COUNT };

/* A stretch in which the GPU was slowed: a counter of its time goes on, and the reason's bits are set. */
struct slowdown {
    enum slowdown_kind kind;
    double begin, end;
};

struct process {
    unsigned pid; /* 0: whoever calls */
    uint64_t bytes;
    double begin, end;
    unsigned instance; /* all ones where the device is not divided */
    int graphics;
};

/* A time in which the device is gone. Handles from before it stay wrong ever after. */
struct loss {
    double from, until;
    nvmlReturn_t code, stale;
};

struct device {
    unsigned index;
    char name[TEXT_BYTES], uuid[TEXT_BYTES], serial[TEXT_BYTES], bus_id[32];
    unsigned pci_domain, pci_bus, architecture, major, minor;
    uint64_t memory_total;
    struct waveform rails[RAIL_COUNT];
    struct meter meters[METER_COUNT];
    struct counter counter;
    struct samples samples;
    int value_count, code_count, field_count, process_count, mig_count, slowdown_count, loss_count;
    struct value values[MAX_ENTRIES];
    struct code codes[MAX_ENTRIES];
    struct field fields[MAX_ENTRIES];
    struct process processes[MAX_ENTRIES];
    struct slowdown slowdowns[MAX_ENTRIES];
    struct loss losses[MAX_LOSSES];
    char mig_uuids[MAX_MIG][TEXT_BYTES];
    double temperature_base, temperature_per_watt, temperature_window;
    double busy_above_watts;
    unsigned sm_idle_mhz, sm_busy_mhz, utilization_busy;
    uint64_t events_idle, events_busy;
};

/* Something that goes wrong in a call: on one device or all (-1), from a time, or after a number of calls. A
 * frozen call shows what was true when the fault began; one that hangs does so until the test releases it. */
struct fault {
    int device;
    char call[CALL_BYTES];
    nvmlReturn_t code;
    int has_code, has_value, frozen, hang;
    uint64_t value;
    double from, until, seconds;
    long after_calls, calls;
};

struct simulation {
    char driver[TEXT_BYTES];
    int cuda_version, serialise;
    int64_t origin_nanoseconds;
    int64_t *driven_nanoseconds; /* NULL: CLOCK_BOOTTIME */
    int device_count, fault_count, code_count;
    struct device devices[MAX_DEVICES];
    struct fault faults[MAX_ENTRIES];
    struct code codes[MAX_ENTRIES];
};

/* A MIG instance's handle: what it is part of, and which one it is. */
struct mig_handle {
    struct device *parent;
    int instance;
};

/* A device's handle: one for each time it came back. */
struct device_handle {
    struct device *device;
    int life;
};

extern struct simulation simulation;
extern struct mig_handle mig_handles[MAX_DEVICES][MAX_MIG];
extern struct device_handle device_handles[MAX_DEVICES][MAX_LOSSES + 1];

int read_configuration(const char *path);

double now_seconds(void);
/* On a driven clock the time passes there. */
void sleep_seconds(double seconds);
nvmlReturn_t hang(void);
double rail_watts(const struct device *device, enum rail rail, double at);
double rail_joules(const struct device *device, enum rail rail, double from, double to);
double meter_watts(const struct device *device, const struct meter *meter, double at);
uint64_t counter_millijoules(struct device *device, double at);
/* Time in slowdowns of one kind until now, and the bits of those going on. */
uint64_t slowdown_nanoseconds(const struct device *device, enum slowdown_kind kind, double at);
uint64_t slowdown_bits(const struct device *device, double at);

/* The gate of every call: counts it, takes its time, and says how it fails. device is NULL for the system's. */
nvmlReturn_t enter(const char *call, const void *handle);
nvmlReturn_t enter_device(const char *call, const struct device *device);
/* A fault's value instead of the true one, where one is due. */
uint64_t faulted_value(const char *call, const struct device *device, uint64_t value);
nvmlReturn_t code_for(const char *call, const struct device *device);
const struct value *value_for(const char *call, const struct device *device);
struct device *device_of(const void *handle);
const struct mig_handle *mig_of(const void *handle);
struct device_handle *handle_of(struct device *device);
/* Now, or the moment at which what the call shows was frozen. */
double seen_seconds(const char *call, const struct device *device);

#endif

/* Memory and the processes that hold it. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "simulator.h"

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
            out[listed].gpu_instance = out[listed].compute_instance = p->instance;
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

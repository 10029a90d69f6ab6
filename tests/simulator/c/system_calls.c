/* What NVML answers about the driver, and how handles are found. */
#include <stdio.h>
#include <string.h>

#include "simulator.h"

static nvmlReturn_t give_text(char *to, unsigned size, const char *text)
{
    if (to == NULL) {
        return NVML_INVALID_ARGUMENT;
    }
    if (strlen(text) + 1 > size) {
        return NVML_INSUFFICIENT_SIZE;
    }
    memcpy(to, text, strlen(text) + 1);
    return NVML_SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t code)
{
    static const char *const texts[] = {"Success", "Uninitialized", "Invalid Argument", "Not Supported",
                                        "Insufficient Permissions"};
    if (code < sizeof texts / sizeof texts[0]) {
        return texts[code];
    }
    return code == NVML_UNKNOWN ? "Unknown Error" : "Error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned size)
{
    nvmlReturn_t code = enter("nvmlSystemGetDriverVersion", NULL);
    return code ? code : give_text(version, size, simulation.driver);
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size)
{
    char text[TEXT_BYTES + 4];
    nvmlReturn_t code = enter("nvmlSystemGetNVMLVersion", NULL);
    snprintf(text, sizeof text, "13.%s", simulation.driver);
    return code ? code : give_text(version, size, text);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    nvmlReturn_t code = enter("nvmlSystemGetCudaDriverVersion", NULL);
    if (code == NVML_SUCCESS) {
        *version = simulation.cuda_version;
    }
    return code;
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version)
{
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count)
{
    nvmlReturn_t code = enter("nvmlDeviceGetCount", NULL);
    if (code == NVML_SUCCESS) {
        *count = (unsigned)simulation.device_count;
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetCount(unsigned *count)
{
    return nvmlDeviceGetCount_v2(count);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle)
{
    nvmlReturn_t code = enter("nvmlDeviceGetHandleByIndex", NULL);
    if (code != NVML_SUCCESS) {
        return code;
    }
    if (handle == NULL || index >= (unsigned)simulation.device_count) {
        return NVML_INVALID_ARGUMENT;
    }
    code = enter_device("nvmlDeviceGetHandleByIndex", &simulation.devices[index]);
    if (code == NVML_SUCCESS) {
        *handle = handle_of(&simulation.devices[index]);
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned index, void **handle)
{
    return nvmlDeviceGetHandleByIndex_v2(index, handle);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, void **handle)
{
    nvmlReturn_t code = enter("nvmlDeviceGetHandleByUUID", NULL);
    for (int i = 0; code == NVML_SUCCESS && uuid != NULL && i < simulation.device_count; i++) {
        struct device *device = &simulation.devices[i];
        if (strcmp(uuid, device->uuid) == 0) {
            *handle = handle_of(device);
            return enter_device("nvmlDeviceGetHandleByUUID", device);
        }
        for (int m = 0; m < device->mig_count; m++) {
            if (strcmp(uuid, device->mig_uuids[m]) == 0) {
                *handle = &mig_handles[i][m];
                return NVML_SUCCESS;
            }
        }
    }
    return code ? code : NVML_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, void **handle)
{
    nvmlReturn_t code = enter("nvmlDeviceGetHandleByPciBusId", NULL);
    for (int i = 0; code == NVML_SUCCESS && bus_id != NULL && i < simulation.device_count; i++) {
        if (strcmp(bus_id, simulation.devices[i].bus_id) == 0) {
            *handle = handle_of(&simulation.devices[i]);
            return NVML_SUCCESS;
        }
    }
    return code ? code : NVML_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetName(void *handle, char *name, unsigned size)
{
    nvmlReturn_t code = enter("nvmlDeviceGetName", handle);
    return code ? code : give_text(name, size, device_of(handle)->name);
}

nvmlReturn_t nvmlDeviceGetUUID(void *handle, char *uuid, unsigned size)
{
    nvmlReturn_t code = enter("nvmlDeviceGetUUID", handle);
    struct device *device = device_of(handle);
    if (code == NVML_SUCCESS && mig_of(handle) != NULL) {
        return give_text(uuid, size, device->mig_uuids[mig_of(handle)->instance]);
    }
    return code ? code : give_text(uuid, size, device->uuid);
}

nvmlReturn_t nvmlDeviceGetSerial(void *handle, char *serial, unsigned size)
{
    nvmlReturn_t code = enter("nvmlDeviceGetSerial", handle);
    return code ? code : give_text(serial, size, device_of(handle)->serial);
}

nvmlReturn_t nvmlDeviceGetIndex(void *handle, unsigned *index)
{
    nvmlReturn_t code = enter("nvmlDeviceGetIndex", handle);
    if (code == NVML_SUCCESS) {
        *index = device_of(handle)->index;
    }
    return code;
}

struct pci_info {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
};

nvmlReturn_t nvmlDeviceGetPciInfo_v3(void *handle, struct pci_info *info)
{
    nvmlReturn_t code = enter("nvmlDeviceGetPciInfo", handle);
    if (code == NVML_SUCCESS) {
        struct device *device = device_of(handle);
        memset(info, 0, sizeof *info);
        info->domain = device->pci_domain;
        info->bus = device->pci_bus;
        snprintf(info->bus_id, sizeof info->bus_id, "%s", device->bus_id);
        snprintf(info->legacy, sizeof info->legacy, "%04X:%02X:00.0", device->pci_domain, device->pci_bus);
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *count)
{
    nvmlReturn_t code = enter("nvmlDeviceGetMaxMigDeviceCount", handle);
    if (code == NVML_SUCCESS) {
        *count = device_of(handle)->mig_count > 0 ? 7 : 0;
    }
    return code;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned index, void **instance)
{
    nvmlReturn_t code = enter("nvmlDeviceGetMigDeviceHandleByIndex", handle);
    struct device *device = device_of(handle);
    if (code != NVML_SUCCESS) {
        return code;
    }
    if (index >= (unsigned)device->mig_count) {
        return NVML_NOT_FOUND;
    }
    *instance = &mig_handles[device->index][index];
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *handle, void **parent)
{
    nvmlReturn_t code = enter("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle);
    if (code == NVML_SUCCESS) {
        *parent = handle_of(device_of(handle));
    }
    return code;
}

/* Reads the configuration: a line is a directive and tab-separated key=value pairs. An unknown directive or
 * key is an error, said on the standard error stream, so that a misspelt profile cannot pass unnoticed. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "configuration.h"

enum { LINE_BYTES = 4096 };

struct simulation simulation;
struct mig_handle mig_handles[MAX_DEVICES][MAX_MIG];
struct device_handle device_handles[MAX_DEVICES][MAX_LOSSES + 1];

static int read_line(char *line)
{
    struct pairs pairs = {0};
    char *rest = NULL, *name = strtok_r(line, "\t\n", &rest), *word;
    struct device *device = simulation.device_count > 0 ? &simulation.devices[simulation.device_count - 1] : NULL;
    if (name == NULL || name[0] == '#') {
        return 0;
    }
    while ((word = strtok_r(NULL, "\t\n", &rest)) != NULL) {
        char *equals = strchr(word, '=');
        if (equals == NULL || pairs.count == MAX_PAIRS) {
            return -1;
        }
        *equals = '\0';
        pairs.keys[pairs.count] = word;
        pairs.texts[pairs.count++] = equals + 1;
    }
    return apply_directive(name, &pairs, device);
}

static void forget(void)
{
    /* A driven clock stays mapped: a thread that hangs in a call may still look at it. */
    memset(&simulation, 0, sizeof simulation);
    memset(mig_handles, 0, sizeof mig_handles);
    memset(device_handles, 0, sizeof device_handles);
}

int read_configuration(const char *path)
{
    char line[LINE_BYTES];
    int number = 0;
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    forget();
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        if (read_line(line) != 0) {
            fprintf(stderr, "simulated NVML: line %d of the configuration is wrong: %s\n", number, line);
            fclose(file);
            forget();
            return -1;
        }
    }
    fclose(file);
    return 0;
}

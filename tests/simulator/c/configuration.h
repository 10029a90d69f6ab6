/* What the configuration's reader and its directives share. */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include "simulator.h"

enum { MAX_PAIRS = 24 };

struct pairs {
    int count, used;
    const char *keys[MAX_PAIRS], *texts[MAX_PAIRS];
};

/* Applies one directive to the simulation, or to the device last named; -1 where it is wrong. */
int apply_directive(const char *name, struct pairs *pairs, struct device *device);

#endif

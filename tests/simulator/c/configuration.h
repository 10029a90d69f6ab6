/* What the configuration's reader and its directives share. */
#ifndef CONFIGURATION_H
#define CONFIGURATION_H

#include "simulator.h"

enum { MAX_PAIRS = 24 };

struct pairs {
    int count, used;
    const char *keys[MAX_PAIRS], *texts[MAX_PAIRS];
};

/* The value of a key, or what holds without it; every key that is asked for counts as used. */
const char *text_of(struct pairs *pairs, const char *key, const char *otherwise);
double number_of(struct pairs *pairs, const char *key, double otherwise);
uint64_t whole_of(struct pairs *pairs, const char *key, uint64_t otherwise);
/* The place of the value among names, the first without the key; another value makes the line an error. */
int choice_of(struct pairs *pairs, const char *key, const char *const names[], int count);

/* Applies one directive to the simulation, or to the device last named; -1 where it is wrong. */
int apply_directive(const char *name, struct pairs *pairs, struct device *device);

#endif

/* The values of a directive's key=value pairs. */
#include <stdlib.h>
#include <string.h>

#include "configuration.h"

const char *text_of(struct pairs *pairs, const char *key, const char *otherwise)
{
    for (int i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->keys[i], key) == 0) {
            pairs->used++;
            return pairs->texts[i];
        }
    }
    return otherwise;
}

double number_of(struct pairs *pairs, const char *key, double otherwise)
{
    const char *text = text_of(pairs, key, NULL);
    return text == NULL ? otherwise : strtod(text, NULL);
}

uint64_t whole_of(struct pairs *pairs, const char *key, uint64_t otherwise)
{
    const char *text = text_of(pairs, key, NULL);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

int choice_of(struct pairs *pairs, const char *key, const char *const names[], int count)
{
    const char *text = text_of(pairs, key, names[0]);
    for (int i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    pairs->used = -MAX_PAIRS; /* makes the line an error */
    return 0;
}

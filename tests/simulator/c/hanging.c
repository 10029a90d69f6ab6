/* Calls that do not return until a test lets them. */
#define _GNU_SOURCE
#include <pthread.h>

#include "simulator.h"

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static int releases, hanging, abandoned;

/* Blocks until the test lets all that hang go on; how the call fails then. */
nvmlReturn_t hang(void)
{
    int seen, given_up;
    pthread_mutex_lock(&hang_lock);
    seen = releases;
    hanging++;
    while (releases == seen) {
        pthread_cond_wait(&released, &hang_lock);
    }
    hanging--;
    given_up = abandoned;
    pthread_mutex_unlock(&hang_lock);
    return given_up ? NVML_UNKNOWN : NVML_SUCCESS;
}

/* Abandoned calls fail at once, since the configuration is about to change under them. */
void simulator_release(int abandon)
{
    pthread_mutex_lock(&hang_lock);
    releases++;
    abandoned = abandon;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&hang_lock);
}

/* How many calls hang at the moment. */
int simulator_hanging(void)
{
    int count;
    pthread_mutex_lock(&hang_lock);
    count = hanging;
    pthread_mutex_unlock(&hang_lock);
    return count;
}

/* Calls that do not return until a test lets them. */
#define _GNU_SOURCE
#include <pthread.h>

#include "simulator.h"

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static int releases, hanging;

/* Blocks until the test lets all that hang go on; the configuration may have changed by then. */
void hang(void)
{
    int seen;
    pthread_mutex_lock(&hang_lock);
    seen = releases;
    hanging++;
    while (releases == seen) {
        pthread_cond_wait(&released, &hang_lock);
    }
    hanging--;
    pthread_mutex_unlock(&hang_lock);
}

void simulator_release(void)
{
    pthread_mutex_lock(&hang_lock);
    releases++;
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

/* The least that a server does for its clients: mix, encode as L24, send; on time. No events, reports or protocol; a
 * datagram to a chunk.
 *
 *     limit CLIENTS VOICES CHUNK RATE SECONDS PORT
 *
 * prints the chunks sent to 127.0.0.1:PORT, those that left more than a chunk after their tick, in how many spells,
 * the seconds of the latest, and the seconds of CPU and of the clock that it took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "loop.c"

enum { BANK_FRAMES = 12 << 20, HEADER = 24 };

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sleep_until(double due)
{
    struct timespec t = {(time_t)due, (long)(1e9 * (due - floor(due)))};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void encode(const float *in, unsigned char *out, long count)
{
    for (long n = 0; n < 2 * count; n++, out += 3) {
        const int32_t value = (int32_t)lrintf(fmaxf(-0x1p23f, fminf(0x1p23f - 1, in[n] * 0x1p20f)));
        out[0] = (unsigned char)(value >> 16), out[1] = (unsigned char)(value >> 8), out[2] = (unsigned char)value;
    }
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    const long clients = atol(argv[1]), voices = atol(argv[2]), chunk = atol(argv[3]);
    const double tick = chunk / atof(argv[4]), span = atof(argv[5]);
    const struct sched_param priority = {5};
    sched_setscheduler(0, SCHED_RR, &priority); /* as a render worker has, where that is allowed */
    float *bank = malloc(sizeof(float) * 2 * BANK_FRAMES), *gains = malloc(sizeof(float) * (size_t)(clients * voices));
    float *out = malloc(sizeof(float) * (size_t)(2 * clients * chunk));
    int64_t *addresses = malloc(sizeof(int64_t) * (size_t)(clients * voices));
    int *sockets = malloc(sizeof(int) * (size_t)clients);
    unsigned char *packet = calloc(1, (size_t)(HEADER + 6 * chunk));
    if (!bank || !gains || !out || !addresses || !sockets || !packet)
        return 1;
    for (long n = 0; n < 2 * BANK_FRAMES; n++)
        bank[n] = (float)rand() / (float)RAND_MAX - 0.5f;
    for (long i = 0; i < clients * voices; i++)
        addresses[i] = rand() % (BANK_FRAMES - chunk), gains[i] = 0.1f;
    const struct sockaddr_in to = {AF_INET, htons((uint16_t)atoi(argv[6])), {htonl(INADDR_LOOPBACK)}, {0}};
    for (long j = 0; j < clients; j++)
        sockets[j] = socket(AF_INET, SOCK_DGRAM, 0);

    long chunks = 0, late = 0, spells = 0, last = -2;
    double latest = 0;
    const double begun = seconds(CLOCK_MONOTONIC) + 0.1, cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (long k = 0; k * tick < span; k++) {
        const double due = begun + (double)k * tick;
        sleep_until(due);
        mix(bank, addresses, gains, NULL, out, clients, voices, chunk);
        for (long j = 0; j < clients; j++, chunks++) {
            encode(out + 2 * chunk * j, packet + HEADER, chunk);
            sendto(sockets[j], packet, (size_t)(HEADER + 6 * chunk), 0, (const struct sockaddr *)&to, sizeof to);
            const double lateness = seconds(CLOCK_MONOTONIC) - due;
            latest = fmax(latest, lateness);
            if (lateness > tick) {
                late++;
                spells += k > last + 1;
                last = k;
            }
        }
        for (long i = 0; i < clients * voices; i++)
            addresses[i] = (addresses[i] + chunk) % (BANK_FRAMES - chunk);
    }
    printf("%ld %ld %ld %g %g %g\n", chunks, late, spells, latest, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           seconds(CLOCK_MONOTONIC) - begun);
    return 0;
}

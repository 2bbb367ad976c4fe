/* The limit: the mixer's work as a plain loop. Stereo frames, one gain or one straight ramp for each voice. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

void mix(const float *restrict bank, const int64_t *restrict addresses, const float *restrict gains,
         const float *restrict slopes, float *restrict out, long jobs, long voices, long count)
{
    memset(out, 0, sizeof(float) * 2 * jobs * count);
    for (long job = 0; job < jobs; job++, out += 2 * count)
        for (long i = job * voices; i < (job + 1) * voices; i++) {
            const float *in = bank + 2 * addresses[i];
            const float gain = gains[i], slope = slopes ? slopes[i] : 0;
            if (slope == 0)
                for (long t = 0; t < 2 * count; t++)
                    out[t] += in[t] * gain;
            else
                for (long t = 0; t < count; t++) {
                    const float g = gain + slope * (float)t;
                    out[2 * t] += in[2 * t] * g;
                    out[2 * t + 1] += in[2 * t + 1] * g;
                }
        }
}

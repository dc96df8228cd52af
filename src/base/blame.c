/*
 * blame.c - see blame.h.
 */
#include "base/blame.h"

#include <stdio.h>
#include <string.h>

void blame_add(char (*reasons)[BLAME_BYTES_MAX], size_t max, size_t *count, enum hf_health_state *worst,
               enum hf_health_state state, const char *format, va_list args)
{
	if (*count == max && state <= *worst)
		return;
	*count -= *count == max; /* the last goes for a worse one */
	char *reason = reasons[*count];
	if (state > *worst && *count > 0) { /* the worst first */
		memcpy(reason, reasons[0], BLAME_BYTES_MAX);
		reason = reasons[0];
	}
	vsnprintf(reason, BLAME_BYTES_MAX, format, args);
	(*count)++;
	if (state > *worst)
		*worst = state;
}

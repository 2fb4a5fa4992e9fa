/* The page beside an export, and where exports lie. */
#ifndef API_EXPORTS_PAGE_H
#define API_EXPORTS_PAGE_H

#include "exports.h"

struct export_facts {
	uint64_t rows, total, bytes;
	uint8_t hash[32]; /* SHA-256 of the CSV */
	int64_t started_ns;
};
/* "logs-20261122-140500.csv": UTC of the asking. */
void export_file_name(const struct export_ask *ask, int64_t asked_ns, const char *ending,
		      char *out, size_t cap);
void export_page(const struct job_work *w, const struct export_ask *ask,
		 const struct export_facts *f, const char *csv_name, struct buf *out);
void export_remove(struct app *a, int64_t id);

#endif

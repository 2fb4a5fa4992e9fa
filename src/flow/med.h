/* What the dissectors show to dissect.c and share with each other. */
#ifndef FLOW_MED_H
#define FLOW_MED_H

#include "dissect.h"
#include "facts.h"

extern const struct fact_field med_dicom_fields[], med_hl7_fields[], med_bacnet_fields[];

enum dissect_answer med_dicom_feed(struct dissect *d, unsigned side, const uint8_t *p,
				   size_t n);
enum dissect_answer med_dicom_gap(struct dissect *d, unsigned side);
enum dissect_answer med_hl7_feed(struct dissect *d, unsigned side, const uint8_t *p, size_t n);
enum dissect_answer med_hl7_gap(struct dissect *d, unsigned side);
enum dissect_answer med_bacnet_feed(struct dissect *d, unsigned side, const uint8_t *p,
				    size_t n);

#endif

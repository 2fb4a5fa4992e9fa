/* SQL of the tables of room s3. */
#ifndef S3_S3_SQL_H
#define S3_S3_SQL_H

extern const char s3_sql_places[], s3_sql_place_insert[], s3_sql_place_update[],
	s3_sql_place_delete[];
extern const char s3_sql_present_names[], s3_sql_absent[], s3_sql_present[], s3_sql_target_make[], s3_sql_target[],
	s3_sql_target_named[], s3_sql_sums[], s3_sql_findings[], s3_sql_failed_ones[];
extern const char s3_sql_object_find[], s3_sql_object_insert[], s3_sql_copies_insert[],
	s3_sql_hold[], s3_sql_hold_copies[];
extern const char s3_sql_next[], s3_sql_due[], s3_sql_sample_old[], s3_sql_sample_random[],
	s3_sql_object_max[];
extern const char s3_sql_fill_rows[], s3_sql_fill_one[], s3_sql_filled[];
extern const char s3_sql_proof_insert[], s3_sql_copy_proven[], s3_sql_target_proven[],
	s3_sql_due_again[];
extern const char s3_sql_copy_failed[], s3_sql_target_failed[], s3_sql_copy_part[],
	s3_sql_copy_settled[];
extern const char s3_sql_copy_finding[], s3_sql_target_alarm[], s3_sql_looked[],
	s3_sql_acknowledge[], s3_sql_acknowledge_rest[], s3_sql_tested[], s3_sql_push[],
	s3_sql_push_lacking[], s3_sql_push_targets[];
extern const char s3_sql_kept[], s3_sql_kept_everywhere[], s3_sql_proofs[];

#endif

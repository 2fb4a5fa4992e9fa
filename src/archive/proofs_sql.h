/* SQL of holds and verifications. */
#ifndef ARCHIVE_PROOFS_SQL_H
#define ARCHIVE_PROOFS_SQL_H

extern const char proofs_sql_hold_add[], proofs_sql_hold_key[], proofs_sql_hold_list[], proofs_sql_hold_get[],
	proofs_sql_hold_release[], proofs_sql_hold_sum[], proofs_sql_hold_active[], proofs_sql_hold_next[],
	proofs_sql_hold_pins[];
extern const char proofs_sql_verify_add[], proofs_sql_verify_end[], proofs_sql_verify_list[],
	proofs_sql_verify_last[], proofs_sql_verify_close[];
extern const char proofs_sql_take_range[], proofs_sql_take_objects[];

#endif

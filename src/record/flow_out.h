/* What outsiders see of a flow that is computed from several columns. Each fills *v or leaves it
 * VALUE_NONE. Any thread. */
#ifndef TOMSD_RECORD_FLOW_OUT_H
#define TOMSD_RECORD_FLOW_OUT_H

#include "tomsd/record.h"

void flow_out_duration(const void *row, struct value *v);
void flow_out_src_port(const void *row, struct value *v);
void flow_out_dst_port(const void *row, struct value *v);
void flow_out_src_domain(const void *row, struct value *v);
void flow_out_dst_domain(const void *row, struct value *v);
void flow_out_type(const void *row, struct value *v);
void flow_out_iana_number(const void *row, struct value *v);
void flow_out_transport(const void *row, struct value *v);
void flow_out_bytes(const void *row, struct value *v);
void flow_out_packets(const void *row, struct value *v);
void flow_out_community_id(const void *row, struct value *v);
void flow_out_tls_name(const void *row, struct value *v);
void flow_out_dns_name(const void *row, struct value *v);
void flow_out_url_domain(const void *row, struct value *v);
void flow_out_tcp_flags(const void *row, struct value *v);
void flow_out_src_tcp_flags(const void *row, struct value *v);
void flow_out_dst_tcp_flags(const void *row, struct value *v);
void flow_out_icmp_type(const void *row, struct value *v);
void flow_out_icmp_code(const void *row, struct value *v);
void flow_out_risks(const void *row, struct value *v);

#endif

/* What changed in nDPI's interface from 4.2 (Debian 12 and 13, Ubuntu 22.04 on) to 5.x, one macro a
 * change. Guarded by the version, not by NDPI_API_VERSION: that is cut from the build date. Included
 * by dpi.c only, behind the library's own header. */
#ifndef FLOW_DPI_VERSIONS_H
#define FLOW_DPI_VERSIONS_H

#define DPI_VERSION (NDPI_MAJOR * 100 + NDPI_MINOR)

/* Module: preferences until 4.8, a global context from 4.10 on. */
#if DPI_VERSION >= 410
#define DPI_MODULE() ndpi_init_detection_module(NULL)
#else
#define DPI_MODULE() ndpi_init_detection_module(ndpi_no_prefs)
#endif

/* All protocols on but some. A set that is handed over until 4.14; from 5.0 on all are on and each is
 * switched off by its name. off(): its number, or negative when there is none of that name. */
#if DPI_VERSION >= 500
#define DPI_SET(set)
#define DPI_SET_ALL(set) ((void)0)
#define DPI_SET_OFF(m, set, name) \
	(ndpi_set_config((m), (name), "enable", "disable") == NDPI_CFG_OK ? 0 : -1)
#define DPI_SET_TAKE(m, set) ((void)(m))
#else
#if DPI_VERSION >= 412
#define DPI_NUMBER(m, name) ndpi_get_proto_by_name((m), (name))
#else
#define DPI_NUMBER(m, name) ndpi_get_protocol_id((m), (name))
#endif
#define DPI_SET(set) NDPI_PROTOCOL_BITMASK set
#define DPI_SET_ALL(set) NDPI_BITMASK_SET_ALL(set)
#define DPI_SET_OFF(m, set, name) dpi_set_off(&(set), DPI_NUMBER((m), (name)))
#define DPI_SET_TAKE(m, set) ((void)ndpi_set_protocol_detection_bitmask2((m), &(set)))
/* NDPI_BITMASK_DEL without its mixed signs. */
static inline int dpi_set_off(NDPI_PROTOCOL_BITMASK *set, int number)
{
	unsigned n = (unsigned)number;
	if (number <= 0 || n >= 8 * sizeof(*set))
		return -1;
	set->fds_bits[n / 32] &= ~(UINT32_C(1) << n % 32);
	return 0;
}
#endif

#if DPI_VERSION >= 410
#define DPI_FINALIZE(m) (ndpi_finalize_initialization(m) == 0)
#else
#define DPI_FINALIZE(m) (ndpi_finalize_initialization(m), true)
#endif

#if DPI_VERSION >= 406
#define DPI_PROCESS(m, f, p, n, ms) \
	ndpi_detection_process_packet((m), (f), (p), (n), (ms), NULL)
#else
#define DPI_PROCESS(m, f, p, n, ms) ndpi_detection_process_packet((m), (f), (p), (n), (ms))
#endif

#if DPI_VERSION >= 500
#define DPI_GIVEUP(m, f, guessed) ndpi_detection_giveup((m), (f))
#elif DPI_VERSION >= 410
#define DPI_GIVEUP(m, f, guessed) ndpi_detection_giveup((m), (f), (guessed))
#else
#define DPI_GIVEUP(m, f, guessed) ndpi_detection_giveup((m), (f), 1, (guessed))
#endif

/* Both halves of an answer. */
#if DPI_VERSION >= 412
#define DPI_MASTER(p) ((p).proto.master_protocol)
#define DPI_APP(p) ((p).proto.app_protocol)
#else
#define DPI_MASTER(p) ((p).master_protocol)
#define DPI_APP(p) ((p).app_protocol)
#endif

/* Is there more to learn of a flow that has its name? */
#if DPI_VERSION >= 500
#define DPI_MORE(m, f, p) ((p).state != NDPI_STATE_CLASSIFIED)
#else
#define DPI_MORE(m, f, p) (ndpi_extra_dissection_possible((m), (f)) != 0)
#endif
/* Has the library itself given up on it? */
#if DPI_VERSION >= 500
#define DPI_FAILED(f) false
#else
#define DPI_FAILED(f) ((f)->fail_with_unknown != 0)
#endif

#if DPI_VERSION >= 406
#define DPI_ALPN(t) ((t)->advertised_alpns)
#else
#define DPI_ALPN(t) ((t)->alpn)
#endif

/* JA3 of the client left after 4.12; JA4 came with 4.10. */
#if DPI_VERSION >= 414
#define DPI_JA3_CLIENT(t) ""
#else
#define DPI_JA3_CLIENT(t) ((t)->ja3_client)
#endif
#if DPI_VERSION >= 410
#define DPI_JA4_CLIENT(t) ((t)->ja4_client)
#else
#define DPI_JA4_CLIENT(t) ""
#endif

#if DPI_VERSION >= 406
#define DPI_HTTP_SERVER(f) ((f)->http.server)
#else
#define DPI_HTTP_SERVER(f) ((const char *)NULL)
#endif

#if DPI_VERSION >= 412
#define DPI_DNS_ANSWER(f) (&(f)->protos.dns.rsp_addr[0])
#else
#define DPI_DNS_ANSWER(f) (&(f)->protos.dns.rsp_addr)
#endif

#if DPI_VERSION >= 500
#define DPI_PROTOCOLS(m) ((unsigned)ndpi_get_num_protocols(m))
#else
#define DPI_PROTOCOLS(m) ((unsigned)ndpi_get_num_supported_protocols(m))
#endif

#endif

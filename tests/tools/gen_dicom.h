/* DICOM as modalities, worklists and archives speak it (PS3.8 section 9.3, PS3.7 annex E,
 * PS3.5), with everything in it that a flow sensor must not keep: names in romaji, kanji and
 * kana, numbers, birthdays, physicians, remarks. */
#ifndef GEN_DICOM_H
#define GEN_DICOM_H

#include "gen_people.h"

struct gen_equipment {
	const char *modality, *manufacturer, *model, *serial, *software, *station, *ae;
	const char *sop; /* SOP class of its images */
};

#define UID_VERIFICATION "1.2.840.10008.1.1"
#define UID_CT "1.2.840.10008.5.1.4.1.1.2"
#define UID_WORKLIST "1.2.840.10008.5.1.4.31"
#define UID_IMPLICIT "1.2.840.10008.1.2"
#define UID_EXPLICIT "1.2.840.10008.1.2.1"
#define UID_JPEG_LOSSLESS "1.2.840.10008.1.2.4.70"

UNUSED static void dicom_item(struct gen *g, unsigned type, const char *text)
{
	gen_u8(g, type);
	gen_u8(g, 0);
	gen_be16(g, (unsigned)strlen(text));
	gen_text(g, text);
}

UNUSED static void dicom_ae(struct gen *g, const char *ae)
{
	char title[17];
	snprintf(title, sizeof(title), "%-16s", ae);
	gen_put(g, title, 16);
}

UNUSED static size_t dicom_pdu(struct gen *g, unsigned type)
{
	gen_u8(g, type);
	gen_u8(g, 0);
	return gen_mark(g, 4);
}

UNUSED static void dicom_user_info(struct gen *g, uint32_t max_pdu, const char *class_uid,
				   const char *version, const char *user)
{
	gen_be16(g, 0x5000);
	size_t info = gen_mark(g, 2);
	gen_be32(g, 0x51000004);
	gen_be32(g, max_pdu);
	dicom_item(g, 0x52, class_uid);
	dicom_item(g, 0x55, version);
	if (user) { /* user identity, PS3.7 D.3.3.7: name and password */
		gen_be16(g, 0x5800);
		size_t identity = gen_mark(g, 2);
		gen_be16(g, 0x0201);
		gen_be16(g, (unsigned)strlen(user));
		gen_text(g, user);
		gen_be16(g, 6);
		gen_text(g, "secret");
		gen_len(g, identity, 2);
	}
	gen_len(g, info, 2);
}

/* A-ASSOCIATE-RQ with one context a SOP class (NULL at the end), ids 1, 3, 5 ... */
UNUSED static void dicom_request(struct gen *g, const char *calling, const char *called,
				 const char *const *sops, const char *class_uid,
				 const char *version, const char *user)
{
	size_t pdu = dicom_pdu(g, 1);
	gen_be32(g, 0x00010000);
	dicom_ae(g, called);
	dicom_ae(g, calling);
	gen_fill(g, 0, 32);
	dicom_item(g, 0x10, "1.2.840.10008.3.1.1.1");
	for (unsigned i = 0; sops[i]; i++) {
		gen_be16(g, 0x2000);
		size_t context = gen_mark(g, 2);
		gen_be32(g, (2 * i + 1) << 24);
		dicom_item(g, 0x30, sops[i]);
		dicom_item(g, 0x40, UID_EXPLICIT);
		dicom_item(g, 0x40, UID_IMPLICIT);
		gen_len(g, context, 2);
	}
	dicom_user_info(g, 16384, class_uid, version, user);
	gen_len(g, pdu, 4);
}

/* A-ASSOCIATE-AC; results[i] as PS3.8 table 9-18 has them, one a context. */
UNUSED static void dicom_accept(struct gen *g, const char *calling, const char *called,
				const uint8_t *results, unsigned contexts, const char *syntax,
				const char *class_uid, const char *version)
{
	size_t pdu = dicom_pdu(g, 2);
	gen_be32(g, 0x00010000);
	dicom_ae(g, called);
	dicom_ae(g, calling);
	gen_fill(g, 0, 32);
	dicom_item(g, 0x10, "1.2.840.10008.3.1.1.1");
	for (unsigned i = 0; i < contexts; i++) {
		gen_be16(g, 0x2100);
		size_t context = gen_mark(g, 2);
		gen_be32(g, (2 * i + 1) << 24 | (uint32_t)results[i] << 8);
		dicom_item(g, 0x40, syntax);
		gen_len(g, context, 2);
	}
	dicom_user_info(g, 28672, class_uid, version, NULL);
	gen_len(g, pdu, 4);
}

/* A-ASSOCIATE-RJ (3) or A-ABORT (7). */
UNUSED static void dicom_refuse(struct gen *g, unsigned type, unsigned result, unsigned source,
				unsigned reason)
{
	size_t pdu = dicom_pdu(g, type);
	gen_u8(g, 0);
	gen_u8(g, type == 3 ? result : 0);
	gen_u8(g, source);
	gen_u8(g, reason);
	gen_len(g, pdu, 4);
}

UNUSED static void dicom_release(struct gen *g, unsigned type)
{
	size_t pdu = dicom_pdu(g, type);
	gen_be32(g, 0);
	gen_len(g, pdu, 4);
}

/* Bytes as P-DATA-TF PDUs of at most max bytes each. flags: 1 command, 0 data set; last is
 * added. */
UNUSED static void dicom_data(struct gen *g, unsigned context, unsigned flags, const uint8_t *p,
			      size_t n, size_t max)
{
	do {
		size_t part = n < max ? n : max;
		size_t pdu = dicom_pdu(g, 4), pdv = gen_mark(g, 4);
		gen_u8(g, context);
		gen_u8(g, flags | (part == n ? 2 : 0));
		gen_put(g, p, part);
		gen_len(g, pdv, 4);
		gen_len(g, pdu, 4);
		p += part;
		n -= part;
	} while (n);
}

UNUSED static void dicom_command_us(struct gen *g, unsigned element, unsigned v)
{
	gen_le16(g, 0);
	gen_le16(g, element);
	gen_le32(g, 2);
	gen_le16(g, v);
}

UNUSED static void dicom_command_uid(struct gen *g, unsigned element, const char *uid)
{
	size_t n = strlen(uid);
	gen_le16(g, 0);
	gen_le16(g, element);
	gen_le32(g, (uint32_t)(n + n % 2));
	gen_text(g, uid);
	gen_fill(g, 0, n % 2);
}

/* A command in PDUs: C-ECHO 0x30, C-STORE 1, C-FIND 0x20, answers with 0x8000. */
UNUSED static void dicom_command(struct gen *g, unsigned context, unsigned command,
				 const char *sop, const char *instance, bool data_set)
{
	struct gen c = { NULL, 0, 0 };
	gen_le32(&c, 0);
	gen_le32(&c, 4);
	size_t length = gen_mark(&c, 4);
	dicom_command_uid(&c, 0x0002, sop);
	dicom_command_us(&c, 0x0100, command);
	dicom_command_us(&c, command & 0x8000 ? 0x0120 : 0x0110, 1);
	if (!(command & 0x8000) && command != 0x30)
		dicom_command_us(&c, 0x0700, 0);
	dicom_command_us(&c, 0x0800, data_set ? 1 : 0x0101);
	if (command & 0x8000)
		dicom_command_us(&c, 0x0900, data_set ? 0xff00 : 0);
	if (instance)
		dicom_command_uid(&c, 0x1000, instance);
	gen_len_le(&c, length, 4);
	dicom_data(g, context, 1, c.p, c.n, 16000);
	gen_free(&c);
}

struct dicom_writer {
	struct gen *out;
	bool explicit_vr;
};

UNUSED static void dicom_head(struct dicom_writer *w, unsigned group, unsigned element,
			      const char *vr, uint32_t n)
{
	gen_le16(w->out, group);
	gen_le16(w->out, element);
	if (!w->explicit_vr) {
		gen_le32(w->out, n);
		return;
	}
	gen_put(w->out, vr, 2);
	if (strstr("OB OW SQ UN UT", vr)) {
		gen_le16(w->out, 0);
		gen_le32(w->out, n);
	} else {
		gen_le16(w->out, n);
	}
}

UNUSED static void dicom_bytes(struct dicom_writer *w, unsigned group, unsigned element,
			       const char *vr, const void *p, size_t n)
{
	dicom_head(w, group, element, vr, (uint32_t)(n + n % 2));
	gen_put(w->out, p, n);
	gen_fill(w->out, strcmp(vr, "UI") == 0 ? 0 : ' ', n % 2);
}

UNUSED static void dicom_text(struct dicom_writer *w, unsigned group, unsigned element,
			      const char *vr, const char *text)
{
	dicom_bytes(w, group, element, vr, text, strlen(text));
}

UNUSED static void dicom_person(struct dicom_writer *w, unsigned group, unsigned element,
				const struct gen_name *name)
{
	struct gen g = { NULL, 0, 0 };
	gen_fmt(&g, "%s^%s=%s^%s=%s^%s", name->family, name->given, name->family_kanji,
		name->given_kanji, name->family_kana, name->given_kana);
	dicom_bytes(w, group, element, "PN", g.p, g.n);
	gen_free(&g);
}

/* A sequence of undefined length with one item of undefined length, which names the patient
 * too. */
UNUSED static void dicom_sequence(struct dicom_writer *w, unsigned group, unsigned element,
				  const struct gen_patient *who)
{
	dicom_head(w, group, element, "SQ", UINT32_MAX);
	gen_le32(w->out, 0xe000fffe);
	gen_le32(w->out, UINT32_MAX);
	dicom_text(w, 0x0008, 0x0060, "CS", "ZZ"); /* must not be taken for the image's own */
	dicom_text(w, 0x0008, 0x0070, "LO", who->id);
	dicom_person(w, 0x0010, 0x0010, who->name);
	gen_le32(w->out, 0xe00dfffe);
	gen_le32(w->out, 0);
	gen_le32(w->out, 0xe0ddfffe);
	gen_le32(w->out, 0);
}

/* An image of who by e. */
UNUSED static void dicom_image(struct gen *out, const struct gen_equipment *e,
			       const struct gen_patient *who, const char *instance,
			       bool explicit_vr, size_t pixel_bytes)
{
	struct dicom_writer writer = { out, explicit_vr }, *w = &writer;
	char remark[128];
	snprintf(remark, sizeof(remark), "%s %s %s", who->name->family, who->name->given,
		 who->id);
	dicom_text(w, 0x0008, 0x0005, "CS", "\\ISO 2022 IR 87");
	dicom_text(w, 0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY");
	dicom_text(w, 0x0008, 0x0016, "UI", e->sop);
	dicom_text(w, 0x0008, 0x0018, "UI", instance);
	dicom_text(w, 0x0008, 0x0020, "DA", "20261121");
	dicom_text(w, 0x0008, 0x0050, "SH", who->id);
	dicom_text(w, 0x0008, 0x0060, "CS", e->modality);
	dicom_text(w, 0x0008, 0x0070, "LO", e->manufacturer);
	dicom_text(w, 0x0008, 0x0080, "LO", "MADE-UP GENERAL HOSPITAL");
	dicom_person(w, 0x0008, 0x0090, &gen_names[1]);
	dicom_text(w, 0x0008, 0x1010, "SH", e->station);
	dicom_text(w, 0x0008, 0x1030, "LO", remark);
	dicom_sequence(w, 0x0008, 0x1032, who);
	dicom_person(w, 0x0008, 0x1070, &gen_names[2]);
	dicom_text(w, 0x0008, 0x1090, "LO", e->model);
	dicom_sequence(w, 0x0008, 0x1140, who);
	dicom_person(w, 0x0010, 0x0010, who->name);
	dicom_text(w, 0x0010, 0x0020, "LO", who->id);
	dicom_text(w, 0x0010, 0x0030, "DA", who->birth);
	dicom_bytes(w, 0x0010, 0x0040, "CS", &who->sex, 1);
	dicom_text(w, 0x0010, 0x4000, "LT", remark);
	dicom_text(w, 0x0018, 0x0060, "DS", "120");
	dicom_text(w, 0x0018, 0x1000, "LO", e->serial);
	dicom_text(w, 0x0018, 0x1020, "LO", e->software);
	dicom_text(w, 0x0018, 0x1030, "LO", remark); /* protocol name, free text */
	dicom_text(w, 0x0020, 0x0010, "SH", who->id);
	dicom_bytes(w, 0x0028, 0x0010, "US", "\0\2", 2);
	dicom_bytes(w, 0x0028, 0x0011, "US", "\0\2", 2);
	dicom_head(w, 0x7fe0, 0x0010, "OW", (uint32_t)(pixel_bytes + pixel_bytes % 2));
	for (size_t i = 0; i < pixel_bytes + pixel_bytes % 2; i++)
		gen_u8(out, (unsigned)(i * 7 & 0xff));
}

/* One line of a worklist answer. */
UNUSED static void dicom_worklist(struct gen *out, const struct gen_equipment *e,
				  const struct gen_patient *who)
{
	struct dicom_writer writer = { out, false }, *w = &writer;
	dicom_text(w, 0x0008, 0x0005, "CS", "\\ISO 2022 IR 87");
	dicom_text(w, 0x0008, 0x0050, "SH", who->id);
	dicom_person(w, 0x0010, 0x0010, who->name);
	dicom_text(w, 0x0010, 0x0020, "LO", who->id);
	dicom_text(w, 0x0010, 0x0030, "DA", who->birth);
	dicom_text(w, 0x0040, 0x0001, "AE", e->ae);
}

#endif

/* HL7 v2 messages of an order entry system, an interface engine and bedside monitors, over
 * MLLP. */
#ifndef GEN_HL7_H
#define GEN_HL7_H

#include "gen_people.h"

UNUSED static void hl7_person(struct gen *g, const struct gen_name *n)
{
	gen_fmt(g, "%s^%s^^^^^L^I~%s^%s^^^^^L^P", n->family_kanji, n->given_kanji,
		n->family_kana, n->given_kana);
}

UNUSED static void hl7_msh(struct gen *g, const char *from, const char *facility,
			   const char *to, const char *type, unsigned control)
{
	gen_u8(g, 0x0b);
	gen_fmt(g,
		"MSH|^~\\&|%s|%s|%s|PACS_ROOM|20261121093000||%s|%06u|P|2.5|||||JPN|~ISO IR87||ISO 2022-1994\r",
		from, facility, to, type, control);
}

UNUSED static void hl7_pid(struct gen *g, const struct gen_patient *who)
{
	gen_fmt(g, "PID|0001||%s^^^^PI||", who->id);
	hl7_person(g, who->name);
	gen_fmt(g, "||%s|%c|||^^^^1000001^JPN^H||^PRN^PH^^^^^^^^^03-0000-0000\r", who->birth,
		who->sex);
	gen_text(g, "NK1|1|");
	hl7_person(g, who->name);
	gen_text(g, "|SPO\r");
	gen_text(g, "PV1|0001|I|05A^0501^01||||^");
	hl7_person(g, &gen_names[3]);
	gen_text(g, "\r");
}

UNUSED static void hl7_end(struct gen *g)
{
	gen_u8(g, 0x1c);
	gen_u8(g, 0x0d);
}

UNUSED static void hl7_adt(struct gen *g, const struct gen_patient *who, unsigned control)
{
	hl7_msh(g, "HIS", "MADEUP", "ENGINE", "ADT^A08^ADT_A01", control);
	gen_text(g, "EVN|A08|20261121093000\r");
	hl7_pid(g, who);
	hl7_end(g);
}

UNUSED static void hl7_orm(struct gen *g, const struct gen_patient *who, unsigned control)
{
	hl7_msh(g, "HIS", "MADEUP", "RIS", "OMI^O23^OMI_O23", control);
	hl7_pid(g, who);
	gen_fmt(g,
		"ORC|NW|%06u|||||^^^20261121100000\rOBR|1|%06u||1000^CT CHEST^JJ1017|||||||||%s %s\r",
		control, control, who->name->family, who->id);
	hl7_end(g);
}

/* Vital signs of a monitor that says what it is in OBX-18 and PRT. */
UNUSED static void hl7_oru(struct gen *g, const struct gen_patient *who, const char *app,
			   const char *eui64, const char *udi, const char *serial,
			   unsigned control)
{
	hl7_msh(g, app, "ICU", "ENGINE", "ORU^R01^ORU_R01", control);
	hl7_pid(g, who);
	gen_text(g, "OBR|1|||VITAL^VITAL SIGNS\r");
	gen_fmt(g, "OBX|1|NM|8867-4^HR^LN||72|/min|||||F|||20261121093000||||%s^^%s^EUI-64\r",
		app, eui64);
	/* A remark in kanji whose second bytes look like separators, and the patient's name in
	 * it. */
	gen_fmt(g,
		"OBX|2|TX|REM^REMARK^L||\033$B%%|%%|%%|%%|%%|%%|%%|%%|%%|%%|%%|%%|%%|\033(B%s|||||F|||20261121093000\r",
		who->name->family_kanji);
	if (udi)
		gen_fmt(g,
			"PRT||AD||EQUIP^Equipment^HL70912||||||%s^^%s^EUI-64||||||%s|20240401|20341231|LOT77|%s|W0000 26 123456|"
			"55425^Monitor^GMDN\r",
			app, eui64, udi, serial);
	hl7_end(g);
}

UNUSED static void hl7_ack(struct gen *g, const char *from, const char *to, const char *code,
			   unsigned control)
{
	gen_u8(g, 0x0b);
	gen_fmt(g,
		"MSH|^~\\&|%s|ENGINE_ROOM|%s|MADEUP|20261121093001||ACK|%06u|P|2.5\rMSA|%s|%06u\r",
		from, to, control, code, control);
	hl7_end(g);
}

#endif

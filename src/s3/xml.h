/* Reading the XML that S3 answers with: elements and their text, nothing else. See xml.c. */
#ifndef S3_XML_H
#define S3_XML_H

#include "tomsd/base/compiler.h"
#include "tomsd/base/str.h"

#define XML_DEPTH_MAX 12 /* S3 nests five deep */
#define XML_NAME_MAX 64
#define XML_TEXT_MAX 4096 /* of one element: a key has at most 1,024 bytes */

enum xml_event {
	XML_OPEN,  /* an element begins: name, depth (the outermost is 1) */
	XML_CLOSE, /* it ends: name, depth, text */
	XML_END,   /* of the document, which was well-formed as far as we look */
	XML_BAD,   /* no XML, or past a limit; stays so */
};

struct xml {
	struct str rest;
	struct str names[XML_DEPTH_MAX]; /* views of the document */
	int depth;
	/* Of the event; a closed element's depth is the one it had. */
	struct str name; /* without namespace prefix */
	int at_depth;
	char text[XML_TEXT_MAX]; /* of an element without children; of others what follows the last one */
	size_t n_text;
	/* inside */
	bool close_next, has_closed, is_bad, has_begun;
};

void xml_init(struct xml *x, struct str document);
enum xml_event xml_next(struct xml *x);
static inline struct str xml_text(const struct xml *x)
{
	return (struct str){ x->text, x->n_text };
}
static inline bool xml_is(const struct xml *x, int depth, const char *name)
{
	return x->at_depth == depth && str_eq(x->name, str_of(name));
}

#endif

/*
 * jsonb_tools.h
 *	  Reading and rebuilding jsonb objects member by member.
 */
#ifndef RC_JSONB_TOOLS_H
#define RC_JSONB_TOOLS_H

/*
 * A walk over the members of an object in the order in which jsonb keeps them
 * (shorter keys first, then by bytes). Nested containers come whole, as
 * jbvBinary. Key and value point into the document.
 */
typedef struct RcMembers
{
	const JsonbContainer *object;
	uint32		count;
	uint32		index;			/* of the current member; count past the last */
	bool		valid;			/* is there a current member? */
	JsonbValue	key;
	JsonbValue	value;

	/* where the bytes of the key and of the value are, gaps included */
	uint32		key_begin;
	uint32		key_end;
	uint32		value_begin;
	uint32		value_end;
} RcMembers;

extern void rc_first_member(RcMembers *members, const JsonbContainer *object);
extern void rc_next_member(RcMembers *members);
extern void rc_seek_member(RcMembers *members, const JsonbValue *key);
extern int	rc_compare_keys(const JsonbValue *a, const JsonbValue *b);
extern int	rc_compare_members(const RcMembers *a, const RcMembers *b);

extern JsonbContainer *rc_root_object(Jsonb *document);
extern JsonbContainer *rc_nested_object(const JsonbValue *value);
extern JsonbContainer *rc_nested_array(const JsonbValue *value);
extern bool rc_get_member(JsonbContainer *object, const char *key, JsonbValue *value);
extern void rc_wrap_document(Jsonb *document, JsonbValue *value);
extern void rc_string_value(const char *string, JsonbValue *value);
extern Jsonb *rc_empty_object(void);

extern bool rc_values_equal(const JsonbValue *a, const JsonbValue *b);
extern bool rc_same_bytes(const Jsonb *a, const Jsonb *b);
extern const char *rc_document_type(Jsonb *document);
extern bool rc_find_null_member(const JsonbContainer *object, StringInfo pointer);
extern void rc_append_pointer(StringInfo pointer, const JsonbValue *key);

#endif							/* RC_JSONB_TOOLS_H */

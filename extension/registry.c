/*
 * registry.c
 *	  The model registry as a driver reads it, in the call of its first render.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "query.h"
#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_get_models);
PG_FUNCTION_INFO_V1(rc_sql_get_registry);

/* Add a key to an object that is being built. */
static void
PushKey(RcJsonbBuilder *builder, const char *name)
{
	JsonbValue	key;

	rc_string_value(name, &key);
	rc_push(builder, WJB_KEY, &key);
}

/* A model, and what it is sorted by: kind, tier and id. */
typedef struct Model
{
	Jsonb	   *definition;
	NullableDatum by[3];
} Model;

/* Compare models as SQL orders texts; a text that is missing is the last. */
static int
CompareModels(const void *a, const void *b)
{
	const Model *one = a;
	const Model *other = b;
	int			order = 0;
	size_t		i;

	for (i = 0; order == 0 && i < lengthof(one->by); i++)
	{
		if (one->by[i].isnull || other->by[i].isnull)
			order = one->by[i].isnull - other->by[i].isnull;
		else
			order = DatumGetInt32(DirectFunctionCall2Coll(bttextcmp, DEFAULT_COLLATION_OID,
														   one->by[i].value, other->by[i].value));
	}
	return order;
}

/* Read all models, sorted. Here, because preparing the sort of a query costs more than sorting so few. */
static Model *
ReadModels(uint64 *count)
{
	static const int columns[] = {RC_MODEL_KIND, RC_MODEL_TIER, RC_MODEL_ID};
	Model	   *models;
	uint64		row;
	size_t		i;

	*count = rc_query(RC_MODELS, NULL, 0);
	models = palloc_extended((*count + 1) * sizeof(Model), MCXT_ALLOC_HUGE);
	for (row = 0; row < *count; row++)
	{
		bool		isnull;
		Datum		definition = rc_result(row, RC_MODEL_DEFINITION, JSONBOID, &isnull);

		models[row].definition = isnull ? rc_empty_object() : DatumGetJsonbP(definition);
		for (i = 0; i < lengthof(columns); i++)
			models[row].by[i].value = rc_result(row, columns[i], TEXTOID, &models[row].by[i].isnull);
	}
	qsort(models, *count, sizeof(Model), CompareModels);
	return models;
}

/* Add the definitions of all models, a list. */
static void
PushModels(RcJsonbBuilder *builder)
{
	uint64		count;
	uint64		row;
	Model	   *models;

	rc_begin_queries();
	models = ReadModels(&count);
	rc_end_queries();
	rc_push(builder, WJB_BEGIN_ARRAY, NULL);
	for (row = 0; row < count; row++)
	{
		JsonbValue	value;

		rc_wrap_document(models[row].definition, &value);
		rc_push(builder, WJB_ELEM, &value);
	}
	rc_push(builder, WJB_END_ARRAY, NULL);
}

/* Return the version of the extension that is installed in the database; NULL for none. */
static text *
InstalledVersion(void)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	text	   *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("renderchain"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(extensions), &isnull);

		version = isnull ? NULL : DatumGetTextPCopy(value);
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

/* SQL: get_models() -> jsonb */
Datum
rc_sql_get_models(PG_FUNCTION_ARGS)
{
	RcJsonbBuilder builder = {0};

	(void) fcinfo;
	PushModels(&builder);
	PG_RETURN_JSONB_P(rc_built(&builder));
}

/* SQL: get_registry() -> jsonb: {"models", "timeouts", "extension"} */
Datum
rc_sql_get_registry(PG_FUNCTION_ARGS)
{
	RcJsonbBuilder builder = {0};
	JsonbValue	value;
	text	   *version = InstalledVersion();

	(void) fcinfo;
	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	PushKey(&builder, "models");
	PushModels(&builder);
	PushKey(&builder, "timeouts");
	rc_wrap_document(rc_timeouts(), &value);
	rc_push(&builder, WJB_VALUE, &value);
	PushKey(&builder, "extension");
	value.type = jbvNull;
	if (version != NULL)
		rc_string_value(text_to_cstring(version), &value);
	rc_push(&builder, WJB_VALUE, &value);
	rc_push(&builder, WJB_END_OBJECT, NULL);
	PG_RETURN_JSONB_P(rc_built(&builder));
}

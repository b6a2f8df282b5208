/*
 * schema.c
 *	  The working schema: the one whose tables a session works with.
 *
 * The setting renderchain.schema names it. C functions put the name into their
 * queries (query.c); PL/pgSQL functions call use_schema(), which puts the
 * schema right behind pg_catalog in the search_path.
 *
 * Its tables may be an application's own, so there is also the question what
 * they ask for.
 */
#include "compat.h"

#include "renderchain.h"

PG_FUNCTION_INFO_V1(rc_sql_use_schema);
PG_FUNCTION_INFO_V1(rc_sql_check_required);

/*
 * Tell whether user tables have no business in this schema. A search_path takes
 * "$user", quoted or not, for the schema named like the role.
 */
static bool
IsReservedSchema(const char *name)
{
	return strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0 ||
		strcmp(name, "$user") == 0;
}

/*
 * Return a table of the working schema, InvalidOid where there is none, having made
 * sure that the schema can be one, that the caller may use it (a schema that may not
 * be used is passed over in a search_path, so that its tables would seem to be
 * missing) and that it has a table "renders". Privileges on tables are left to what
 * reads them.
 */
Oid
rc_working_table(const char *name)
{
	Oid			schema_oid;
	Oid			table_oid = InvalidOid;
	AclResult	allowed;

	if (IsReservedSchema(rc_schema))
		ereport(ERROR,
				(errcode(RC_ERRCODE_TABLES_MISSING),
				 errmsg("schema \"%s\" cannot hold renderchain's tables", rc_schema),
				 errdetail("Its name belongs to the system."),
				 errhint("Name another one in the setting renderchain.schema.")));

	schema_oid = get_namespace_oid(rc_schema, true);
	if (OidIsValid(schema_oid))
	{
		allowed = rc_namespace_aclcheck(schema_oid, GetUserId(), ACL_USAGE);
		if (allowed != ACLCHECK_OK)
			aclcheck_error(allowed, OBJECT_SCHEMA, rc_schema);
		table_oid = get_relname_relid(RC_RENDERS, schema_oid);
	}
	if (!OidIsValid(table_oid))
		ereport(ERROR,
				(errcode(RC_ERRCODE_TABLES_MISSING),
				 errmsg("renderchain's tables do not exist in schema \"%s\"", rc_schema),
				 OidIsValid(schema_oid) ?
				 errdetail("There is no table \"%s\" in it.", RC_RENDERS) :
				 errdetail("There is no such schema."),
				 errhint("Run SELECT renderchain.create_tables(%s), or name another schema in the setting renderchain.schema.",
						 quote_literal_cstr(rc_schema))));
	return strcmp(name, RC_RENDERS) == 0 ? table_oid : get_relname_relid(name, schema_oid);
}

/*
 * Return the name of the working schema, made sure of as by rc_working_table().
 * The string is the setting's own: use it before anything can change the setting.
 */
const char *
rc_working_schema(void)
{
	(void) rc_working_table(RC_RENDERS);
	return rc_schema;
}

/*
 * Search pg_catalog, then the working schema, then temporary objects, until the
 * calling function ends where that function has a SET search_path clause (which
 * restores the path), else until the transaction ends. Return the schema's name,
 * made sure of.
 */
const char *
rc_use_schema(void)
{
	const char *schema = rc_working_schema();
	char	   *path = psprintf("pg_catalog, %s, pg_temp", quote_identifier(schema));

	if (strcmp(namespace_search_path, path) != 0)
		(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	return schema;
}

/* SQL: use_schema() -> text */
Datum
rc_sql_use_schema(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TEXT_P(cstring_to_text(rc_use_schema()));
}

/* Tell whether a table has a column that is NOT NULL. */
static bool
IsRequired(Oid table_oid, const char *column)
{
	HeapTuple	attribute = SearchSysCacheAttName(table_oid, column);
	bool		result = false;

	if (HeapTupleIsValid(attribute))
	{
		result = ((Form_pg_attribute) GETSTRUCT(attribute))->attnotnull;
		ReleaseSysCache(attribute);
	}
	return result;
}

/* Refuse a request that leaves open what a table of the working schema asks for. */
void
rc_check_required(const char *table, bool has_project, bool has_chain)
{
	Oid			table_oid = get_relname_relid(table, get_namespace_oid(rc_working_schema(), false));
	const char *missing = NULL;

	if (!has_project && IsRequired(table_oid, "project_id"))
		missing = "projectId";
	else if (!has_chain && IsRequired(table_oid, "chain_id"))
		missing = "chainId";
	if (missing != NULL)
		ereport(ERROR,
				(errcode(RC_ERRCODE_INVALID_REQUEST),
				 errmsg("invalid request: %s is missing", missing),
				 errhint("The table %s of this schema asks for it; %s must be a UUID.", table, missing)));
}

/*
 * SQL: _check_required(tab text, project_id uuid, chain_id uuid) -> boolean
 *
 * True unless it is refused, and where no table is named.
 */
Datum
rc_sql_check_required(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		rc_check_required(text_to_cstring(PG_GETARG_TEXT_PP(0)), !PG_ARGISNULL(1), !PG_ARGISNULL(2));
	PG_RETURN_BOOL(true);
}

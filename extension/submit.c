/*
 * submit.c
 *	  Making a render and its job of a request: submit_render() and run_render().
 *
 * In C because whoever asks for one render waits for it, often in a session that has
 * just begun: a handful of statements is all that such a session has to prepare. What is
 * off that way (errors, idempotency keys that come again, new chains, accounts, queues)
 * is done by the SQL functions that query.c names.
 *
 * A render is made with its lease where a worker is to run it at once, as if by
 * claim_renders, which saves writing both rows twice. Its chain stays locked until the
 * end of the transaction, so that places are handed out in the order of commits and one
 * that is rolled back is taken by the next.
 */
#include "compat.h"

#include "jsonb_tools.h"
#include "memory_row.h"
#include "query.h"
#include "renderchain.h"
#include "submit.h"

PG_FUNCTION_INFO_V1(rc_sql_submit_render);
PG_FUNCTION_INFO_V1(rc_sql_run_render);

/* The first try of the first run */
#define FIRST 1

/* What the rows of a render and its job are made of. */
typedef struct Submission
{
	Jsonb	   *request;		/* checked, with what it left out */
	TimestampTz now;
	TimestampTz deadline;
	NullableDatum worker;		/* who runs it at once; NULL for nobody */
	Datum		lease;			/* of that worker */
	bool		created;		/* false where an idempotency key had made it before */
	Datum		id;
	NullableDatum user;
	NullableDatum project;
	NullableDatum chain;
	NullableDatum position;
	NullableDatum parent;
	NullableDatum reference;
	NullableDatum type;
	NullableDatum prompt;
	NullableDatum provider;
	NullableDatum key;
	NullableDatum priority;
	int32		credits;
	NullableDatum reserved;
	NullableDatum queue;
	NullableDatum waits_for;
	NullableDatum last_output;	/* of the last render of its chain, if that has one */
} Submission;

static const NullableDatum none = {(Datum) 0, true};

/* Return a value that is there. */
static NullableDatum
Some(Datum value)
{
	return (NullableDatum) {value, false};
}

/* Return a text that is there. */
static NullableDatum
Text(const char *string)
{
	return Some(CStringGetTextDatum(string));
}

/* Return a value of the first row that the last query found. */
static NullableDatum
Found(int column, Oid type)
{
	NullableDatum found;

	found.value = rc_result(0, column, type, &found.isnull);
	return found;
}

/* Return a member of a request that is a string. */
static NullableDatum
TextMember(Jsonb *request, const char *name)
{
	JsonbValue	value;

	if (!rc_get_member(&request->root, name, &value) || value.type != jbvString)
		return none;
	return Some(PointerGetDatum(cstring_to_text_with_len(value.val.string.val, value.val.string.len)));
}

/* Return a member of a request that is a UUID, by its rule. */
static NullableDatum
UuidMember(Jsonb *request, const char *name)
{
	NullableDatum member = TextMember(request, name);

	if (!member.isnull)
		member.value = DirectFunctionCall1(uuid_in, CStringGetDatum(TextDatumGetCString(member.value)));
	return member;
}

/* Return a member of a request that is a whole number, by its rule; 0 where there is none. */
static NullableDatum
NumberMember(Jsonb *request, const char *name)
{
	JsonbValue	value;

	if (!rc_get_member(&request->root, name, &value) || value.type != jbvNumeric)
		return Some(Int32GetDatum(0));
	return Some(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
}

/* Check a request and take it apart. */
static void
ReadRequest(Submission *submission, Jsonb *request)
{
	Interval	patience = {.time = rc_deadline * USECS_PER_SEC};

	request = rc_checked_request(request);
	submission->request = request;
	submission->now = rc_clock();
	submission->deadline = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																	TimestampTzGetDatum(submission->now),
																	IntervalPGetDatum(&patience)));
	submission->id = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
	submission->user = UuidMember(request, "userId");
	submission->project = UuidMember(request, "projectId");
	submission->chain = UuidMember(request, "chainId");
	submission->parent = UuidMember(request, "parentRenderId");
	submission->reference = UuidMember(request, "referenceRenderId");
	submission->type = TextMember(request, "type");
	submission->prompt = TextMember(request, "prompt");
	submission->provider = TextMember(request, "provider");
	if (submission->provider.isnull)
		submission->provider = Text("any");
	submission->key = TextMember(request, "idempotencyKey");
	submission->priority = NumberMember(request, "priority");
}

/* Find the render that the idempotency key has made before, if it has. */
static bool
FindEarlier(Submission *submission)
{
	NullableDatum parameters[] = {submission->key, Some(JsonbPGetDatum(submission->request))};
	NullableDatum earlier;

	if (submission->key.isnull || rc_query_nullable(RC_SUBMITTED_BEFORE, parameters, 0) == 0)
		return false;
	earlier = Found(1, UUIDOID);
	if (earlier.isnull)
		return false;
	submission->id = earlier.value;
	submission->chain = Found(2, UUIDOID);
	submission->position = Found(3, INT4OID);
	return true;
}

/* Return the chain of a render that the request refers to, which must exist. */
static NullableDatum
ChainOf(const char *name, NullableDatum render)
{
	NullableDatum parameters[] = {Text(name), render};

	if (render.isnull || rc_query_nullable(RC_CHAIN_OF, parameters, 0) == 0)
		return none;
	return Found(1, UUIDOID);
}

/* Find the chain that a render joins, if any; a name is left for later. */
static void
FindChain(Submission *submission)
{
	NullableDatum of_parent = ChainOf("parentRenderId", submission->parent);

	if (submission->chain.isnull)
		submission->chain = of_parent;
	(void) ChainOf("referenceRenderId", submission->reference);
}

/*
 * Lock the chain of a name. False where it was made only now, or where there are several, which is told. An
 * update passes over chains that row security shows but does not let be written: who has the name is looked
 * up first there, so that of several the one that may be written is not taken silently.
 */
static bool
TakeChainNamed(Submission *submission, NullableDatum name)
{
	NullableDatum parameters[] = {
		name, submission->project, Some(TimestampTzGetDatum(submission->now))
	};

	if (check_enable_rls(rc_working_table("render_chains"), InvalidOid, true) != RLS_ENABLED &&
		rc_query_nullable(RC_TAKE_CHAIN_NAMED, parameters, 0) == 1)
		return true;
	(void) rc_query_nullable(RC_MAKE_CHAIN, parameters, 0);
	submission->chain = Found(1, UUIDOID);
	return false;
}

/* Lock the chain. Its project counts where the request names none. */
static void
TakeChain(Submission *submission)
{
	NullableDatum name = TextMember(submission->request, "chainName");
	NullableDatum now = Some(TimestampTzGetDatum(submission->now));

	if (name.isnull || !TakeChainNamed(submission, name))
	{
		NullableDatum parameters[] = {submission->chain, now};

		if (submission->chain.isnull)
			return;
		if (rc_query_nullable(RC_TAKE_CHAIN, parameters, 0) == 0)
			ereport(ERROR,
					(errcode(RC_ERRCODE_NOT_FOUND),
					 errmsg("chain %s does not exist", rc_uuid_text(DatumGetUUIDP(submission->chain.value))),
					 errhint("Leave out chainId and give a chainName to have a chain made.")));
	}
	submission->chain = Found(1, UUIDOID);
	if (submission->project.isnull)
		submission->project = Found(2, UUIDOID);
}

/* Take the next place in the chain. */
static void
TakePlace(Submission *submission)
{
	bool		is_run = !submission->worker.isnull;
	int32		last = 0;

	if (rc_query(is_run ? RC_LAST_PLACE_AND_OUTPUT : RC_LAST_PLACE, &submission->chain.value, 1) > 0)
	{
		last = DatumGetInt32(Found(1, INT4OID).value);
		if (is_run)
			submission->last_output = rc_found_output(2);
	}
	if (last == PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("integer out of range")));
	submission->position = Some(Int32GetDatum(last + 1));
}

/* Return the settings of a render: its request without what has columns of its own. */
static Jsonb *
RenderSettings(Jsonb *request)
{
	static const char *const columns[] = {
		"type", "prompt", "userId", "projectId", "chainId", "chainName", "parentRenderId",
		"referenceRenderId", "idempotencyKey", "priority"
	};
	RcJsonbBuilder builder = {0};
	RcMembers	members;

	rc_push(&builder, WJB_BEGIN_OBJECT, NULL);
	for (rc_first_member(&members, &request->root); members.valid; rc_next_member(&members))
	{
		size_t		i;

		for (i = 0; i < lengthof(columns); i++)
		{
			JsonbValue	key;

			rc_string_value(columns[i], &key);
			if (rc_compare_keys(&members.key, &key) == 0)
				break;
		}
		if (i < lengthof(columns))
			continue;
		rc_push(&builder, WJB_KEY, &members.key);
		rc_push(&builder, WJB_VALUE, &members.value);
	}
	rc_push(&builder, WJB_END_OBJECT, NULL);
	return rc_built(&builder);
}

/* Write the render. */
static void
WriteRender(const Submission *submission)
{
	bool		is_run = !submission->worker.isnull;
	NullableDatum now = Some(TimestampTzGetDatum(submission->now));
	NullableDatum parameters[] = {
		Some(submission->id), submission->project, submission->user, submission->type,
		submission->prompt, Some(JsonbPGetDatum(RenderSettings(submission->request))),
		Text(is_run ? "processing" : "pending"), Some(Int32GetDatum(submission->credits)),
		submission->priority, submission->parent, submission->chain, submission->position,
		submission->reference, is_run ? now : none, now
	};

	(void) rc_query_nullable(RC_INSERT_RENDER, parameters, 0);
}

/* Reserve credits of a user who has an account. */
static void
Reserve(Submission *submission)
{
	NullableDatum parameters[] = {
		submission->user, Some(submission->id), Some(Int32GetDatum(FIRST)),
		Some(Int32GetDatum(submission->credits)), Some(TimestampTzGetDatum(submission->now))
	};

	if (rc_query_nullable(RC_ACCOUNT, parameters, 1) == 0 && !rc_require_credits)
		return;
	(void) rc_query_nullable(RC_RESERVE, parameters, 0);
	submission->reserved = Found(1, INT4OID);
}

/* Queue a render that nobody runs yet: in a queue, or to wait for another one of its chain. */
static void
Queue(Submission *submission)
{
	NullableDatum before[] = {submission->parent, submission->chain, submission->position};
	NullableDatum parameters[] = {
		submission->user, submission->priority, submission->type, submission->provider,
		Some(TimestampTzGetDatum(submission->now))
	};

	(void) rc_query_nullable(RC_CAN_WAIT_FOR, before, 0);
	submission->waits_for = Found(1, UUIDOID);
	if (!submission->waits_for.isnull)
	{
		submission->deadline = DT_NOEND;
		return;
	}
	(void) rc_query_nullable(RC_QUEUE_FOR, parameters, 0);
	submission->queue = Found(1, INT8OID);
}

/* Return when the lease of a render ends that is run at once. */
static NullableDatum
LeaseEnd(const Submission *submission)
{
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
															   TimestampTzGetDatum(submission->now),
															   submission->lease));

	return Some(TimestampTzGetDatum(Min(end, submission->deadline)));
}

/* Return the state of a job. */
static const char *
State(const Submission *submission)
{
	if (!submission->worker.isnull)
		return "running";
	return submission->waits_for.isnull ? "queued" : "waiting";
}

/* Write the job. */
static void
WriteJob(const Submission *submission)
{
	bool		is_run = !submission->worker.isnull;
	NullableDatum parameters[] = {
		Some(submission->id), Some(JsonbPGetDatum(submission->request)), submission->user,
		submission->provider, Text(State(submission)), submission->priority, submission->queue,
		submission->chain, submission->position, submission->waits_for,
		Some(Int32GetDatum(is_run ? FIRST : 0)), Some(Int32GetDatum(rc_max_attempts)),
		Some(TimestampTzGetDatum(submission->now)), submission->worker,
		is_run ? LeaseEnd(submission) : none, Some(TimestampTzGetDatum(submission->deadline)),
		submission->key, submission->reserved
	};

	(void) rc_query_nullable(RC_INSERT_JOB, parameters, 0);
}

/* Tell whether an image of a request is named by its key in storage. */
static bool
HasKey(JsonbValue *image)
{
	JsonbContainer *object = rc_nested_object(image);
	JsonbValue	key;

	return object != NULL && rc_get_member(object, "key", &key);
}

/* Make the inputs that a request names by their keys the render's. */
static void
AdoptInputs(const Submission *submission)
{
	static const char *const images[] = {"style", "mask", "firstFrame", "lastFrame", "previousVideo"};
	JsonbContainer *request = &submission->request->root;
	Datum		parameters[] = {
		submission->id, JsonbPGetDatum(submission->request), TimestampTzGetDatum(submission->now)
	};
	JsonbValue	value;
	bool		has_key = false;
	uint32		i;

	if (rc_get_member(request, "references", &value) && rc_nested_array(&value) != NULL)
		for (i = 0; i < JsonContainerSize(rc_nested_array(&value)); i++)
			has_key = has_key || HasKey(getIthJsonbValueFromContainer(rc_nested_array(&value), i));
	for (i = 0; i < lengthof(images); i++)
		has_key = has_key || (rc_get_member(request, images[i], &value) && HasKey(&value));
	if (has_key)
		(void) rc_query(RC_ADOPT_INPUTS, parameters, 0);
}

/* Make a render and its job. */
static void
Submit(Submission *submission, Jsonb *request)
{
	ReadRequest(submission, request);
	if (FindEarlier(submission))
		return;
	submission->created = true;
	submission->credits = rc_price(submission->request, submission->now);
	FindChain(submission);
	TakeChain(submission);
	if (!submission->chain.isnull)
		TakePlace(submission);
	rc_check_required(RC_RENDERS, !submission->project.isnull, !submission->chain.isnull);
	WriteRender(submission);
	Reserve(submission);
	if (submission->worker.isnull)
		Queue(submission);
	WriteJob(submission);
	AdoptInputs(submission);
}

/* Begin a submission of nothing. */
static void
Begin(Submission *submission)
{
	memset(submission, 0, sizeof(Submission));
	submission->worker = submission->position = submission->reserved = none;
	submission->queue = submission->waits_for = submission->last_output = none;
}

/* Add a row to the result of an SQL function (InitMaterializedSRF). */
static void
AddRow(FunctionCallInfo fcinfo, const NullableDatum *row)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[10];
	bool		nulls[10];
	int			i;

	Assert(rsinfo->setDesc->natts <= (int) lengthof(values));
	for (i = 0; i < rsinfo->setDesc->natts; i++)
	{
		values[i] = row[i].value;
		nulls[i] = row[i].isnull;
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* SQL: submit_render(request jsonb) -> render_id, chain_id, chain_position, created */
Datum
rc_sql_submit_render(PG_FUNCTION_ARGS)
{
	Submission	submission;

	InitMaterializedSRF(fcinfo, 0);
	(void) rc_use_schema();
	Begin(&submission);
	rc_begin_queries();
	Submit(&submission, PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0));
	rc_end_queries();
	if (submission.created)
		(void) rc_announce(DatumGetUUIDP(submission.id), "queued");
	AddRow(fcinfo, (NullableDatum[]) {
		Some(submission.id), submission.chain, submission.position, Some(BoolGetDatum(submission.created))
	});
	return (Datum) 0;
}

/* Add the row of a render that was made just now: with what it starts from. */
static void
AddNewRun(FunctionCallInfo fcinfo, const Submission *submission)
{
	const NullableDatum *known = NULL;
	RcStart		start;

	if (!submission->last_output.isnull && submission->parent.isnull)
		known = &submission->last_output;
	rc_find_start(&start, Some(submission->id), submission->chain, submission->parent, known);
	(void) rc_announce(DatumGetUUIDP(submission->id), "stages");
	AddRow(fcinfo, (NullableDatum[]) {
		Some(submission->id), submission->chain, submission->position, submission->type,
		Some(JsonbPGetDatum(submission->request)), Some(Int32GetDatum(FIRST)), start.memory, start.previous_output,
		Some(DirectFunctionCall1(jsonb_in, CStringGetDatum("[]"))), none
	});
}

/* Add the row of a render that the key had made before, claimed where it is free to be. */
static void
AddRunAgain(FunctionCallInfo fcinfo, const Submission *submission)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	NullableDatum parameters[] = {
		Some(submission->id), submission->chain, submission->position,
		Some(JsonbPGetDatum(submission->request)), submission->worker, Some(submission->lease)
	};
	NullableDatum row[10];
	int			i;

	Assert(rsinfo->setDesc->natts == (int) lengthof(row));
	if (rc_query_nullable(RC_CLAIM_AGAIN, parameters, 1) == 0)
		return;
	for (i = 0; i < (int) lengthof(row); i++)
		row[i] = Found(i + 1, TupleDescAttr(rsinfo->setDesc, i)->atttypid);
	AddRow(fcinfo, row);
}

/*
 * SQL: run_render(request jsonb, worker text, lease interval) -> a row like those of claim_renders()
 */
Datum
rc_sql_run_render(PG_FUNCTION_ARGS)
{
	Submission	submission;

	InitMaterializedSRF(fcinfo, 0);
	(void) rc_use_schema();
	rc_check_worker(PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1), PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2));
	Begin(&submission);
	submission.worker = Some(PG_GETARG_DATUM(1));
	submission.lease = PG_GETARG_DATUM(2);
	rc_begin_queries();
	Submit(&submission, PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0));
	if (submission.created)
		AddNewRun(fcinfo, &submission);
	else
		AddRunAgain(fcinfo, &submission);
	rc_end_queries();
	return (Datum) 0;
}

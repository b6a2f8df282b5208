/* The rows of the table: what is measured, against what, and how much is wanted. */
#include "core.h"

/* No plan of a rival's may keep answers, and one process does the work. */
#define IN_SERVER "SET enable_memoize = off; SET max_parallel_workers_per_gather = 0"

/* Memory of a chain by hand: as good as it gets with the index that we use ourselves. */
#define BY_HAND(chain)                                                                             \
    "SELECT r.context_data -> 'pipelineMemory' AS memory FROM renders r "                          \
    "WHERE r.chain_id = " chain " AND r.status = 'completed' "                                     \
    "AND jsonb_typeof(r.context_data -> 'pipelineMemory') = 'object' "                             \
    "ORDER BY r.chain_position DESC LIMIT 1"
#define OURS "SELECT renderchain.get_memory_from_chain($1)"
#define MEMORY_INDEX "renders_chain_memory_idx"

/* 20,000 chains, in an order that is neither that of the table nor that of an index. */
#define CHAINS "SELECT id FROM bench.chains WHERE NOT save ORDER BY md5(n::text)"

/* An operation that a statement does a number of times, on the id that is its parameter. */
#define FOR_EACH(times)                                                                            \
    " FROM (SELECT $1::uuid AS id FROM generate_series(1, " #times ") OFFSET 0) i"

/* The one chain of a kind that bench.fill() made. */
#define CHAIN_OF(kind) "SELECT bench.id('" kind "', 1)"
#define FROM_CHAIN_OF(kind)                                                                        \
    {                                                                                              \
        .sql = "SELECT count(renderchain.get_memory_from_chain(i.id))" FOR_EACH(2000),             \
        .parameters = CHAIN_OF(kind), .answer = OURS, .loops = 2000                                \
    }

/* The memory in contexts of 1 MB, by render and by chain. */
#define LARGE(kind, storage, place)                                                                \
    {.name = "large",                                                                              \
     .what = "get_memory_from_render, 1 MB " storage ", memory " place,                            \
     .against = "context_data -> 'pipelineMemory'",                                                \
     .wanted = 30,                                                                                 \
     .settings = IN_SERVER,                                                                        \
     .ours = {.sql = "SELECT count(renderchain.get_memory_from_render(i.id))" FOR_EACH(100),       \
              .parameters = "SELECT id FROM bench.large WHERE kind = '" kind "'",                  \
              .answer = "SELECT renderchain.get_memory_from_render($1)",                           \
              .loops = 100},                                                                       \
     .theirs = {.sql = "SELECT count((SELECT r.context_data -> 'pipelineMemory' "                  \
                       "FROM renders r WHERE r.id = i.id))" FOR_EACH(100),                         \
                .parameters = "SELECT id FROM bench.large WHERE kind = '" kind "'",                \
                .answer = "SELECT context_data -> 'pipelineMemory' FROM renders WHERE id = $1",    \
                .loops = 100,                                                                      \
                .index = "renders_pkey"}},                                                         \
    {                                                                                              \
        .name = "large", .what = "get_memory_from_chain, 1 MB " storage ", memory " place,         \
        .against = "hand-written query in the same loop", .wanted = 30, .settings = IN_SERVER,     \
        .ours = {.sql = "SELECT count(renderchain.get_memory_from_chain(i.id))" FOR_EACH(100),     \
                 .parameters = "SELECT chain_id FROM bench.large WHERE kind = '" kind "'",         \
                 .answer = OURS,                                                                   \
                 .loops = 100},                                                                    \
        .theirs = {                                                                                \
            .sql = "SELECT count((" BY_HAND("i.id") "))" FOR_EACH(100),                            \
            .parameters = "SELECT chain_id FROM bench.large WHERE kind = '" kind "'",              \
            .answer = BY_HAND("$1"),                                                               \
            .loops = 100,                                                                          \
            .index = MEMORY_INDEX                                                                  \
        }                                                                                          \
    }

/* An expression on a document and the patch of five keys; the rivals in PL/pgSQL answer for the
   right result, because core's || merges members of the first level only. */
#define MERGING(expression, merge, size, times)                                                    \
    {                                                                                              \
        .sql = "SELECT * FROM bench.seconds('" expression "', '" size "', " #times ")",            \
        .answer = "SELECT " merge "(document, patch) FROM bench.documents "                        \
                  "WHERE name = '" size "'",                                                       \
        .loops = times, .timed_inside = true                                                       \
    }
#define OUR_MERGE "renderchain.jsonb_merge_patch"
#define MERGE(size, times, least)                                                                  \
    {                                                                                              \
        .name = "merge", .what = "jsonb_merge_patch, " size ", 5 keys at depth 3",                 \
        .against = "core ||, which is shallow", .wanted = least,                                   \
        .ours = MERGING(OUR_MERGE "(document, patch)", OUR_MERGE, size, times),                    \
        .theirs = MERGING("document || patch", "bench.merge_by_key", size, times)                  \
    }
#define MERGE_PLPGSQL(function, how)                                                               \
    {                                                                                              \
        .name = "merge-plpgsql", .what = "jsonb_merge_patch, 2 kB, 5 keys at depth 3",             \
        .against = "recursive PL/pgSQL, " how, .wanted = 50,                                       \
        .ours = MERGING(OUR_MERGE "(document, patch)", OUR_MERGE, "2 kB", 5000),                   \
        .theirs = MERGING(function "(document, patch)", function, "2 kB", 200)                     \
    }

/* Saving: a memory as every extraction brings it, another one each time a render's turn comes,
   the sides on renders of their own with the same contents. What the list gives: the render's id,
   what is saved, and the context in which that will result. */
#define SAVES(side, saved)                                                                         \
    "SELECT c.render_id, " saved ", "                                                              \
    "r.context_data || jsonb_build_object('pipelineMemory', m.memory) "                            \
    "FROM bench.chains c JOIN renders r ON r.id = c.render_id, generate_series(1, 3) k, "          \
    "LATERAL bench.memory(c.n % 2000 + k) m (memory) WHERE c.save AND c.rival = " side " "         \
    "ORDER BY k, md5((c.n % 2000)::text)"
#define SAVED_MEMORY "m.memory"
#define SAVED_CONTEXT "jsonb_build_object('pipelineMemory', m.memory)"
#define STORED "SELECT context_data FROM renders WHERE id = $1"
#define SAVE_ROW(row, commit, rival, least)                                                        \
    .name = row, .what = "save_memory, synchronous_commit " commit, .against = rival,              \
    .wanted = least, .settings = "SET synchronous_commit = " commit, .between = "VACUUM renders",  \
    .ours = {.sql = "SELECT renderchain.save_memory($1, $2)",                                      \
             .parameters = SAVES("false", SAVED_MEMORY),                                           \
             .answer = STORED}
#define SAVE_CLIENT(commit, how, work)                                                             \
    {                                                                                              \
        SAVE_ROW("save-client", commit, "read, merge in the client" how ", write", 1.8),           \
            .theirs = {                                                                            \
                .sql = "SELECT context_data FROM renders WHERE id = $1",                           \
                .parameters = SAVES("true", SAVED_MEMORY),                                         \
                .client = work,                                                                    \
                .answer = STORED,                                                                  \
                .index = "renders_pkey"                                                            \
            }                                                                                      \
    }
#define SAVE_SQL(commit, how, saved, expression)                                                   \
    {                                                                                              \
        SAVE_ROW("save-sql", commit, "UPDATE by hand, " how, 0.95), .theirs = {                    \
            .sql = "UPDATE renders SET context_data = " expression ", updated_at = now() "         \
                   "WHERE id = $1 RETURNING context_data -> 'pipelineMemory'",                     \
            .parameters = SAVES("true", saved),                                                    \
            .answer = STORED                                                                       \
        }                                                                                          \
    }
#define UPDATE_SHALLOW "context_data || $2"
#define UPDATE_SET                                                                                 \
    "jsonb_set(context_data, '{pipelineMemory}', (context_data -> 'pipelineMemory') || $2)"

/* A thousand chains at once, and one after the other. */
#define BATCHES                                                                                    \
    "SELECT array_agg(id) FROM (SELECT id, row_number() OVER (ORDER BY md5(n::text)) AS place "    \
    "FROM bench.chains WHERE NOT save) c GROUP BY (place - 1) / 1000"
#define MEMORIES_OF(rows)                                                                          \
    "SELECT md5(string_agg(m.memory::text, ' ' ORDER BY m.chain_id)) FROM " rows
#define A_THOUSAND "(SELECT id FROM bench.chains ORDER BY id LIMIT 1000)"

#define FETCH_ALL(work)                                                                            \
    {                                                                                              \
        .sql = "SELECT status, context_data FROM renders WHERE chain_id = $1 "                     \
               "ORDER BY chain_position DESC",                                                     \
        .parameters = CHAIN_OF("thousand"), .client = work, .answer = BY_HAND("$1")                \
    }
#define FILTER(how, work)                                                                          \
    {                                                                                              \
        .name = "filter", .what = "get_memory_from_chain, chain of 1,000 with 2 kB each",          \
        .against = "fetching all, filtering in the client" how, .wanted = 100,                     \
        .ours = {.sql = OURS, .parameters = CHAIN_OF("thousand"), .answer = OURS},                 \
        .theirs = FETCH_ALL(work)                                                                  \
    }

const Row rows[] = {
    {.name = "socket",
     .what = "get_memory_from_chain over a socket, prepared",
     .against = "hand-written prepared query, same index",
     .wanted = 1.2,
     .ours = {.sql = OURS, .parameters = CHAINS},
     .theirs = {.sql = BY_HAND("$1"), .parameters = CHAINS, .index = MEMORY_INDEX}},
    {.name = "loop",
     .what = "get_memory_from_chain in the server, 20,000 chains",
     .against = "LATERAL join of the hand-written query",
     .wanted = 1.0,
     .settings = IN_SERVER,
     .ours = {.sql = "SELECT count(renderchain.get_memory_from_chain(c.id)) "
                     "FROM bench.chains c WHERE NOT c.save",
              .answer = MEMORIES_OF("(SELECT c.id AS chain_id, "
                                    "renderchain.get_memory_from_chain(c.id) AS memory "
                                    "FROM bench.chains c WHERE NOT c.save) m"),
              .loops = 20000},
     .theirs = {.sql = "SELECT count(m.memory) FROM bench.chains c "
                       "LEFT JOIN LATERAL (" BY_HAND("c.id") ") m ON true WHERE NOT c.save",
                .answer = MEMORIES_OF("(SELECT c.id AS chain_id, m.memory FROM bench.chains c "
                                      "LEFT JOIN LATERAL (" BY_HAND("c.id") ") m ON true "
                                                                            "WHERE NOT c.save) m"),
                .loops = 20000,
                .index = MEMORY_INDEX}},
    {.name = "length",
     .what = "get_memory_from_chain, 1,000,000 renders in the chain",
     .against = "the same with 100 renders in the chain",
     .wanted = 1.2,
     .at_most = true,
     .ours = FROM_CHAIN_OF("long"),
     .theirs = FROM_CHAIN_OF("short")},
    FILTER(", which parses all", find_memory_in_all),
    FILTER(", which parses one", find_memory_in_newest),
    LARGE("external first", "uncompressed", "first"),
    LARGE("external middle", "uncompressed", "in the middle"),
    LARGE("external last", "uncompressed", "last"),
    LARGE("pglz first", "pglz", "first"),
    LARGE("pglz middle", "pglz", "in the middle"),
    LARGE("pglz last", "pglz", "last"),
    {.name = "batch",
     .what = "get_memories_from_chains of 1,000 chains in one call",
     .against = "1,000 prepared get_memory_from_chain over the socket",
     .wanted = 20,
     .ours = {.sql = "SELECT * FROM renderchain.get_memories_from_chains($1)",
              .parameters = BATCHES,
              .answer = MEMORIES_OF("renderchain.get_memories_from_chains(ARRAY" A_THOUSAND ") m")},
     .theirs = {.sql = OURS,
                .parameters = CHAINS,
                .answer = MEMORIES_OF("(SELECT c.id AS chain_id, "
                                      "renderchain.get_memory_from_chain(c.id) AS memory "
                                      "FROM " A_THOUSAND " c) m"),
                .calls = 1000}},
    MERGE("2 kB", 5000, 4),
    MERGE("100 kB", 100, 12),
    MERGE("1 MB", 20, 20),
    MERGE_PLPGSQL("bench.merge_by_key", "by the keys of the patch"),
    MERGE_PLPGSQL("bench.merge_by_join", "FULL JOIN of the members"),
    SAVE_CLIENT("off", "", merge_and_write),
    SAVE_CLIENT("off", " at no cost", write_merged),
    SAVE_CLIENT("on", "", merge_and_write),
    SAVE_CLIENT("on", " at no cost", write_merged),
    SAVE_SQL("off", "context_data || $2", SAVED_CONTEXT, UPDATE_SHALLOW),
    SAVE_SQL("off", "jsonb_set of memory || $2", SAVED_MEMORY, UPDATE_SET),
    SAVE_SQL("on", "context_data || $2", SAVED_CONTEXT, UPDATE_SHALLOW),
    SAVE_SQL("on", "jsonb_set of memory || $2", SAVED_MEMORY, UPDATE_SET),
};
const int row_count = sizeof(rows) / sizeof(rows[0]);

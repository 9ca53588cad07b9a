/*
 * nodes.c
 *	  All active nodes as an array of the session, for sourcing.
 *
 * Read as a whole when first wanted and after any change of omni.node (an
 * INSERT tells the sessions, too).  A stale array is freed only when the next
 * one is asked for, so a caller may go on with what it holds.
 */
#include "omni.h"

#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "master/private.h"

static MemoryContext nodes_context = NULL;
static OmniNodeInfo *nodes_array = NULL;
static int	nodes_count = 0;
static uint64 nodes_read_at = 0;	/* generation + 1; 0: nothing read */

/* Read them into a new array; the old one goes when that has succeeded. */
static void
read_nodes(uint64 generation)
{
	static OmniQuery query = {
		.sql = "SELECT " OMNI_NODE_COLUMNS " FROM omni.node AS m"
		" WHERE m.status = 'active' ORDER BY m.id",
	};
	OmniRows	rows;
	Snapshot	snapshot;
	MemoryContext scratch;
	MemoryContext context;
	MemoryContext old;
	OmniNodeInfo *array;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "omni nodes read",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	snapshot = omni_core_latest_snapshot(true);
	omni_core_query_snapshot(&query, NULL, NULL, snapshot, &rows);
	UnregisterSnapshot(snapshot);

	context = AllocSetContextCreate(scratch, "omni nodes",
									ALLOCSET_DEFAULT_SIZES);
	array = MemoryContextAllocHuge(context,
								   sizeof(OmniNodeInfo) * Max(rows.nrows, 1));
	for (int r = 0; r < rows.nrows; r++)
		omni_master_read_node(&rows, r, &array[r]);
	MemoryContextSwitchTo(old);

	MemoryContextSetParent(context, TopMemoryContext);
	MemoryContextDelete(scratch);
	if (nodes_context)
		MemoryContextDelete(nodes_context);
	nodes_context = context;
	nodes_array = array;
	nodes_count = rows.nrows;
	nodes_read_at = generation + 1;
}

/* Every active node, ascending by id; valid until the next call. */
int
omni_master_nodes(const OmniNodeInfo **nodes)
{
	uint64		generation = omni_master_nodes_generation();

	if (nodes_read_at != generation + 1)
		read_nodes(generation);
	*nodes = nodes_array;
	return nodes_count;
}

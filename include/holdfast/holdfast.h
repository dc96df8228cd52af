/*
 * holdfast.h - everything. Include single headers where compile time matters.
 */
#ifndef HOLDFAST_HOLDFAST_H
#define HOLDFAST_HOLDFAST_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"
#include "holdfast/codebase.h"
#include "holdfast/campaign.h"
#include "holdfast/candidate.h"
#include "holdfast/change_set.h"
#include "holdfast/claim.h"
#include "holdfast/queue.h"
#include "holdfast/schedule.h"
#include "holdfast/schema.h"
#include "holdfast/context.h"
#include "holdfast/debian_build.h"
#include "holdfast/defects.h"
#include "holdfast/error.h"
#include "holdfast/migrate.h"
#include "holdfast/health.h"
#include "holdfast/metrics.h"
#include "holdfast/policy.h"
#include "holdfast/pool.h"
#include "holdfast/proposal.h"
#include "holdfast/publish.h"
#include "holdfast/query.h"
#include "holdfast/ready.h"
#include "holdfast/result_branch.h"
#include "holdfast/review.h"
#include "holdfast/run.h"
#include "holdfast/run_result.h"
#include "holdfast/server.h"
#include "holdfast/settings.h"
#include "holdfast/sql.h"
#include "holdfast/state.h"
#include "holdfast/status.h"
#include "holdfast/transaction.h"
#include "holdfast/types.h"
#include "holdfast/values.h"
#include "holdfast/worker.h"

#endif

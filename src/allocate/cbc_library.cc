#include "allocate/cbc_library.h"

#include "base/shared_library.h"

namespace lq {
namespace {

CbcLibrary open_cbc() {
  const SharedLibrary library(LQ_CBC_LIBRARY, "choosing bits under a budget", "coinor-libcbc3");
  CbcLibrary cbc;
  library.find("Cbc_newModel", cbc.new_model);
  library.find("Cbc_deleteModel", cbc.delete_model);
  library.find("Cbc_setLogLevel", cbc.set_log_level);
  library.find("Cbc_loadProblem", cbc.load_problem);
  library.find("Cbc_setObjSense", cbc.set_obj_sense);
  library.find("Cbc_setInteger", cbc.set_integer);
  library.find("Cbc_addRow", cbc.add_row);
  library.find("Cbc_setCutoff", cbc.set_cutoff);
  library.find("Cbc_setAllowableGap", cbc.set_allowable_gap);
  library.find("Cbc_setMaximumNodes", cbc.set_maximum_nodes);
  library.find("Cbc_solve", cbc.solve);
  library.find("Cbc_getNodeCount", cbc.get_node_count);
  library.find("Cbc_isAbandoned", cbc.is_abandoned);
  library.find("Cbc_isContinuousUnbounded", cbc.is_continuous_unbounded);
  library.find("Cbc_status", cbc.status);
  library.find("Cbc_secondaryStatus", cbc.secondary_status);
  library.find("Cbc_bestSolution", cbc.best_solution);
  library.find("Cbc_isProvenInfeasible", cbc.is_proven_infeasible);
  library.find("Cbc_getBestPossibleObjValue", cbc.get_best_possible_obj_value);
  return cbc;
}

}  // namespace

const CbcLibrary& cbc_library() {
  static const CbcLibrary library = open_cbc();
  return library;
}

}  // namespace lq

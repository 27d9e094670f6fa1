// CBC's C interface, opened when a budget is at hand: it brings ten shared libraries that no other verb
// needs.
#pragma once

#include <coin/Cbc_C_Interface.h>

namespace lq {

struct CbcLibrary {
  decltype(&Cbc_newModel) new_model = nullptr;
  decltype(&Cbc_deleteModel) delete_model = nullptr;
  decltype(&Cbc_setLogLevel) set_log_level = nullptr;
  decltype(&Cbc_loadProblem) load_problem = nullptr;
  decltype(&Cbc_setObjSense) set_obj_sense = nullptr;
  decltype(&Cbc_setInteger) set_integer = nullptr;
  decltype(&Cbc_addRow) add_row = nullptr;
  decltype(&Cbc_setCutoff) set_cutoff = nullptr;
  decltype(&Cbc_setAllowableGap) set_allowable_gap = nullptr;
  decltype(&Cbc_setMaximumNodes) set_maximum_nodes = nullptr;
  decltype(&Cbc_solve) solve = nullptr;
  decltype(&Cbc_getNodeCount) get_node_count = nullptr;
  decltype(&Cbc_isAbandoned) is_abandoned = nullptr;
  decltype(&Cbc_isContinuousUnbounded) is_continuous_unbounded = nullptr;
  decltype(&Cbc_status) status = nullptr;
  decltype(&Cbc_secondaryStatus) secondary_status = nullptr;
  decltype(&Cbc_bestSolution) best_solution = nullptr;
  decltype(&Cbc_isProvenInfeasible) is_proven_infeasible = nullptr;
  decltype(&Cbc_getBestPossibleObjValue) get_best_possible_obj_value = nullptr;
};

// Opened once, then the same for every caller and thread. Throws Error(kUnsupported) where the machine has no
// CBC, or one without a function that we call.
const CbcLibrary& cbc_library();

}  // namespace lq

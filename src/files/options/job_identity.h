// A job's identity, read from the description of its options: what changes the result, and nothing else.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "files/options/option.h"

namespace lq {

using Describe = std::function<void(OptionVisitor&)>;

// `job` with the identity of each described option that changes the result put in its place. Reads files
// whose contents count. Throws Error(kNotFound, kIo) for those. REQUIRES: job has what options are identified
// by.
nlohmann::json with_identity(nlohmann::json job, const Describe& describe);

// A job that an older version of this program has written, as it would be written today: enums that stood
// there as numbers or by old names stand there by name. What is already so, or is no job, stays as it is.
nlohmann::json identity_today(nlohmann::json old, const Describe& describe);

}  // namespace lq

// The public library on examples/models/quill, as its users see it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "lqlora/lqlora.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lqlora {

inline std::string quill() { return lq::test::source_dir() + "/examples/models/quill"; }

// A masked language model, small and random: no next tokens.
inline std::string masked_model() { return lq::test::source_dir() + "/tests/goldens/bert_masked"; }

// The message of the Error that `call` throws; "none" where it throws none.
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

}  // namespace lqlora

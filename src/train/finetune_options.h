// The options of finetune and of its data, described (files/options/option.h): read by the command line, by
// recipes and for the job's identity.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "files/options/option.h"
#include "train/finetune.h"

namespace lq {

// What a user gets who says nothing: batches of 4 rows, 512 tokens a row, products in 16-bit integers.
FinetuneOptions finetune_defaults();

// Which examples, and how they become rows of tokens.
void describe(OptionVisitor& v, TrainingDataOptions& o);
void describe(OptionVisitor& v, FinetuneOptions& o);

// Hashes of what the options lead to: the base, what a run starts from besides it, the encoded examples, the
// model whose predictions are learnt (empty: none).
struct FinetuneSources {
  std::string model, adapter, examples, validation, reference = {};
};

// All that the result depends on; a run goes on only where it is the same.
nlohmann::json job_identity(const FinetuneOptions& options, const FinetuneSources& sources,
                            std::uint64_t seed);

}  // namespace lq

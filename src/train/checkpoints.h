// Checkpoints of a training run in a folder: what learns, the optimizer's moments and the state, each in one
// file that is written atomically and carries a checksum.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "formats/work_store.h"
#include "nn/parameter.h"
#include "tensor/context.h"
#include "train/adamw.h"
#include "train/train_state.h"

namespace lq {

class Checkpoints {
 public:
  // Keeps the last `keep` (at least 1) besides the best.
  Checkpoints(const std::filesystem::path& directory, std::int64_t keep);

  // Throws Error(kIo); those written before stay then.
  void save(Context& ctx, const TrainState& state, const std::vector<Parameter*>& parameters,
            const AdamW& optimizer) const;
  // The newest that is whole (a damaged one is passed over); nothing where there is none. Throws
  // Error(kCorruptFile, kMismatch, kNotFound) for one of other parameters.
  std::optional<TrainState> restore(Context& ctx, const std::vector<Parameter*>& parameters,
                                    AdamW& optimizer) const;

  // What learns, as it is now, as the best so far; and back.
  void save_best(Context& ctx, std::int64_t step, const std::vector<Parameter*>& parameters) const;
  bool restore_best(Context& ctx, const std::vector<Parameter*>& parameters) const;

  // Steps of the checkpoints there are, rising.
  std::vector<std::int64_t> steps() const;

 private:
  std::filesystem::path directory_;
  WorkStore store_;
  std::int64_t keep_;
};

}  // namespace lq

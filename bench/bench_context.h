// What every benchmark of models needs. Threads: LQ_THREADS (2).
#pragma once

#include <cstdlib>
#include <filesystem>

#include "../tests/reference/random_model.h"
#include "tensor/context.h"
#include "tensor/workspace.h"

namespace lq {

inline int bench_threads() {
  const char* text = std::getenv("LQ_THREADS");
  return text == nullptr ? 2 : std::atoi(text);
}

struct Bench {
  ThreadPool pool{bench_threads()};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
};

// The shape of the LoRA comparison; bits as RandomModel's.
inline reference::RandomModel shape_768(int bits) { return {768, 12, 2048, 12, 12, 32000, 4096, bits}; }

// A random model's directory in the temporary folder, made on first use.
inline std::filesystem::path bench_model(Bench& b, const reference::RandomModel& m) {
  std::string name =
      fmt::format("lq_bench_{}x{}_{}bit{}_{}", m.hidden, m.layers, m.bits, m.choice, m.context);
  if (m.same_blocks) name += "_same";
  for (const auto& [end, choice] : m.choices) name += fmt::format("_{}_{}", end, choice);
  const auto folder = std::filesystem::temp_directory_path() / name;
  if (!std::filesystem::exists(folder / "config.json")) reference::write_random_model(b.pool, m, folder);
  return folder;
}

}  // namespace lq

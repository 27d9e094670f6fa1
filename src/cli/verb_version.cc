#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/version.h"
#include "cli/app.h"
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/gemm.h"

namespace lq::cli {

static_assert(kVersion == LQ_CMAKE_VERSION, "base/version.h and CMakeLists.txt name different versions");

void add_version(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("version", "Version, commit, and what was found on this machine");
  verb->footer("Example: lqlora version");
  verb->callback([&action] {
    action = [](Session& session) {
      session.print(
          fmt::format("lqlora {}\ncommit    {}\nbuild     {}, {}\nSIMD      {} (best of this machine: "
                      "{})\nGEMM      {}\nthreads   {}\nCUDA      not built in\nMPI       not built in\n",
                      kVersion, LQ_COMMIT, LQ_BUILD_TYPE, LQ_COMPILER, kernels::simd_targets(),
                      kernels::simd_best(), kernels::gemm_library(), session.context().pool.threads()));
      session.write_json({{"version", kVersion},
                          {"commit", LQ_COMMIT},
                          {"build", LQ_BUILD_TYPE},
                          {"simd", kernels::simd_targets()},
                          {"gemm", kernels::gemm_library()},
                          {"threads", session.context().pool.threads()},
                          {"cuda", false},
                          {"mpi", false}});
    };
  });
}

}  // namespace lq::cli

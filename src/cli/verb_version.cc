#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backends/cpu/cpu_features.h"
#include "backends/cpu/gemm.h"
#include "backends/cuda/device.h"
#include "base/version.h"
#include "cli/app.h"

namespace lq::cli {

static_assert(kVersion == LQ_CMAKE_VERSION, "base/version.h and CMakeLists.txt name different versions");

namespace {

std::string cuda_found() {
  if (!backends::cuda::built_in()) return "not built in";
  std::string found;
  for (const backends::cuda::DeviceInfo& d : backends::cuda::devices()) {
    found += fmt::format("{}{} ({}.{}, {} MiB)", found.empty() ? "" : ", ", d.name, d.major, d.minor,
                         d.bytes >> 20);
  }
  return found.empty() ? "built in, no device found" : found;
}

}  // namespace

void add_version(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("version", "Version, commit, and what was found on this machine");
  verb->footer("Example: lqlora version");
  verb->callback([&action] {
    action = [](Session& session) {
      session.print(fmt::format(
          "lqlora {}\ncommit    {}\nbuild     {}, {}\nSIMD      {} (best of this machine: "
          "{})\nGEMM      {}\nthreads   {}\nCUDA      {}\nMPI       not built in\n",
          kVersion, LQ_COMMIT, LQ_BUILD_TYPE, LQ_COMPILER, backends::simd_targets(), backends::simd_best(),
          backends::gemm_library(), session.context().pool.threads(), cuda_found()));
      session.write_json({{"version", kVersion},
                          {"commit", LQ_COMMIT},
                          {"build", LQ_BUILD_TYPE},
                          {"simd", backends::simd_targets()},
                          {"gemm", backends::gemm_library()},
                          {"threads", session.context().pool.threads()},
                          {"cuda", backends::cuda::built_in()},
                          {"cuda_devices", backends::cuda::devices().size()},
                          {"mpi", false}});
    };
  });
}

}  // namespace lq::cli

#include "lqlora/export.h"

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "base/error.h"
#include "export/hf_export.h"
#include "export/peft_export.h"
#include "files/path_access.h"

namespace lqlora {

void export_dense(Context& context, const Checkpoint& packed, const std::filesystem::path& out,
                  const ExportOptions& options) {
  LQ_CHECK(!options.without_adapter || (options.adapter.empty() && !options.keep_adapter), kInvalidArgument,
           "without_adapter excludes adapter and keep_adapter");
  lq::HfExportOptions job;
  job.out = out;
  if (!options.adapter.empty()) job.adapter = options.adapter;
  job.without_adapter = options.without_adapter;
  job.keep_adapter = options.keep_adapter;
  lq::check_readable(options.adapter);
  lq::with_io_errors([&] { lq::export_hf(context.impl().context, packed.impl().checkpoint, job); });
}

void export_adapter(Context& context, const Checkpoint& packed, const std::filesystem::path& adapter,
                    const std::filesystem::path& out, const std::filesystem::path& dense) {
  lq::PeftExportOptions job;
  job.adapter = adapter;
  job.out = out;
  for (const auto& path : {adapter, dense}) lq::check_readable(path);
  lq::with_io_errors([&] {
    const lq::CheckpointPtr base = dense.empty() ? nullptr : lq::Checkpoint::open(dense);
    lq::export_peft(context.impl().context, packed.impl().checkpoint, base, job);
  });
}

}  // namespace lqlora

#include "lqlora/model.h"

#include <cstring>

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "api/model_impl.h"
#include "base/error.h"
#include "files/path_access.h"
#include "models/model_check.h"
#include "ops/cross_entropy.h"

namespace lqlora {

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::load(Context& context, const Checkpoint& checkpoint, const ModelOptions& options) {
  lq::ModelLoadOptions load;
  load.adapter = options.adapter;
  load.no_adapter = options.no_adapter;
  LQ_CHECK(options.adapter.empty() || !options.no_adapter, kInvalidArgument,
           "no_adapter excludes adapter, which is {}", options.adapter.string());
  lq::check_readable(options.adapter);
  return lq::with_io_errors([&] {
    return Model(std::make_unique<Impl>(Impl{
        checkpoint.path(), lq::Model::load(context.impl().context, checkpoint.impl().checkpoint, load)}));
  });
}

std::int64_t Model::vocab() const { return impl_->model.spec().vocab; }
std::int64_t Model::layers() const { return impl_->model.spec().layers(); }
std::int64_t Model::hidden() const { return impl_->model.spec().hidden; }
std::int64_t Model::context_length() const { return impl_->model.spec().max_positions; }
bool Model::is_packed() const { return impl_->model.packed(); }

std::vector<ModuleInfo> Model::modules() const {
  std::vector<ModuleInfo> all;
  for (const lq::Module& module : impl_->model.modules()) {
    lq::Linear& linear = *module.linear;
    all.push_back({module.name, linear.out(), linear.in(), linear.lora() ? linear.lora()->rank() : 0,
                   linear.weight().parameter() == nullptr});
  }
  return all;
}

namespace {

void check_length(const lq::Model& model, std::span<const std::int32_t> ids) {
  LQ_CHECK(!ids.empty(), kInvalidArgument, "[model] there is no token");
  lq::check_sequence_length(model.spec(), std::ssize(ids), "[model]");
}

}  // namespace

std::vector<float> Model::logits(Context& context, std::span<const std::int32_t> ids) const {
  const lq::Model& model = impl_->model;
  check_length(model, ids);
  const auto vocab = static_cast<std::size_t>(model.spec().vocab);
  const std::vector<std::int64_t> starts = {0, std::ssize(ids)};
  const std::vector<std::int32_t> targets(ids.size(), lq::kIgnoreTarget);
  std::vector<float> losses(ids.size());
  std::vector<float> all(ids.size() * vocab);
  lq::Workspace workspace;
  model.losses(context.impl().context, workspace, {ids, starts}, targets, losses,
               [&](std::int64_t first, lq::ConstMatrix chunk) {
                 std::memcpy(all.data() + static_cast<std::size_t>(first) * vocab, chunk.data,
                             static_cast<std::size_t>(chunk.size()) * sizeof(float));
               });
  return all;
}

std::vector<float> Model::losses(Context& context, std::span<const std::int32_t> ids) const {
  const lq::Model& model = impl_->model;
  lq::refuse_encoder(model.spec(), impl_->path.string(), "say the next token");
  check_length(model, ids);
  const std::vector<std::int64_t> starts = {0, std::ssize(ids)};
  std::vector<std::int32_t> targets(ids.begin() + 1, ids.end());
  targets.push_back(lq::kIgnoreTarget);
  std::vector<float> losses(ids.size());
  lq::Workspace workspace;
  model.losses(context.impl().context, workspace, {ids, starts}, targets, losses);
  losses.pop_back();
  return losses;
}

}  // namespace lqlora

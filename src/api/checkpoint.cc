#include "lqlora/checkpoint.h"

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "files/json_object.h"
#include "formats/packed_checkpoint.h"

namespace lqlora {

Checkpoint::Impl::Impl(const std::filesystem::path& given) : path(given), reader(given) {
  const std::filesystem::path config = reader.directory() / "config.json";
  packed = std::filesystem::exists(config) && lq::is_packed(lq::JsonObject::load(config));
}

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  return Checkpoint(std::make_shared<Impl>(path));
}

const std::filesystem::path& Checkpoint::path() const { return impl_->path; }

bool Checkpoint::is_packed() const { return impl_->packed; }

std::string Checkpoint::config() const {
  return lq::JsonObject::load(impl_->reader.directory() / "config.json").json().dump(2);
}

std::vector<TensorInfo> Checkpoint::tensors() const {
  std::vector<TensorInfo> all;
  for (const lq::TensorView& view : impl_->reader.tensors()) {
    all.push_back({view.name(), std::string(lq::dtype_name(view.dtype())), view.shape()});
  }
  return all;
}

std::vector<float> Checkpoint::read(std::string_view name) const {
  const lq::TensorView& view = impl_->reader.at(name);
  std::vector<float> values(static_cast<std::size_t>(view.numel()));
  lq::convert_to_f32(view.dtype(), view.data, 0, view.numel(), values.data());
  return values;
}

std::string Checkpoint::hash(Context& context) const {
  const lq::Context& inner = context.impl().context;
  const std::lock_guard lock(impl_->mutex);
  if (impl_->hash.empty()) impl_->hash = impl_->reader.model_hash(inner.pool, inner.stop);
  return impl_->hash;
}

}  // namespace lqlora

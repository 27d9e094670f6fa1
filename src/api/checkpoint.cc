#include "lqlora/checkpoint.h"

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "base/printable.h"
#include "files/path_access.h"

namespace lqlora {

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  lq::check_readable(path);
  return lq::with_io_errors(
      [&] { return Checkpoint(std::make_shared<Impl>(Impl{lq::Checkpoint::open(path)})); });
}

const std::filesystem::path& Checkpoint::path() const { return impl_->checkpoint->path(); }

bool Checkpoint::is_packed() const { return impl_->checkpoint->is_packed(); }

std::string Checkpoint::config() const { return impl_->checkpoint->config().json().dump(2); }

std::vector<TensorInfo> Checkpoint::tensors() const {
  std::vector<TensorInfo> all;
  for (const lq::TensorView& view : impl_->checkpoint->reader().tensors()) {
    all.push_back({view.name(), std::string(view.stored_type()), view.shape()});
  }
  return all;
}

std::vector<float> Checkpoint::read(std::string_view name) const {
  const lq::TensorView& view = impl_->checkpoint->reader().at(name);
  std::vector<float> values(static_cast<std::size_t>(view.numel()));
  try {
    view.to_f32(0, view.numel(), values.data());
  } catch (const Error& e) {
    lq::fail(e.code(), "{}: tensor '{}': {}", path().string(), lq::printable(name), e.what());
  }
  return values;
}

std::string Checkpoint::hash(Context& context) const {
  const lq::Context& inner = context.impl().context;
  return impl_->checkpoint->hash(inner.pool, inner.stop);
}

}  // namespace lqlora

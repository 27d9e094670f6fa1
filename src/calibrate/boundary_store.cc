#include "calibrate/boundary_store.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "ops/device_memory.h"

namespace lq {

std::string BoundaryStore::name(std::int64_t layer, std::int64_t group) const {
  return fmt::format("{}.{}.{}", kind_, layer, group);
}

void BoundaryStore::put(Context& ctx, std::int64_t layer, std::int64_t group, ConstMatrix m) {
  std::vector<float> room;
  const float* const values = on_host(ctx, m.flat(), room).data();
  if (on_disk_) {
    const Tensor view =
        Tensor::borrow(DType::kF32, {m.rows, m.cols}, reinterpret_cast<const std::byte*>(values));
    store_.put(name(layer, group), {{"x", &view}}, nlohmann::json::object());
  }
  if (in_memory_) {
    Tensor copy = Tensor::empty(DType::kF32, {m.rows, m.cols});
    std::memcpy(copy.mutable_raw(), values, copy.bytes());
    memory_.insert_or_assign({layer, group}, std::move(copy));
  }
}

bool BoundaryStore::get(Context& ctx, std::int64_t layer, std::int64_t group, Matrix m) const {
  const auto it = memory_.find({layer, group});
  if (it != memory_.end()) {
    if (it->second.shape() != Shape{m.rows, m.cols}) return false;
    copy_values(ctx, const_matrix_of(it->second).flat(), m.flat());
    return true;
  }
  if (!on_disk_) return false;
  const auto item = store_.get(name(layer, group));
  const TensorView* view = item ? item->file.find("x") : nullptr;
  if (view == nullptr || view->dtype() != DType::kF32 || view->shape() != Shape{m.rows, m.cols}) return false;
  const Tensor kept = Tensor::borrow(DType::kF32, {m.rows, m.cols}, view->data);
  copy_values(ctx, const_matrix_of(kept).flat(), m.flat());
  return true;
}

bool BoundaryStore::has(std::int64_t layer, std::int64_t group, std::int64_t tokens,
                        std::int64_t hidden) const {
  const auto it = memory_.find({layer, group});
  if (it != memory_.end()) return it->second.shape() == Shape{tokens, hidden};
  if (!on_disk_) return false;
  const auto item = store_.get(name(layer, group));
  const TensorView* view = item ? item->file.find("x") : nullptr;
  return view != nullptr && view->dtype() == DType::kF32 && view->shape() == Shape{tokens, hidden};
}

void BoundaryStore::erase(std::int64_t layer, std::int64_t groups) {
  for (std::int64_t g = 0; g < groups; ++g) {
    memory_.erase({layer, g});
    if (on_disk_) store_.erase(name(layer, g));
  }
}

}  // namespace lq

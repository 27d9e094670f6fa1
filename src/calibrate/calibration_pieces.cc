#include "calibrate/calibration_pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>

#include "base/error.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

std::string partial_name(const Segment& segment) {
  return fmt::format("partial.{}-{}", segment.first, segment.second);
}

}  // namespace

void save_partial_sums(Context& ctx, const WorkStore& store, const Segment& segment, std::int64_t next,
                       double loss, const SegmentStatistics& statistics) {
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  std::list<Tensor> copies;
  for (const auto& block : statistics) {
    for (const auto& [name, tensor] : block->state()) {
      const bool here = tensor->device().is_cpu();
      tensors.emplace_back(name, here ? tensor : &copies.emplace_back(copy_to_host(ctx, *tensor)));
    }
  }
  store.put(partial_name(segment), tensors, {{"next", next}, {"loss", loss}});
}

std::optional<PartialSums> find_partial_sums(const WorkStore& store, const Segment& segment) {
  auto item = store.get(partial_name(segment));
  if (!item) return std::nullopt;
  const auto next = item->info.at("next").get<std::int64_t>();
  const auto loss = item->info.at("loss").get<double>();
  return PartialSums{std::move(*item), next, loss};
}

void load_partial_sums(Context& ctx, const PartialSums& sums, const SegmentStatistics& statistics) {
  for (const auto& block : statistics) {
    for (const auto& [name, tensor] : block->state()) {
      const TensorView* view = sums.item.file.find(name);
      LQ_CHECK(view != nullptr && view->dtype() == DType::kF64 && view->shape() == tensor->shape(), kInternal,
               "[calibrate] partial sums lack {}", name);
      copy_bytes(ctx, view->data, *tensor);
    }
  }
}

void erase_partial_sums(const WorkStore& store, const Segment& segment) {
  store.erase(partial_name(segment));
}

std::string block_piece_name(std::int64_t layer) { return fmt::format("block.{}", layer); }

void save_block(const WorkStore& store, std::int64_t layer,
                const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::vector<std::pair<std::string, const Tensor*>> views;
  nlohmann::json silent = nlohmann::json::array();
  for (const auto& [name, tensor] : tensors) {
    views.emplace_back(name, &tensor);
    const float* v = tensor.data<float>();
    const std::string module = name.substr(0, name.rfind('.'));
    if (std::all_of(v, v + tensor.numel(), [](float x) { return x == 0.0F; }) &&
        (silent.empty() || silent.back() != module)) {
      silent.push_back(module);
    }
  }
  store.put(block_piece_name(layer), views, {{"silent", silent}});
}

}  // namespace lq

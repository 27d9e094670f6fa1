#include "formats/stored_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "formats/stored_layout.h"

namespace lq {
namespace {

// What a stack's experts have in common, and how many of its parts are there.
struct StackPlan {
  std::size_t spec = 0;  // in the list of what is written
  Shape part;
  DType dtype = DType::kF32;
  std::int64_t parts = 0, experts = 0, seen = 0;
};

// [inputs, outputs] of one expert, or [outputs] of a bias: its outputs are every step-th from `first` on.
void spread(const Tensor& part, std::int64_t first, std::int64_t step, std::byte* to) {
  const std::int64_t outputs = part.dim(0);
  const std::int64_t inputs = part.shape().size() == 2 ? part.dim(1) : 1;
  const std::size_t size = dtype_size(part.dtype());
  for (std::int64_t i = 0; i < inputs; ++i) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      std::memcpy(to + static_cast<std::size_t>((i * outputs + o) * step + first) * size,
                  part.raw() + static_cast<std::size_t>(o * inputs + i) * size, size);
    }
  }
}

Shape stack_shape(std::int64_t experts, std::int64_t parts, const Shape& part) {
  if (part.size() == 1) return {experts, parts * part[0]};
  return {experts, part[1], parts * part[0]};
}

}  // namespace

std::vector<TensorSpec> StoredWriter::stacked(const JsonObject& config, const std::vector<TensorSpec>& own,
                                              std::unordered_map<std::string, Piece>& pieces) {
  std::vector<TensorSpec> specs;
  std::unordered_map<std::string, StackPlan> stacks;
  for (const TensorSpec& spec : own) {
    const auto place = expert_place(config, spec.name);
    if (!place) {
      specs.push_back({spec.name, spec.dtype, stored_shape(config, spec.name, spec.shape)});
      continue;
    }
    pieces.emplace(spec.name, Piece{*place, spec});
    const auto [it, first] = stacks.try_emplace(place->stack);
    StackPlan& stack = it->second;
    if (first) {
      stack = {specs.size(), spec.shape, spec.dtype, place->parts()};
      specs.push_back({place->stack, spec.dtype, {}});
    }
    LQ_CHECK(spec.shape == stack.part && spec.dtype == stack.dtype, kMismatch,
             "{}: {} is {} {}, but the experts beside it are {} {}: they cannot be written as one stack",
             config.who(), spec.name, dtype_name(spec.dtype), shape_text(spec.shape), dtype_name(stack.dtype),
             shape_text(stack.part));
    stack.experts = std::max(stack.experts, place->expert + 1);
    ++stack.seen;
  }
  for (const auto& [name, stack] : stacks) {
    LQ_CHECK(stack.seen == stack.experts * stack.parts, kMismatch,
             "{}: of the experts' stack {} only {} of {} matrices are there", config.who(), name, stack.seen,
             stack.experts * stack.parts);
    specs[stack.spec].shape = stack_shape(stack.experts, stack.parts, stack.part);
  }
  return specs;
}

StoredWriter::StoredWriter(const std::filesystem::path& directory, const JsonObject& config,
                           const std::vector<TensorSpec>& own, const ShardOptions& options)
    : config_(config), writer_(directory, stacked(config, own, pieces_), options) {}

void StoredWriter::write(const std::string& name, Tensor values) {
  const auto piece = pieces_.find(name);
  if (piece != pieces_.end()) return put(piece->second, std::move(values));
  writer_.write(name, stored_values(config_, name, std::move(values)));
}

void StoredWriter::write_f32(const std::string& name, Tensor values) {
  const auto piece = pieces_.find(name);
  if (piece == pieces_.end()) {
    const Tensor stored = stored_values(config_, name, std::move(values));
    return writer_.write_f32(name, stored.data<float>());
  }
  Tensor rounded = Tensor::empty(piece->second.spec.dtype, values.shape());
  convert_from_f32(rounded.dtype(), values.data<float>(), values.numel(), rounded.mutable_raw());
  put(piece->second, std::move(rounded));
}

void StoredWriter::put(const Piece& piece, Tensor values) {
  const ExpertPlace& place = piece.place;
  LQ_CHECK(values.dtype() == piece.spec.dtype && values.shape() == piece.spec.shape, kInvalidArgument,
           "[safetensors] {}: {} {} given, but {} {} was announced", piece.spec.name,
           dtype_name(values.dtype()), shape_text(values.shape()), dtype_name(piece.spec.dtype),
           shape_text(piece.spec.shape));
  const std::size_t bytes = values.bytes() * static_cast<std::size_t>(place.parts());
  std::vector<std::byte> whole(bytes);
  const std::uint64_t offset = static_cast<std::uint64_t>(place.expert) * bytes;
  if (place.parts() == 1) {
    spread(values, 0, 1, whole.data());
    return writer_.put(place.stack, offset, whole.data(), bytes);
  }
  const std::string key = fmt::format("{} {}", place.stack, place.expert);
  const auto other = waiting_.find(key);
  if (other == waiting_.end()) {
    waiting_.emplace(key, std::move(values));
    return;
  }
  const bool up = place.part == ExpertPlace::Part::kUp;
  spread(up ? other->second : values, 0, 2, whole.data());
  spread(up ? values : other->second, 1, 2, whole.data());
  waiting_.erase(other);
  writer_.put(place.stack, offset, whole.data(), bytes);
}

std::vector<std::string> StoredWriter::finish() { return writer_.finish(); }

}  // namespace lq

#include "formats/gpt_oss_layout.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <memory>
#include <unordered_map>

#include "base/error.h"
#include "base/printable.h"
#include "formats/mxfp4.h"
#include "formats/strided_form.h"

namespace lq {
namespace {

constexpr std::string_view kWithin = ".mlp.experts.";
constexpr std::string_view kGateUpStack = "gate_up_proj";
constexpr std::string_view kDownStack = "down_proj";
constexpr std::string_view kBlocks = "_blocks";
constexpr std::string_view kScales = "_scales";

using ViewsByName = std::unordered_map<std::string_view, const TensorView*>;

// What of a stack an expert's own tensor is.
struct StackPart {
  std::string_view own;  // "gate_proj"
  std::int64_t first;    // of its outputs in the stack's
  std::int64_t step;
};

std::vector<StackPart> parts_of_stack(bool gate_up) {
  if (gate_up) return {{"gate_proj", 0, 2}, {"up_proj", 1, 2}};
  return {{"down_proj", 0, 1}};
}

// Cuts the stacks of one checkpoint.
class StackCutter {
 public:
  StackCutter(const ViewsByName& named, std::optional<std::int64_t> experts, std::string_view who)
      : named_(named), experts_(experts), who_(who) {}

  // The experts' tensors of `view`; nothing where it is no stack: it stays as it is.
  std::optional<std::vector<TensorView>> cut(const TensorView& view) const {
    const std::string_view name = view.name();
    const std::size_t at = name.find(kWithin);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view before = name.substr(0, at + kWithin.size());
    const std::string_view rest = name.substr(before.size());
    for (const std::string_view stack : {kGateUpStack, kDownStack}) {
      if (!rest.starts_with(stack)) continue;
      const std::string_view kind = rest.substr(stack.size());
      const auto parts = parts_of_stack(stack == kGateUpStack);
      if (kind.empty()) return dense(view, before, parts);
      if (kind == "_bias") return biases(view, before, parts);
      if (kind == kBlocks) return blocks(view, before, parts);
      if (kind != kScales) continue;
      const std::string whole = fmt::format("{}{}{}", before, stack, kBlocks);
      LQ_CHECK(named_.contains(whole), kCorruptFile, "{}: {} is there without {}", who_, printable(name),
               printable(whole));
      return std::vector<TensorView>();  // read with its blocks
    }
    return std::nullopt;
  }

 private:
  static TensorView part_of(const TensorView& view, std::string_view before, std::int64_t expert,
                            std::string_view own, std::string_view kind, Shape shape) {
    TensorView part = view;
    part.spec = {fmt::format("{}{}.{}.{}", before, expert, own, kind), view.dtype(), std::move(shape)};
    return part;
  }

  void check(bool good, const TensorView& view, std::string_view expected) const {
    LQ_CHECK(good, kCorruptFile, "{}: {} is {} {}, but a stack of the experts' {} was expected", who_,
             printable(view.name()), dtype_name(view.dtype()), shape_text(view.shape()), expected);
    LQ_CHECK(!experts_ || view.shape()[0] == *experts_, kCorruptFile,
             "{}: {} is {}, but config.json says num_local_experts {}", who_, printable(view.name()),
             shape_text(view.shape()), *experts_);
  }

  std::vector<TensorView> dense(const TensorView& view, std::string_view before,
                                const std::vector<StackPart>& parts) const {
    const auto count = std::ssize(parts);
    const Shape& s = view.shape();
    check(s.size() == 3 && s[2] % count == 0, view, "matrices [experts, inputs, outputs]");
    std::vector<TensorView> all;
    const std::size_t size = dtype_size(view.dtype());
    for (std::int64_t e = 0; e < s[0]; ++e) {
      for (const StackPart& p : parts) {
        TensorView part = part_of(view, before, e, p.own, "weight", {s[2] / count, s[1]});
        part.data += static_cast<std::size_t>(e * s[1] * s[2] + p.first) * size;
        part.bytes = static_cast<std::size_t>(part.spec.numel()) * size;
        part.form = std::make_shared<StridedForm>(view.dtype(), s[1], p.step, s[2]);
        all.push_back(std::move(part));
      }
    }
    return all;
  }

  std::vector<TensorView> biases(const TensorView& view, std::string_view before,
                                 const std::vector<StackPart>& parts) const {
    const auto count = std::ssize(parts);
    const Shape& s = view.shape();
    check(s.size() == 2 && s[1] % count == 0, view, "biases [experts, outputs]");
    std::vector<TensorView> all;
    const std::size_t size = dtype_size(view.dtype());
    for (std::int64_t e = 0; e < s[0]; ++e) {
      for (const StackPart& p : parts) {
        TensorView part = part_of(view, before, e, p.own, "bias", {s[1] / count});
        part.data += static_cast<std::size_t>(e * s[1] + p.first) * size;
        part.bytes = static_cast<std::size_t>(part.spec.numel()) * size;
        part.form = std::make_shared<StridedForm>(view.dtype(), 1, p.step, 0);
        all.push_back(std::move(part));
      }
    }
    return all;
  }

  std::vector<TensorView> blocks(const TensorView& view, std::string_view before,
                                 const std::vector<StackPart>& parts) const {
    constexpr std::int64_t kBytes = kMxfp4Block / 2;
    const auto count = std::ssize(parts);
    const Shape& s = view.shape();
    const bool good = view.dtype() == DType::kU8 && s.size() == 4 && s[1] % count == 0 && s[3] == kBytes;
    check(good, view, "blocks, U8 [experts, outputs, inputs / 32, 16],");
    const std::string stack(view.name().substr(0, view.name().size() - kBlocks.size()));
    LQ_CHECK(!named_.contains(stack), kCorruptFile, "{}: both {} and {} are there", who_, printable(stack),
             printable(view.name()));
    const auto scales = named_.find(stack + std::string(kScales));
    LQ_CHECK(scales != named_.end(), kCorruptFile, "{}: {} is there without {}{}", who_,
             printable(view.name()), printable(stack), kScales);
    const TensorView& powers = *scales->second;
    check(powers.dtype() == DType::kU8 && powers.shape() == Shape{s[0], s[1], s[2]}, powers,
          fmt::format("scales, U8 {},", shape_text({s[0], s[1], s[2]})));
    std::vector<TensorView> all;
    for (std::int64_t e = 0; e < s[0]; ++e) {
      for (const StackPart& p : parts) {
        const Shape shape = {s[1] / count, s[2] * kMxfp4Block};
        TensorView part = part_of(view, before, e, p.own, "weight", shape);
        const std::int64_t block = (e * s[1] + p.first) * s[2];
        part.spec.dtype = DType::kBf16;
        part.data += block * kBytes;
        part.bytes = static_cast<std::size_t>(shape[0] * s[2] * (kBytes + 1));
        part.form = std::make_shared<Mxfp4Form>(shape[1], p.step, powers.data + block);
        all.push_back(std::move(part));
      }
    }
    return all;
  }

  const ViewsByName& named_;
  std::optional<std::int64_t> experts_;
  std::string_view who_;
};

}  // namespace

std::vector<TensorView> gpt_oss_experts(const std::vector<TensorView>& views,
                                        std::optional<std::int64_t> experts, std::string_view who) {
  ViewsByName named;
  for (const TensorView& v : views) named.emplace(v.name(), &v);
  const StackCutter cutter(named, experts, who);
  std::vector<TensorView> all;
  for (const TensorView& v : views) {
    if (auto parts = cutter.cut(v)) {
      for (TensorView& part : *parts) all.push_back(std::move(part));
    } else {
      all.push_back(v);
    }
  }
  return all;
}

std::optional<ExpertPlace> gpt_oss_place(std::string_view name) {
  const std::size_t at = name.find(kWithin);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = name.substr(0, at + kWithin.size());
  std::string_view rest = name.substr(before.size());
  ExpertPlace place;
  const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), place.expert);
  if (number.ec != std::errc() || place.expert < 0) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
  place.bias = rest.ends_with(".bias");
  if (!place.bias && !rest.ends_with(".weight")) return std::nullopt;
  rest = rest.substr(0, rest.rfind('.'));
  using Part = ExpertPlace::Part;
  constexpr auto kParts = std::to_array<std::pair<std::string_view, Part>>(
      {{".gate_proj", Part::kGate}, {".up_proj", Part::kUp}, {".down_proj", Part::kDown}});
  for (const auto& [own, part] : kParts) {
    if (rest != own) continue;
    place.part = part;
    place.stack = fmt::format("{}{}{}", before, part == Part::kDown ? kDownStack : kGateUpStack,
                              place.bias ? "_bias" : "");
    return place;
  }
  return std::nullopt;
}

}  // namespace lq

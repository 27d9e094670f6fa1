#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_kind.h"
#include "quant/ggml/dequantize.h"

namespace lq {

const GgufFile::Tensor* GgufKindSource::tensor(std::string_view name) const {
  const auto at = std::ranges::find_if(file.tensors(), [&](const auto& t) { return t.entry->name == name; });
  return at == file.tensors().end() ? nullptr : &*at;
}

bool GgufKindSource::has_bias(std::string_view module) const {
  return tensor(fmt::format("blk.0.{}.bias", module)) != nullptr;
}

std::vector<float> GgufKindSource::floats(const GgufFile::Tensor& tensor, std::int64_t count) const {
  const GgufTensor& entry = *tensor.entry;
  LQ_CHECK(entry.shape == Shape{count} && entry.type == ggml::GgmlType::kF32, kCorruptFile,
           "{}: {} is {} {}, but must be [{}] F32, one for each frequency", keys.who(), printable(entry.name),
           shape_text(entry.shape), ggml::type_info(entry.type).name, count);
  std::vector<float> all(static_cast<std::size_t>(count));
  ggml::dequantize(entry.type, tensor.data, 0, count, all.data());
  return all;
}

const std::vector<GgufKind>& gguf_kinds() {
  static const std::vector<GgufKind> kKinds = [] {
    std::vector<GgufKind> all = gguf_llama_kinds();
    for (GgufKind& kind : gguf_gemma_kinds()) all.push_back(std::move(kind));
    all.push_back(gguf_phi3_kind());
    all.push_back(gguf_olmo2_kind());
    all.push_back(gguf_granite_kind());
    all.push_back(gguf_smollm3_kind());
    all.push_back(gguf_gpt2_kind());
    all.push_back(gguf_bert_kind());
    return all;
  }();
  return kKinds;
}

}  // namespace lq
